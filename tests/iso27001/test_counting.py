"""Several count one measure: one sample, judged once, and a machine's number goes before a person's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from iso27001.counting import Count, Newest, due, newest, samples, told_by
from iso27001.errors import MeasureError
from iso27001.ledger.store import Ledger
from iso27001.measures import measures
from tests.iso27001.material import DAY, UNTIL

HOUR = timedelta(hours=1)
SINCE = UNTIL - DAY
REVIEWS = Count("LOG-06", {"reviews_done": 1, "reviews_due": 1}, 1, "the last log review")
ACCOUNTS = Count("LOG-06", {"accounts_logged": 7, "accounts": 7}, 7, "the list of 30 November")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db") as found:
        yield found


def test_what_several_counted_is_one_sample() -> None:
    [fact] = samples([REVIEWS, ACCOUNTS], Newest(), since=SINCE, until=UNTIL, time=UNTIL)
    assert fact.body["met"] is True
    assert fact.body["population"] == 7
    assert fact.body["query"] == "the last log review; the list of 30 November"


def test_one_part_alone_is_no_data_and_one_that_fails_is_not_met() -> None:
    [alone] = samples([REVIEWS], Newest(), since=SINCE, until=UNTIL, time=UNTIL)
    assert (alone.body["met"], alone.body["reason"]) == (None, "logged needs accounts_logged and accounts")
    late = Count("LOG-06", {"reviews_done": 0, "reviews_due": 1}, 1, "q")
    [failed] = samples([late], Newest(), since=SINCE, until=UNTIL, time=UNTIL)
    assert failed.body["met"] is False


def test_two_machines_that_disagree_are_an_error() -> None:
    other = Count("LOG-06", {"reviews_due": 2}, 1, "q")
    with pytest.raises(MeasureError, match="LOG-06: reviews_due was counted as 1 and as 2"):
        samples([REVIEWS, other], Newest(), since=SINCE, until=UNTIL, time=UNTIL)


def test_what_a_person_told_counts_as_long_as_it_is_fresh_and_after_what_machines_count(ledger: Ledger) -> None:
    told = Count("LOG-06", {**ACCOUNTS.numbers, "reviews_done": 0, "reviews_due": 1}, 7, "the list of 30 November")
    ledger.append([told_by("lan", told, since=SINCE, until=UNTIL, time=UNTIL)])

    def later(days: float) -> dict[str, object]:
        until = UNTIL + days * DAY
        [fact] = samples([REVIEWS], newest(ledger, until), since=until - DAY, until=until, time=until)
        ledger.append([fact])
        return dict(fact.body)

    assert (later(1)["met"], later(8.9)["met"], later(9.1)["met"]) == (True, True, None)
    assert later(9)["query"] == "the last log review; lan on 2026-11-30: the list of 30 November"


@pytest.mark.parametrize(
    ("actor", "query", "message"),
    [("lan", " ", "say where the numbers are from"), ("engine", "q", '"engine" is no person')],
)
def test_a_person_has_a_name_and_says_where_from(actor: str, query: str, message: str) -> None:
    with pytest.raises(MeasureError, match=message):
        told_by(actor, Count("VUL-01", {}, 1, query), since=SINCE, until=UNTIL, time=UNTIL)


def test_a_measure_is_due_as_often_as_it_is_to_be_counted(ledger: Ledger) -> None:
    assert due({}, UNTIL) == frozenset(measures())
    counts = [Count("CAP-01", {}, 1, "q"), Count("LOG-03", {}, 1, "q"), Count("LOG-06", {}, 1, "q")]
    ledger.append(samples(counts, Newest(), since=SINCE, until=UNTIL, time=UNTIL))

    def again(after: timedelta) -> set[str]:
        return set(due(newest(ledger, UNTIL + after).of_all, UNTIL + after)) & {"CAP-01", "LOG-03", "LOG-06"}

    assert again(timedelta(minutes=14)) == set()
    assert again(timedelta(minutes=15)) == {"CAP-01"}
    assert again(HOUR) == {"CAP-01", "LOG-03"}
    assert again(7 * DAY) == {"CAP-01", "LOG-03", "LOG-06"}


def test_what_is_counted_on_change_is_a_sample_only_when_it_changed(ledger: Ledger) -> None:
    def count(done: int, after: timedelta) -> int:
        numbers = {"mandatory_steps_done": done, "mandatory_steps": 5, "deviations_unjustified": 0}
        now = UNTIL + after
        found = samples([Count("INC-02", numbers, 5, "q")], newest(ledger, now), since=now - DAY, until=now, time=now)
        ledger.append(found)
        return len(found)

    assert [count(4, 0 * HOUR), count(4, HOUR), count(5, 2 * HOUR), count(5, 3 * HOUR)] == [1, 0, 1, 0]


def test_sources_that_stopped_are_named_once_by_the_sample() -> None:
    counts = [
        Count("LOG-03", {"accepted": 9, "lost": 0, "parse_failed": 0}, 1, "q", ("portal since 02:00",)),
        Count("LOG-03", {}, 1, "r", ("portal since 02:00", "auth since 01:00")),
    ]
    [fact] = samples(counts, Newest(), since=SINCE, until=UNTIL, time=UNTIL)
    assert fact.body["stopped"] == ["auth since 01:00", "portal since 02:00"]
