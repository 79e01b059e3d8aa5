"""All records of a ledger at once, and what somebody is reminded of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.evidence import link
from iso27001.ledger import Fact
from iso27001.register import activities, exceptions, findings, risks
from iso27001.register.reading import Register, read_register
from iso27001.register.reminders import reminders
from iso27001.register.statements import propose
from tests.iso27001.material import brute_force
from tests.iso27001.register.kept import DAY, NOW, Kept, by
from tests.iso27001.register.test_activities import TEXT as EXERCISE
from tests.iso27001.register.test_exceptions import TEXT as EXCEPTION
from tests.iso27001.register.test_findings import TEXT as FINDING
from tests.iso27001.register.test_holdings import POLICY
from tests.iso27001.register.test_risks import TEXT as RISK
from tests.iso27001.register.test_statements import RISKS, lines


def filled(kept: Kept) -> Register:
    kept.ledger.append([link(POLICY, load(), actor="lan"), link(brute_force(), load())])
    kept.write(
        risks.record("R-1", RISK, {}, load(), by("lan")),
        findings.open_finding("F-1", FINDING, {}, load(), by("binh")),
        exceptions.request("X-1", EXCEPTION, {}, load(), by("lan")),
        activities.record(
            "T-1", replace(EXERCISE, held=NOW - 400 * DAY, next_due=NOW - 35 * DAY), {}, load(), by("lan")
        ),
        propose(lines(), {}, RISKS, load(), why="the first", by=by("lan")),
    )
    kept.write(findings.analyse(read_register(kept.ledger).findings["F-1"], "cause", by("lan", 1)))
    kept.write(findings.plan(read_register(kept.ledger).findings["F-1"], "act", "hoa", NOW + 30 * DAY, by("lan", 2)))
    kept.write(exceptions.approve(read_register(kept.ledger).exceptions["X-1"], "", by("minh", 2)))
    return read_register(kept.ledger)


def test_every_record_is_read_in_one_pass(kept: Kept) -> None:
    found = filled(kept)
    assert list(found.evidence) == ["E-1", brute_force().id]
    assert list(found.risks) == ["R-1"]
    assert list(found.findings) == ["F-1"]
    assert list(found.statements) == ["v1"]
    assert found.statement(NOW + 99 * DAY) is None, "nobody approved it"
    assert read_register(kept.ledger) == found


def test_what_is_due_soon_or_late_comes_the_most_urgent_first(kept: Kept) -> None:
    found = filled(kept)
    told = [(each.id, each.owner) for each in reminders(found, NOW + 60 * DAY)]
    assert told == [
        ("T-1", "SOC lead"),
        ("F-1/1", "hoa"),
        ("E-1", "Head of operations"),
        ("X-1", "hoa"),
        ("F-1", "Head of operations"),
    ]
    assert [each.id for each in reminders(found, NOW)] == ["T-1", "F-1/1"]
    assert "R-1" in [each.id for each in reminders(found, NOW + 150 * DAY)]


def test_what_is_done_closed_or_followed_by_another_is_no_reminder(kept: Kept) -> None:
    found = filled(kept)
    kept.write(
        findings.done(found.findings["F-1"], 1, "done", by("hoa", 3)),
        activities.record("T-2", EXERCISE, found.activities, load(), by("lan", 3)),
        risks.close(found.risks["R-1"], "gone", by("lan", 3)),
        exceptions.revoke(found.exceptions["X-1"], "gone", by("minh", 3)),
    )
    kept.write(findings.check(read_register(kept.ledger).findings["F-1"], True, "fine", by("binh", 4)))
    told = {each.id for each in reminders(read_register(kept.ledger), NOW + 180 * DAY)}
    assert told == {"E-1"}


def test_a_fact_that_is_no_record_names_its_entry(kept: Kept) -> None:
    kept.ledger.append([Fact("x", "finding.opened", NOW, "x", {"id": "F-1", "finding": {}})])
    with pytest.raises(RecordError, match="entry 0 is no finding: Object missing required field `title`"):
        read_register(kept.ledger)
