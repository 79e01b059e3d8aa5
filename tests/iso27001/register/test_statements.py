"""The statement of applicability: whole, approved by somebody else, and every version kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iso27001.applicability import Applicability, Implementation, Need, NeedRef
from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.ledger import Entry
from iso27001.register.statements import (
    KINDS,
    Change,
    Statement,
    StatementState,
    approve,
    differences,
    propose,
    reject,
    standing,
    statements,
)
from tests.iso27001.register.kept import DAY, NOW, Kept, by

RISKS = {"R-1"}
LAW = NeedRef(Need.LAW, "NĐ 331/2026/NĐ-CP")


def lines(**changed: Applicability) -> dict[str, Applicability]:
    """Every control applies for a risk and a law, but for those that are told otherwise."""
    whole = {
        control_id: Applicability(
            control_id,
            True,
            Implementation.PARTIAL,
            "the centre needs it",
            (NeedRef(Need.RISK, "R-1"), LAW),
            "Head of operations",
        )
        for control_id in load().controls
    }
    return whole | {line.control_id: line for line in changed.values()}


OUTSOURCED = Applicability("A.8.30", False, Implementation.NOT_APPLICABLE, "không thuê ngoài phát triển")


def known(kept: Kept) -> dict[str, Statement]:
    return statements(kept.entries(KINDS))


def test_a_version_stands_from_its_approval_by_somebody_else(kept: Kept) -> None:
    kept.write(propose(lines(out=OUTSOURCED), {}, RISKS, load(), why="the first", by=by("lan")))
    first = known(kept)["v1"]
    assert len(first.lines) == 93
    assert first.by_control["A.8.30"] == OUTSOURCED
    with pytest.raises(RecordError, match="lan proposed v1: it is approved by somebody else"):
        approve(first, "", by("lan"))
    kept.write(approve(first, "in the meeting of 3 November", by("chair", 1)))
    assert standing(known(kept), NOW) is None
    stands = standing(known(kept), NOW + DAY)
    assert stands is not None
    assert (stands.id, stands.state, stands.decided_by) == ("v1", StatementState.APPROVED, "chair")


def test_an_older_moment_is_told_by_the_version_of_that_time(kept: Kept) -> None:
    kept.write(propose(lines(), {}, RISKS, load(), why="the first", by=by("lan")))
    kept.write(approve(known(kept)["v1"], "", by("chair", 1)))
    kept.write(propose(lines(out=OUTSOURCED), known(kept), RISKS, load(), why="no supplier", by=by("lan", 30)))
    kept.write(reject(known(kept)["v2"], "the portal is outsourced", by("chair", 31)))
    kept.write(propose(lines(out=OUTSOURCED), known(kept), RISKS, load(), why="not since May", by=by("lan", 40)))
    kept.write(approve(known(kept)["v3"], "", by("chair", 41)))
    assert [getattr(standing(known(kept), NOW + day * DAY), "id", None) for day in (0, 1, 35, 41)] == [
        None,
        "v1",
        "v1",
        "v3",
    ]


def test_what_is_not_whole_is_refused_with_all_faults(kept: Kept) -> None:
    draft = lines()
    del draft["A.5.1"]
    draft["A.8.15"] = replace(draft["A.8.15"], status=None, reason="")
    draft["A.8.16"] = replace(draft["A.8.16"], needs=())
    draft["A.8.17"] = replace(draft["A.8.17"], needs=(NeedRef(Need.RISK, "R-9"),))
    with pytest.raises(RecordError) as caught:
        propose(draft, {}, RISKS, load(), why="x", by=by("lan"))
    assert str(caught.value).splitlines() == [
        "1 controls are not there: A.5.1; a statement says of each whether it applies",
        "A.8.15: its status is missing",
        "A.8.15: its reason is missing",
        "A.8.16: nothing needs it: name a risk, a law, a contract or a practice",
        "A.8.17: there is no risk R-9 in the register",
    ]


def test_one_version_waits_at_a_time_and_one_that_changes_nothing_is_none(kept: Kept) -> None:
    kept.write(propose(lines(), {}, RISKS, load(), why="the first", by=by("lan")))
    with pytest.raises(RecordError, match="v1 waits for approval"):
        propose(lines(out=OUTSOURCED), known(kept), RISKS, load(), why="x", by=by("lan"))
    kept.write(approve(known(kept)["v1"], "", by("chair")))
    with pytest.raises(RecordError, match="v2: nothing changed since v1, which stands"):
        propose(lines(), known(kept), RISKS, load(), why="x", by=by("lan"))
    with pytest.raises(RecordError, match="v1 is approved already, by chair"):
        reject(known(kept)["v1"], "x", by("chair"))


def test_versions_are_compared_field_by_field() -> None:
    after = lines(
        out=OUTSOURCED,
        log=replace(lines()["A.8.15"], status=Implementation.IMPLEMENTED, needs=(LAW,), owner="SOC lead"),
    )
    changes = differences(lines(), after)
    assert changes[:3] == [
        Change("A.8.15", "status", "partial", "implemented"),
        Change("A.8.15", "need", "risk R-1, law NĐ 331/2026/NĐ-CP", "law NĐ 331/2026/NĐ-CP"),
        Change("A.8.15", "owner", "Head of operations", "SOC lead"),
    ]
    assert Change("A.8.30", "applicable", "yes", "no") in changes
    assert differences(after, after) == []
    assert Change("A.5.1", "applicable", "yes", "") in differences(lines(), {})


def test_an_approval_of_other_lines_is_no_approval(kept: Kept) -> None:
    kept.write(propose(lines(), {}, RISKS, load(), why="the first", by=by("lan")))
    fact = approve(known(kept)["v1"], "", by("chair"))
    forged = replace(fact, body={**fact.body, "digest": "0" * 64})
    with pytest.raises(RecordError, match="entry 1 is no soa: it decides on other lines than v1 has"):
        statements([*kept.entries(KINDS), Entry(1, forged)])
