"""A rule over its budget is suspended for what it does again and again, never for one hiccup, and comes back."""

from __future__ import annotations

from datetime import timedelta

from soc.app.budget import EVERY, FIRST_PAUSE, HURRY, LONGEST_PAUSE, MIN_SAMPLES, WINDOW, Budget, Spent, Suspension
from tests.soc.desk_fixtures import DAY

BUDGET = timedelta(microseconds=50)
SECOND = timedelta(seconds=1)


def us(cost: float, events: int = 100) -> Spent:
    return Spent(round(cost * 1_000) * events, events)


def fed(budget: Budget, costs: list[float], start: int = 0) -> list[Suspension]:
    return [each for n, cost in enumerate(costs) for each in budget.sample({"r": us(cost)}, DAY + (start + n) * SECOND)]


def test_a_rule_that_costs_too_much_each_time_is_suspended() -> None:
    budget = Budget(BUDGET)
    [suspension] = fed(budget, [200.0] * MIN_SAMPLES)
    assert (suspension.rule, suspension.mean_us) == ("r", 200.0)
    assert suspension.until == DAY + (MIN_SAMPLES - 1) * SECOND + FIRST_PAUSE
    assert budget.suspended == {"r"}


def test_a_hiccup_suspends_nothing_however_long() -> None:
    assert fed(Budget(BUDGET), ([1.0] * 10 + [1_000_000.0]) * 20) == []
    assert fed(Budget(BUDGET), [1_000_000.0] * 3 + [1.0] * WINDOW) == []


def test_a_rule_within_its_budget_is_never_suspended() -> None:
    assert fed(Budget(BUDGET), [49.0] * 1_000) == []


def test_few_events_say_nothing() -> None:
    budget = Budget(BUDGET)
    assert [s for n in range(WINDOW) for s in budget.sample({"r": us(500.0, 2)}, DAY + n * SECOND)] == []


def test_each_suspension_in_a_row_is_twice_as_long() -> None:
    budget = Budget(BUDGET)
    now, pauses = DAY, []
    for _ in range(9):
        found: list[Suspension] = []
        while not found:
            now += SECOND
            found = budget.sample({"r": us(200.0)}, now)
        pauses.append(found[0].until - now)
        assert budget.ended(found[0].until - SECOND) == []
        now = found[0].until
        assert budget.ended(now) == ["r"]
        budget.resume("r", now)
        assert budget.suspended == frozenset()
    assert pauses == [min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(9)]


def test_a_rule_that_was_changed_runs_at_once_with_a_clean_account() -> None:
    budget = Budget(BUDGET)
    fed(budget, [200.0] * MIN_SAMPLES)
    budget.resume("r", DAY + SECOND, changed=True)
    [suspension] = fed(budget, [200.0] * MIN_SAMPLES, start=100)
    assert suspension.until - (DAY + (100 + MIN_SAMPLES - 1) * SECOND) == FIRST_PAUSE


def test_one_batch_in_many_is_metered_and_more_when_events_are_slow() -> None:
    def metered(cost_us: float) -> int:
        budget, count = Budget(BUDGET), 0
        for _ in range(10 * EVERY):
            if budget.due():
                count += 1
                budget.sample({}, DAY)
            budget.took(round(cost_us * 1_000) * 100, 100)
        return count

    assert 9 <= metered(10.0) <= 10
    assert 10 * EVERY // HURRY // 2 <= metered(500.0) <= 10 * EVERY // HURRY


def test_no_budget_meters_nothing() -> None:
    budget = Budget(timedelta())
    for _ in range(2 * EVERY):
        budget.took(10**9, 1)
        assert not budget.due()
