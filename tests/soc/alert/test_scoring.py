"""How much an alert matters, factor by factor; and who is at risk, less with time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.alert import Alert, AlertStatus, CloseReason, Entity
from soc.alert.entity_risk import entity_risks
from soc.alert.scoring import RuleHistory, RuleRecord, Scoring
from soc.detect import Level
from soc.reason import Because, Reason
from tests.soc.desk_fixtures import event
from tests.soc.store.material import DAY, alert

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("record", "confidence", "rarity"),
    [
        (RuleRecord(), 1.0, 1.2),
        (RuleRecord(3), 1.0, 1.0),
        (RuleRecord(1_000), 1.0, 0.8),
        (RuleRecord(3, confirmed=8), 0.5 + 10 / 12, 1.0),
        (RuleRecord(3, rejected=8), 0.5 + 2 / 12, 1.0),
    ],
)
def test_confidence_and_rarity_are_of_the_rules_own_record(
    record: RuleRecord, confidence: float, rarity: float
) -> None:
    assert (record.confidence, record.rarity) == (pytest.approx(confidence), pytest.approx(rarity))
    scoring = Scoring({"civil-status": 5}, RuleHistory({"r": record}, 30))
    score = scoring.score("r", Level.HIGH, [event(1, 0, service_name="civil-status")], 1, None)
    assert score.risk == min(100, round(60 * 1.3 * confidence * rarity))
    assert score.why == (
        Reason(Because.LEVEL, ("high", 60)),
        Reason(Because.CRITICALITY, ("civil-status", 5, 1.3)),
        Reason(Because.CONFIDENCE, (record.confirmed, record.confirmed + record.rejected, round(confidence, 2))),
        Reason(Because.RARITY, (record.opened, 30, round(rarity, 2))),
    )


def test_a_young_site_knows_neither() -> None:
    score = Scoring({}).score("r", Level.HIGH, [event(1, 0)], 4, None)
    assert [*map(str, score.why)] == ["level high: 60", "seen 4 times: +4"]


def test_alerts_that_open_make_their_rule_less_rare() -> None:
    history = RuleHistory({}, 30)
    scoring = Scoring({}, history)
    risks = []
    for _ in range(4):
        risks.append(scoring.score("r", Level.HIGH, [event(1, 0)], 1, None).risk)
        history.count("r")
    assert risks == [72, 66, 62, 60]


@given(
    st.sampled_from(list(Level)),
    st.integers(0, 6),
    st.builds(RuleRecord, st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4)),
    st.integers(1, 10**6),
)
def test_risk_is_a_number_from_0_to_100_and_no_rule_is_silenced(
    level: Level, n: int, record: RuleRecord, count: int
) -> None:
    scoring = Scoring({"s": min(5, max(1, n))}, RuleHistory({"r": record}, 30))
    assert 0 < scoring.score("r", level, [event(1, 0, service_name="s")], count, None).risk <= 100
    assert 0.5 <= record.confidence <= 1.5
    assert 0.8 <= record.rarity <= 1.2


def named(n: int, risk: int, rule: str, days: float = 0, address: str = "192.0.2.9") -> Alert:
    return replace(alert(n, risk=risk, minutes=-days * 24 * 60), rule_id=rule, entities=(Entity("source.ip", address),))


def test_the_risk_of_an_entity_halves_in_its_half_life() -> None:
    [now] = entity_risks([named(1, 80, "a")], DAY, WEEK)
    [later] = entity_risks([named(1, 80, "a", days=7)], DAY, WEEK)
    assert (now.risk, later.risk, now.worst, now.entity) == (80, 40, "alert-000001", Entity("source.ip", "192.0.2.9"))
    assert entity_risks([named(1, 80, "a", days=50)], DAY, WEEK) == []


def test_two_signs_weigh_more_than_one_and_a_noisy_rule_no_more_than_its_worst() -> None:
    noisy = [named(n, 40, "a") for n in range(50)]
    [one] = entity_risks(noisy, DAY, WEEK)
    [two] = entity_risks([*noisy, named(99, 50, "b")], DAY, WEEK)
    assert (one.risk, one.rules, one.alerts) == (40, 1, 50)
    assert (two.risk, two.rules, two.worst) == (70, 2, "alert-000099")


def test_what_turned_out_to_be_nothing_or_is_suppressed_counts_for_nothing() -> None:
    closed = [
        replace(named(n, 90, "a"), status=AlertStatus.CLOSED, reason=reason) for n, reason in enumerate(CloseReason)
    ]
    [left] = entity_risks([*closed, replace(named(9, 90, "b"), suppressed_by="S-1")], DAY, WEEK)
    assert (left.alerts, left.risk) == (1, 90)  # the true positive


def test_entities_come_by_their_risk() -> None:
    found = entity_risks([named(1, 20, "a", address="a"), named(2, 70, "a", address="b")], DAY, WEEK)
    assert [each.entity.value for each in found] == ["b", "a"]
