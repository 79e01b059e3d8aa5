"""The state of measures and controls over a period: gaps are gaps, and three axes stay three."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iso27001.applicability import Implementation
from iso27001.catalogue import load
from iso27001.evidence import link
from iso27001.ledger import Entry, Fact
from iso27001.ledger.store import Ledger
from iso27001.measures import Indicator, indicator, measure, read_sample, sample
from iso27001.register import By
from iso27001.register.audits import AuditKind, AuditPlan, audits, conclude, plan
from iso27001.register.conclusion import Conclusion
from iso27001.register.statements import approve, propose, statements
from iso27001.status import ControlState, MeasureState, Status, combined, status
from tests.iso27001.material import DAY, SINCE, UNTIL, brute_force, daily
from tests.iso27001.register.test_statements import RISKS, lines

SEEN = {"sources_seen": 41, "sources_expected": 41}


def after(tmp_path: Path, facts: Iterable[Fact]) -> Status:
    with Ledger.open(tmp_path / "ledger.db") as ledger:
        ledger.append(facts)
        return status(ledger, load(), since=SINCE, until=UNTIL)


def of(found: Status, measure_id: str) -> MeasureState:
    return next(state for state in found.measures if state.measure.id == measure_id)


def control(found: Status, control_id: str) -> ControlState:
    return next(state for state in found.controls if state.control.id == control_id)


def test_an_empty_ledger_has_no_data_anywhere_and_nothing_is_met(tmp_path: Path) -> None:
    found = after(tmp_path, [])
    assert {state.indicator for state in found.measures} == {Indicator.NO_DATA}
    assert {state.indicator for state in found.controls} == {Indicator.NO_DATA, None}
    assert of(found, "LOG-01").gaps == ((SINCE, UNTIL),)


def test_a_full_month_is_met_without_gaps(tmp_path: Path) -> None:
    state = of(after(tmp_path, daily("LOG-01", SEEN)), "LOG-01")
    assert (state.indicator, state.met, state.not_met, state.unknown, state.gaps) == (Indicator.MET, 30, 0, 0, ())


def test_a_source_that_stops_turns_its_controls_stale_never_green(tmp_path: Path) -> None:
    found = after(tmp_path, daily("CLK-01", {"sources_within_5s": 1, "sources": 1, "worst_skew_s": 0}, days=range(20)))
    assert of(found, "CLK-01").indicator is Indicator.STALE
    assert control(found, "A.8.17").indicator is Indicator.STALE
    assert of(found, "CLK-01").gaps == ((SINCE + 20 * DAY + timedelta(hours=3), UNTIL),)


def test_gaps_in_the_middle_are_kept_when_the_end_is_met(tmp_path: Path) -> None:
    facts = daily("LOG-01", SEEN, days=range(10)) + daily("LOG-01", SEEN, days=range(20, 30))
    state = of(after(tmp_path, facts), "LOG-01")
    assert state.indicator is Indicator.MET
    assert state.gaps == ((SINCE + 10 * DAY + timedelta(hours=36), SINCE + 20 * DAY),)


def test_samples_without_an_answer_cover_nothing(tmp_path: Path) -> None:
    state = of(after(tmp_path, daily("LOG-01", {"sources_seen": None})), "LOG-01")
    assert (state.indicator, state.unknown, state.gaps) == (Indicator.NO_DATA, 30, ((SINCE, UNTIL),))


def test_samples_outside_of_the_period_do_not_count(tmp_path: Path) -> None:
    facts = daily("LOG-01", SEEN, days=range(-9, 0)) + daily("LOG-01", SEEN, days=range(30, 40))
    assert of(after(tmp_path, facts), "LOG-01").newest is None


def test_a_second_count_of_the_same_period_replaces_the_first(tmp_path: Path) -> None:
    facts = daily("LOG-01", SEEN, days=range(1)) + daily("LOG-01", {**SEEN, "sources_seen": 1}, days=range(1))
    state = of(after(tmp_path, facts), "LOG-01")
    assert (state.met, state.not_met) == (0, 1)


def test_a_control_is_met_only_when_all_its_measures_are(tmp_path: Path) -> None:
    found = after(tmp_path, daily("INC-01", {"events_decided": 1, "events": 1, "median_decision_min": 1}))
    assert control(found, "A.5.25").indicator is Indicator.NO_DATA
    assert {state.measure.id for state in control(found, "A.5.25").measures} == {"MON-03", "INC-01"}


def test_the_worst_measure_decides(tmp_path: Path) -> None:
    states = of(after(tmp_path, daily("LOG-01", SEEN)), "LOG-01")
    met, not_met, stale, none = (
        replace(states, indicator=i) for i in (Indicator.MET, Indicator.NOT_MET, Indicator.STALE, Indicator.NO_DATA)
    )
    assert combined([met, none, stale, not_met]) is Indicator.NOT_MET
    assert combined([met, none, stale]) is Indicator.STALE
    assert combined([met, none]) is Indicator.NO_DATA
    assert combined([met, met]) is Indicator.MET
    assert combined([]) is None


def test_evidence_stands_at_its_controls_in_its_newest_revision(tmp_path: Path) -> None:
    outside = replace(brute_force(2), effective_from=UNTIL + DAY, effective_to=UNTIL + 2 * DAY)
    facts = [link(brute_force(events=1), load()), link(outside, load()), link(brute_force(events=3), load())]
    found = after(tmp_path, facts)
    assert [evidence.revision for evidence in found.evidence] == [2]
    state = control(found, "A.8.5")
    assert [len(evidence.events) for evidence in state.evidence] == [3]
    assert state.newest_evidence == brute_force().effective_to
    assert control(found, "A.7.1").evidence == ()
    assert control(found, "A.7.1").newest_evidence is None


def test_evidence_does_not_change_the_indicator(tmp_path: Path) -> None:
    state = control(after(tmp_path, [link(brute_force(), load())]), "A.8.5")
    assert (state.indicator, state.applicability, state.conclusion) == (Indicator.NO_DATA, None, None)


def stated(day: float, proposer: str, approver: str) -> list[Fact]:
    proposed = propose(lines(), {}, RISKS, load(), why="the first", by=By(proposer, SINCE + day * DAY))
    statement = statements([Entry(0, proposed)])["v1"]
    return [proposed, approve(statement, "", By(approver, SINCE + (day + 1) * DAY))]


def test_a_statement_stands_when_it_is_approved_and_says_nothing_of_other_axes(tmp_path: Path) -> None:
    state = control(after(tmp_path, stated(3, "lan", "chair")), "A.8.5")
    assert state.applicability is not None
    assert state.applicability.status is Implementation.PARTIAL
    assert (state.indicator, state.conclusion) == (Indicator.NO_DATA, None)


def test_a_statement_that_was_approved_after_the_period_did_not_stand_in_it(tmp_path: Path) -> None:
    assert control(after(tmp_path, stated(29.5, "lan", "chair")), "A.8.5").applicability is None


@pytest.mark.parametrize(("since", "concluded"), [(SINCE - DAY, True), (UNTIL - DAY, True), (UNTIL, False)])
def test_conclusions_are_of_audits_that_share_time_with_the_period(
    tmp_path: Path, since: datetime, concluded: bool
) -> None:
    text = AuditPlan("a", AuditKind.INTERNAL, "all", since, since + 2 * DAY, ("binh",), ("A.8.5", "9.2.1"))
    planned = plan("AU-1", text, {}, load(), By("lead", UNTIL))
    said = conclude(
        audits([Entry(0, planned)])["AU-1"],
        ["A.8.5", "9.2.1"],
        Conclusion.CONFORM,
        "seen",
        holdings={},
        findings={},
        catalogue=load(),
        by=By("binh", UNTIL + DAY),
    )
    found = after(tmp_path, [planned, said])
    assert control(found, "A.8.5").conclusion is (Conclusion.CONFORM if concluded else None)
    assert set(found.concluded) == ({"A.8.5", "9.2.1"} if concluded else set())
    assert control(found, "A.8.5").indicator is Indicator.NO_DATA


def test_a_measure_whose_source_stopped_is_stale_and_its_controls_name_the_source(tmp_path: Path) -> None:
    facts = [
        sample(
            "CLK-01",
            {"sources_within_5s": seen, "sources": 41, "worst_skew_s": 1},
            population=41,
            since=UNTIL - hour,
            until=UNTIL - hour + timedelta(minutes=30),
            query="q",
            time=UNTIL,
            stopped=["portal since 2026-11-29T02:00:00Z"],
        )
        for seen, hour in ((41, timedelta(hours=1)), (3, timedelta(hours=2)))
    ]
    state = control(after(tmp_path, facts), "A.8.17")
    assert (state.indicator, state.stopped) == (Indicator.STALE, ("portal since 2026-11-29T02:00:00Z",))
    assert indicator(measure("CLK-01"), read_sample(Entry(0, facts[1])), UNTIL) is Indicator.NOT_MET


def test_measures_of_a_clause_speak_for_its_subclauses(tmp_path: Path) -> None:
    found = after(tmp_path, [])
    assert [state.measure.id for state in found.clause_measures("9.2.1")] == ["AUD-01"]
    assert [state.measure.id for state in found.clause_measures("10.2")] == ["INC-04"]
    assert found.clause_measures("10.1") == ()
