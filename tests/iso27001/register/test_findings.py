"""From a finding to its closing: nothing is skipped, and nobody checks their own work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.register.conclusion import Conclusion
from iso27001.register.findings import (
    KINDS,
    Finding,
    FindingState,
    FindingText,
    Source,
    analyse,
    check,
    close,
    done,
    findings,
    open_finding,
    plan,
)
from tests.iso27001.register.kept import DAY, NOW, Kept, by

TEXT = FindingText(
    title="Nhật ký của hai hệ thống không được lưu đủ lâu",
    text="two of 13 streams are deleted after 30 days",
    conclusion=Conclusion.MINOR,
    controls=("A.8.15",),
    source=Source.AUDIT,
    ref="AU-1",
    owner="Head of operations",
    due=NOW + 90 * DAY,
)


def opened(kept: Kept, text: FindingText = TEXT) -> None:
    kept.write(open_finding("F-1", text, {}, load(), by("auditor")))


def now(kept: Kept) -> Finding:
    return findings(kept.entries(KINDS))["F-1"]


def test_a_nonconformity_goes_its_whole_way(kept: Kept) -> None:
    opened(kept)
    assert (now(kept).text, now(kept).state) == (TEXT, FindingState.OPEN)
    kept.write(analyse(now(kept), "the lifecycle was never set", by("lan", 1)))
    assert now(kept).state is FindingState.ANALYSED
    kept.write(plan(now(kept), "set the lifecycle", "lan", NOW + 30 * DAY, by("lan", 2)))
    kept.write(plan(now(kept), "check it monthly", "hoa", NOW + 40 * DAY, by("lan", 2)))
    kept.write(done(now(kept), 1, "done in change 41", by("lan", 31)))
    assert now(kept).state is FindingState.IN_WORK
    assert [action.overdue(NOW + 31 * DAY) for action in now(kept).actions] == [True, False]
    kept.write(done(now(kept), 2, "in the calendar", by("hoa", 33)))
    assert now(kept).state is FindingState.DONE
    kept.write(check(now(kept), False, "one stream still goes after 30 days", by("auditor", 60)))
    assert now(kept).closed is None
    kept.write(plan(now(kept), "mend the other stream", "lan", NOW + 70 * DAY, by("lan", 61)))
    kept.write(done(now(kept), 3, "mended", by("lan", 62)))
    kept.write(check(now(kept), True, "13 of 13 for a month", by("auditor", 95)))
    found = now(kept)
    assert (found.state, found.why_closed, len(found.checks)) == (FindingState.CLOSED, "13 of 13 for a month", 2)
    assert not found.overdue(NOW + 99 * DAY)


def test_a_finding_is_overdue_until_it_is_closed(kept: Kept) -> None:
    opened(kept)
    assert not now(kept).overdue(NOW + 90 * DAY)
    assert now(kept).overdue(NOW + 91 * DAY)


def test_steps_cannot_be_skipped(kept: Kept) -> None:
    opened(kept)
    with pytest.raises(RecordError, match="answers a root cause, and none is recorded"):
        plan(now(kept), "x", "lan", NOW + DAY, by("lan"))
    with pytest.raises(RecordError, match='F-1 is "open": its effect is checked when its actions are done'):
        check(now(kept), True, "fine", by("auditor"))
    with pytest.raises(RecordError, match="F-1 is a minor NC: it is closed by a check"):
        close(now(kept), "no time", by("auditor"))
    with pytest.raises(RecordError, match="F-1 has no action 1"):
        done(now(kept), 1, "done", by("lan"))


def test_nobody_checks_the_effect_of_their_own_action_and_no_action_is_done_twice(kept: Kept) -> None:
    opened(kept)
    kept.write(analyse(now(kept), "cause", by("lan")))
    kept.write(plan(now(kept), "act", "lan", NOW + DAY, by("lan")))
    kept.write(done(now(kept), 1, "done", by("lan", 1)))
    with pytest.raises(RecordError, match="lan did an action of F-1: its effect is checked by somebody else"):
        check(now(kept), True, "fine", by("lan", 2))
    with pytest.raises(RecordError, match="action 1 was done on 2026-11-03 by lan"):
        done(now(kept), 1, "again", by("hoa", 2))


def test_an_observation_may_be_closed_with_a_reason_and_then_nothing_more(kept: Kept) -> None:
    opened(kept, replace(TEXT, conclusion=Conclusion.OPPORTUNITY))
    kept.write(close(now(kept), "taken up in the plan of 2027", by("auditor", 1)))
    for change in (lambda: analyse(now(kept), "x", by("lan")), lambda: close(now(kept), "x", by("lan"))):
        with pytest.raises(RecordError, match="F-1 was closed on 2026-11-03"):
            change()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"conclusion": Conclusion.CONFORM}, "what conforms is no finding"),
        ({"controls": ()}, "names the control or clause"),
        ({"controls": ("A.12.4.9",)}, 'unknown control "A.12.4.9"'),
        ({"due": NOW}, "due on 2026-11-02, which is past"),
        ({"owner": "", "ref": ""}, "owner and ref must be said"),
    ],
)
def test_what_is_no_finding_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        open_finding("F-1", replace(TEXT, **change), {}, load(), by("auditor"))  # type: ignore[arg-type]


def test_an_id_that_is_taken_is_refused(kept: Kept) -> None:
    opened(kept)
    with pytest.raises(RecordError, match="there is a F-1 already"):
        open_finding("F-1", TEXT, findings(kept.entries(KINDS)), load(), by("auditor"))
