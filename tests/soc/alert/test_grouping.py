"""Detections become alerts: by rule and entity within a window, whatever the batches, and the ledger can tell it all again."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from iso27001.ledger import Fact
from soc.action import Who
from soc.alert import Alert, AlertStatus, CloseReason, Entity, StatusChange, decisions, facts
from soc.alert.grouping import Config, Grouper, about, entities_of
from soc.alert.scoring import Scoring
from soc.detect import Detection, Level, Match
from tests.soc.desk_fixtures import DAY, detection, event, rule

GUESS = rule("guess")


class Book:
    """Alerts as a projection holds them: the fold of the facts."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}
        self.grouper = Grouper(Config(), Scoring({"civil-status": 5}), self.alerts.get, [])

    def apply(self, written: Iterable[Fact]) -> None:
        for fact in written:
            for alert_id in facts.touched(fact):
                after = facts.fold(self.alerts.get(alert_id), alert_id, fact)
                if after is not None:
                    self.alerts[alert_id] = after

    def feed(self, *detections: object) -> list[Fact]:
        _, written = self.grouper.group(detections, {d.events[0].id: n for n, d in enumerate(detections)}, DAY)  # type: ignore[arg-type]
        self.apply(written)
        return written


def test_detections_of_one_rule_on_one_entity_are_one_alert() -> None:
    book = Book()
    book.feed(*(detection(i, i, GUESS, source_ip="203.0.113.9") for i in range(5)))
    [alert] = book.alerts.values()
    assert (alert.count, alert.entity) == (5, Entity("source.ip", "203.0.113.9"))
    assert (alert.last_seen - alert.first_seen).total_seconds() == 240


def test_a_detection_after_the_window_opens_a_new_alert() -> None:
    book = Book()
    book.feed(
        detection(1, 0, GUESS, source_ip="203.0.113.9"), detection(2, 24 * 60 + 1, GUESS, source_ip="203.0.113.9")
    )
    assert len(book.alerts) == 2


def test_a_closed_alert_is_not_reopened_by_the_next_detection() -> None:
    book = Book()
    book.feed(detection(1, 0, GUESS, source_ip="203.0.113.9"))
    [first] = book.alerts
    change = StatusChange(DAY, "lan", AlertStatus.CLOSED, CloseReason.BENIGN, "announced test")
    book.apply([decisions.status_changed(first, change)])
    book.feed(detection(2, 1, GUESS, source_ip="203.0.113.9"))
    assert len(book.alerts) == 2
    assert book.alerts[first].history == (change,)


def test_acknowledging_makes_the_analyst_the_assignee_and_keeps_history() -> None:
    book = Book()
    book.feed(detection(1, 0, GUESS, source_ip="203.0.113.9"))
    [alert_id] = book.alerts
    book.apply([decisions.status_changed(alert_id, StatusChange(DAY, "lan", AlertStatus.ACKNOWLEDGED))])
    book.apply(
        [decisions.status_changed(alert_id, StatusChange(DAY, "minh", AlertStatus.CLOSED, CloseReason.TRUE_POSITIVE))]
    )
    alert = book.alerts[alert_id]
    assert (alert.status, alert.assignee, alert.reason) == (AlertStatus.CLOSED, "lan", CloseReason.TRUE_POSITIVE)
    assert [c.actor for c in alert.history] == ["lan", "minh"]


def test_the_machine_itself_is_nobody() -> None:
    assert entities_of([event(1, 0, source_ip="127.0.0.1", user_name="lan")]) == (Entity("user.name", "lan"),)


def test_a_shared_account_is_named_with_its_host_and_so_is_who_one_became() -> None:
    found = entities_of([event(1, 0, user_name="tuan.hs", host_name="jump-01", user_effective_name="root")])
    assert {str(entity) for entity in found if entity.kind == "account"} == {
        "account=tuan.hs@jump-01",
        "account=root@jump-01",
    }


def test_an_account_that_was_only_tried_is_no_entity() -> None:
    tried = event(
        1, 0, user_name="admin", source_ip="203.0.113.9", event_category="authentication", event_outcome="failure"
    )
    assert entities_of([tried]) == (Entity("source.ip", "203.0.113.9"),)


def test_without_an_entity_the_source_stands_in() -> None:
    book = Book()
    book.feed(detection(1, 0, GUESS))
    [alert] = book.alerts.values()
    assert alert.entity == Entity("event.source", "auth")


def test_a_detection_fact_names_the_rule_version_and_the_raw_bytes() -> None:
    written = Book().feed(detection(1, 0, GUESS, source_ip="203.0.113.9"))
    fact = next(f for f in written if f.kind == "detection")
    assert fact.body["rule"]["version"] == "0" * 64
    assert fact.body["events"][0]["sha256"] == sha256(b"line 1").hexdigest()


def test_a_critical_system_weighs_more_and_says_why() -> None:
    fields = {"source_ip": "203.0.113.9", "service_name": "civil-status"}
    book = Book()
    book.feed(
        detection(1, 0, rule("a", Level.HIGH), **fields),
        detection(2, 0, rule("b", Level.HIGH), source_ip="203.0.113.9"),
    )
    on_system, elsewhere = book.alerts.values()
    assert on_system.risk > elsewhere.risk
    assert on_system.system == "civil-status"
    assert "criticality 5 of 5" in " ".join(map(str, on_system.risk_why))


@given(
    st.lists(
        st.tuples(st.integers(0, 5000), st.sampled_from("abc"), st.sampled_from(["10.0.0.1", "10.0.0.2"])), max_size=30
    ),
    st.integers(1, 10),
)
def test_batches_do_not_change_the_alerts(seen: list[tuple[int, str, str]], size: int) -> None:
    detections = [
        detection(i, minutes, rule(name), source_ip=address) for i, (minutes, name, address) in enumerate(sorted(seen))
    ]
    whole, parts = Book(), Book()
    whole.feed(*detections)
    for start in range(0, len(detections), size):
        parts.feed(*detections[start : start + size])
    assert parts.alerts == whole.alerts


def test_an_alert_names_the_facts_of_its_detections() -> None:
    book = Book()
    written = [
        fact for n in range(0, 150, 30) for fact in book.feed(*(detection(i, i, GUESS) for i in range(n, n + 30)))
    ]
    [alert] = book.alerts.values()
    told = [fact.id for fact in written if fact.kind == facts.DETECTION]
    assert len(told) == 150
    assert [f"{facts.DETECTION}:{each}" for each in alert.detection_ids] == told[: facts.MAX_IDS]


def test_a_correlation_is_about_its_group() -> None:
    seen = event(1, 0, source_ip="203.0.113.9", user_name="lan")
    by_user = Detection(GUESS, (seen,), (Match("correlation/group-by", "user.name", "", "lan"),))
    assert about(by_user) == (
        Entity("user.name", "lan"),
        (Entity("user.name", "lan"), Entity("source.ip", "203.0.113.9")),
    )
    group = [
        Match("correlation/group-by", field, "", value) for field, value in (("user.name", "lan"), ("url.path", "/"))
    ]
    by_both = Detection(GUESS, (seen,), tuple(group))
    assert about(by_both)[0] == Entity("user.name+url.path", "lan+/")
    assert set(about(by_both)[1]) == {
        Entity("user.name", "lan"),
        Entity("url.path", "/"),
        Entity("source.ip", "203.0.113.9"),
    }


def test_a_fact_on_an_alert_that_never_opened_is_none() -> None:
    fact = decisions.status_changed("A-1", StatusChange(DAY, "lan", AlertStatus.CLOSED))
    assert facts.fold(None, "A-1", fact) is None


def test_what_the_rule_of_a_duplicate_finds_next_joins_what_it_repeats_also_after_a_restart() -> None:
    book = Book()
    book.feed(detection(1, 0, GUESS, source_ip="203.0.113.9"), detection(2, 1, rule("scan"), source_ip="203.0.113.9"))
    guess, scan = book.alerts.values()
    book.apply([decisions.merged(guess, scan.id, "one tool", Who("lan", DAY))])
    book.feed(detection(3, 2, GUESS, source_ip="203.0.113.9"))
    assert (len(book.alerts), book.alerts[scan.id].count, book.alerts[guess.id].count) == (2, 2, 1)
    unfinished = [book.alerts[guess.id], book.alerts[scan.id]]
    book.grouper = Grouper(Config(), Scoring({}), book.alerts.get, unfinished)
    book.feed(detection(4, 3, GUESS, source_ip="203.0.113.9"))
    assert (len(book.alerts), book.alerts[scan.id].count) == (2, 3)
