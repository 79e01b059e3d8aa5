"""What is suppressed is grouped and counted, not shown; when the time is over it comes into view with its clocks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from soc.action import Who
from soc.alert import Alert, Entity, suppression
from soc.alert.suppression import Suppressions, suppression_id
from tests.soc.alert.test_grouping import Book
from tests.soc.desk_fixtures import DAY, detection, rule

GUESS = rule("guess")
MINUTE = timedelta(minutes=1)


def guess(n: int, minutes: float, address: str = "203.0.113.9") -> object:
    return detection(n, minutes, GUESS, source_ip=address)


def suppressed_book() -> tuple[Book, Alert]:
    """A book in which alerts of the rule on the address are suppressed from minute 10 to 70, by way of an alert of minute 0."""
    book = Book()
    book.feed(guess(1, 0))
    [alert] = book.alerts.values()
    book.grouper.suppressions.fold(
        suppression.suppressed(alert, DAY + 70 * MINUTE, "our scanner", Who("lan", DAY + 10 * MINUTE))
    )
    return book, alert


def test_an_alert_that_was_in_view_stays_there_and_counts_on() -> None:
    book, alert = suppressed_book()
    book.feed(guess(2, 20))
    assert (book.alerts[alert.id].count, book.alerts[alert.id].suppressed_by) == (2, "")


def test_what_begins_while_it_stands_is_counted_out_of_view_until_the_rule_fires_after_it() -> None:
    book, alert = suppressed_book()
    book.alerts[alert.id] = replace(alert, last_seen=DAY - timedelta(days=2))
    book.feed(guess(2, 20), guess(3, 21))
    new = next(a for a in book.alerts.values() if a.id != alert.id)
    assert (new.count, new.suppressed_by) == (2, suppression_id(GUESS.id, Entity("source.ip", "203.0.113.9")))
    book.feed(guess(4, 69))
    assert book.alerts[new.id].suppressed_by
    _, written = book.grouper.group([guess(5, 70)], {}, DAY + 80 * MINUTE)  # type: ignore[list-item]
    book.apply(written)
    assert (book.alerts[new.id].count, book.alerts[new.id].suppressed_by) == (4, "")
    assert book.alerts[new.id].due == DAY + 80 * MINUTE + timedelta(hours=8)


def test_it_is_of_one_rule_on_one_entity_and_ends_when_it_is_lifted() -> None:
    book, alert = suppressed_book()
    told = book.grouper.suppressions
    within = DAY + 20 * MINUTE
    assert told.covering(GUESS.id, alert.entity, within)
    assert not told.covering("other", alert.entity, within)
    assert not told.covering(GUESS.id, Entity("source.ip", "203.0.113.8"), within)
    assert not told.covering(GUESS.id, alert.entity, DAY + 9 * MINUTE)
    told.fold(suppression.lifted(alert, "over", Who("minh", DAY + 15 * MINUTE)))
    assert not told.covering(GUESS.id, alert.entity, within)
    assert told.covering(GUESS.id, alert.entity, DAY + 12 * MINUTE), "an event of that time that comes late"
    [each] = told.all()
    assert (each.reason, each.actor, each.until) == ("our scanner", "lan", DAY + 15 * MINUTE)
    assert Suppressions().all() == []
