"""What people decide about alerts is facts, and an alert is the fold of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from iso27001.ledger import Fact, decode, encode
from soc.action import Decided, Who
from soc.alert import Alert, AlertStatus, CloseReason, NoteKind, Tlp, facts
from soc.alert.actions import ACTIONS
from tests.soc.store.material import DAY, alert

TABLE = {action.name: action for action in ACTIONS}
NOW = DAY + timedelta(hours=1)


class Desk:
    """Alerts as the fold of what was decided, through the bytes of the ledger."""

    def __init__(self, *alerts: Alert) -> None:
        self.alerts = {each.id: each for each in alerts}
        self.now = NOW

    def do(self, name: str, *ids: str, actor: str = "lan", **values: object) -> Decided:
        self.now += timedelta(minutes=1)
        decided = TABLE[name].decide([self.alerts[i] for i in ids], values, Who(actor, self.now))
        self.apply(fact for each in decided.facts.values() for fact in each)
        return decided

    def apply(self, written: Iterable[Fact]) -> None:
        for fact in written:
            kept = decode(encode(fact))
            for alert_id in facts.touched(kept):
                after = facts.fold(self.alerts.get(alert_id), alert_id, kept)
                if after is not None:
                    self.alerts[alert_id] = after


ONE, TWO, THREE = alert(1), alert(2), alert(3)


def test_history_says_who_when_from_to_and_why() -> None:
    desk = Desk(ONE)
    desk.do("ack", ONE.id)
    desk.do("close", ONE.id, actor="minh", reason="benign", note="an exercise")
    desk.do("reopen", ONE.id, note="it was none")
    assert [(c.actor, c.before, c.status, c.reason, c.note) for c in desk.alerts[ONE.id].history] == [
        ("lan", AlertStatus.NEW, AlertStatus.ACKNOWLEDGED, None, ""),
        ("minh", AlertStatus.ACKNOWLEDGED, AlertStatus.CLOSED, CloseReason.BENIGN, "an exercise"),
        ("lan", AlertStatus.CLOSED, AlertStatus.NEW, None, "it was none"),
    ]
    assert [c.time for c in desk.alerts[ONE.id].history] == [NOW + timedelta(minutes=n) for n in (1, 2, 3)]


def test_labels_owner_sharing_and_comments_are_kept_with_who_said_them() -> None:
    desk = Desk(ONE)
    desk.do("tag", ONE.id, add=("vpn", "exercise"))
    desk.do("tag", ONE.id, remove=("vpn",), add=("exercise",))
    desk.do("assign", ONE.id, to="minh")
    desk.do("tlp", ONE.id, label="red", note="a minister's account")
    desk.do("comment", ONE.id, text="asked the owner", actor="minh")
    found = desk.alerts[ONE.id]
    assert (found.labels, found.assignee, found.tlp) == (("exercise",), "minh", Tlp.RED)
    assert [(note.kind, note.actor, note.text) for note in found.notes] == [
        (NoteKind.LABELLED, "lan", "+vpn +exercise"),
        (NoteKind.LABELLED, "lan", "+exercise -vpn"),
        (NoteKind.ASSIGNED, "lan", "minh"),
        (NoteKind.TLP, "lan", "red a minister's account"),
        (NoteKind.COMMENT, "minh", "asked the owner"),
    ]
    assert desk.do("tag", ONE.id).refused == {ONE.id: "no label is named: add or remove at least one"}


def test_two_who_decide_after_the_same_make_facts_of_one_id_and_two_who_comment_do_not() -> None:
    who = [Who("lan", NOW), Who("minh", NOW + timedelta(seconds=1))]
    for name, values in (
        ("ack", {}),
        ("assign", {"to": "x"}),
        ("tlp", {"label": "red"}),
        ("snooze", {"for": timedelta(1)}),
    ):
        first, second = (TABLE[name].decide([ONE], values, each).facts[ONE.id][0] for each in who)
        assert (name, first.id) == (name, second.id)
    first, second = (TABLE["comment"].decide([ONE], {"text": "seen"}, each).facts[ONE.id][0] for each in who)
    assert first.id != second.id


def test_an_alert_sleeps_until_it_is_woken_decided_on_or_worse() -> None:
    desk = Desk(ONE)
    desk.do("snooze", ONE.id, **{"for": timedelta(hours=8)})
    slept = desk.alerts[ONE.id]
    assert slept.snoozed_until == desk.now + timedelta(hours=8)
    desk.apply([facts.repeated(slept, ["d1"], ["e1"], desk.now)])
    assert desk.alerts[ONE.id].snoozed_until == slept.snoozed_until
    desk.apply([facts.repeated(replace(slept, risk=slept.risk + 1), ["d2"], ["e2"], desk.now)])
    assert desk.alerts[ONE.id].snoozed_until is None
    desk.do("snooze", ONE.id, **{"for": timedelta(hours=8)})
    desk.do("wake", ONE.id)
    assert desk.alerts[ONE.id].snoozed_until is None
    assert desk.do("wake", ONE.id).refused == {ONE.id: "it does not sleep"}
    desk.do("snooze", ONE.id, **{"for": timedelta(hours=8)})
    desk.do("close", ONE.id, reason="benign")
    assert desk.alerts[ONE.id].snoozed_until is None
    assert desk.do("snooze", ONE.id, **{"for": timedelta(1)}).refused == {ONE.id: "it is closed"}


def test_duplicates_are_closed_and_named_by_what_they_repeat_until_they_are_reopened() -> None:
    desk = Desk(ONE, TWO, THREE)
    desk.do("merge", TWO.id, THREE.id, into=ONE, note="the same scan")
    assert desk.alerts[ONE.id].duplicates == (TWO.id, THREE.id)
    for each in (TWO, THREE):
        found = desk.alerts[each.id]
        assert (found.status, found.reason, found.merged_into) == (AlertStatus.CLOSED, CloseReason.DUPLICATE, ONE.id)
    desk.do("reopen", TWO.id)
    assert (desk.alerts[TWO.id].status, desk.alerts[TWO.id].merged_into) == (AlertStatus.NEW, "")
    assert desk.alerts[ONE.id].duplicates == (THREE.id,)


@pytest.mark.parametrize(
    ("which", "into", "why"),
    [
        (ONE.id, ONE.id, "itself"),
        (ONE.id, TWO.id, "duplicates of its own"),
        (THREE.id, ONE.id, "duplicate of .* already"),
        (TWO.id, THREE.id, "merge into that"),
    ],
)
def test_duplicates_form_no_chains_and_no_circles(which: str, into: str, why: str) -> None:
    desk = Desk(ONE, TWO, THREE)
    desk.do("merge", THREE.id, into=ONE)
    [refused] = desk.do("merge", which, into=desk.alerts[into]).refused.values()
    assert re.search(why, refused), refused


def test_facts_that_were_written_before_these_fields_were_there_are_folded() -> None:
    desk = Desk()
    began = {k: v for k, v in msgspec.to_builtins(ONE).items() if k in _FIRST}
    repeat = {
        "alert": ONE.id,
        "added": 1,
        "detection_ids": ["d"],
        "event_ids": ["e"],
        "entities": [],
        "risk": 60,
        "risk_why": [],
    }
    desk.apply(
        [
            Fact("1", "alert.opened", DAY, "engine", {"alert": began}),
            Fact("2", "alert.repeated", DAY, "engine", {**repeat, "last_seen": NOW.isoformat()}),
            Fact(
                "3",
                "alert.status",
                NOW,
                "lan",
                {"alert": ONE.id, "status": "closed", "reason": "benign", "note": "old"},
            ),
        ]
    )
    found = desk.alerts[ONE.id]
    assert (found.count, found.risk, found.status, found.opened) == (2, 60, AlertStatus.CLOSED, DAY)
    assert [(change.actor, change.note) for change in found.history] == [("lan", "old")]


_FIRST = {
    *("id", "rule_id", "rule_version", "title", "level", "tags", "logsource", "entity", "entities", "system"),
    *("first_seen", "last_seen", "count", "risk", "risk_why", "due", "event_ids", "matched"),
}
"""Fields of an alert as version 0.1.0 first wrote them."""
