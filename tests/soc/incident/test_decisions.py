"""What people decide about incidents is facts; an incident is the fold of them, and its story tells each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from iso27001.ledger import Fact, decode, encode
from iso27001.vault import KeptFile
from soc.action import Decided, Who
from soc.alert import Alert, Entity, Tlp
from soc.alert import facts as alert_facts
from soc.errors import SocError
from soc.incident import Incident, Phase, TaskState, facts
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS, Held, Members
from soc.incident.merging import made_of
from tests.soc.store.material import DAY, alert

NOW = DAY + timedelta(hours=2)
ALERTS = [
    replace(
        alert(n, minutes=10 * n, risk=20 + n, system=f"system-{n}"), entities=(Entity("source.ip", f"192.0.2.{n}"),)
    )
    for n in range(4)
]


class Desk:
    """Alerts and incidents as the fold of what was decided, through the bytes of the ledger."""

    def __init__(self, *incidents: Incident) -> None:
        self.alerts: dict[str, Alert] = {each.id: each for each in ALERTS}
        self.incidents: dict[str, Incident] = {}
        self.now = NOW
        for each in incidents:
            self.apply([facts.opened(each, NOW)])

    def do(self, action: str, *ids: str, **values: object) -> Decided:
        self.now += timedelta(minutes=1)
        values = {key.rstrip("_"): value for key, value in values.items()}
        nouns = [self.incidents[i] for i in ids]
        decided = ON_INCIDENTS[action].decide(nouns, values, Who("lan", self.now))
        self.apply(fact for each in decided.facts.values() for fact in each)
        return decided

    def escalate(self, *ids: str, **values: object) -> None:
        decided = ON_ALERTS["escalate"].decide([self.alerts[i] for i in ids], values, Who("lan", self.now))
        self.apply({fact.id: fact for each in decided.facts.values() for fact in each}.values())

    def apply(self, written: Iterable[Fact]) -> None:
        for fact in written:
            kept = decode(encode(fact))
            for incident_id in facts.touched(kept):
                after = facts.fold(self.incidents.get(incident_id), incident_id, kept)
                if after is not None:
                    self.incidents[incident_id] = after
            for alert_id in alert_facts.touched(kept):
                changed = alert_facts.fold(self.alerts.get(alert_id), alert_id, kept)
                if changed is not None:
                    self.alerts[alert_id] = changed


def first() -> Incident:
    return made_of(ALERTS[:3], "they share an address", "")


def test_an_incident_of_the_two_highest_classes_does_not_end_without_its_review() -> None:
    desk = Desk(first())
    [i] = desk.incidents
    assert "assess" in desk.do("close", i, note="over").refused[i]
    desk.do("assess", i, class_="M2", group="N2", trigger=("personal-data",), note="root on the portal")
    desk.do("task", i, title="Block the address", assignee="minh", within=timedelta(hours=2))
    assert "ends with its review" in desk.do("close", i, note="over").refused[i]
    desk.do(
        "review", i, cause="A weak password.", lessons="Keys only.", improvements="Passwords off by December: minh."
    )
    [task] = desk.incidents[i].tasks
    assert (task.assignee, task.due, task.state) == ("minh", NOW + timedelta(minutes=3, hours=2), TaskState.OPEN)
    assert f"tasks are open: {task.id}" in desk.do("close", i, note="over").refused[i]
    desk.do("done", i, task=task.id)
    assert desk.do("done", i, task=task.id).refused == {i: f"{task.id} is done already"}
    desk.do("close", i, note="over")
    found = desk.incidents[i]
    assert (found.phase, found.closed is not None, found.severity, found.group, found.triggers) == (
        Phase.LEARN_LESSONS,
        True,
        "M2",
        "N2",
        ("personal-data",),
    )
    assert [e.kind for e in found.timeline[3:]] == ["assessed", "task", "review", "task", "phase"]
    assert "was closed on" in desk.do("phase", i, to="respond").refused[i]
    desk.do("reopen", i, note="it came back")
    assert desk.incidents[i].closed is None
    assert desk.incidents[i].phase is Phase.ASSESS_DECIDE


def test_evidence_is_an_item_by_its_hash_with_a_chain_of_custody() -> None:
    desk = Desk(first())
    [i] = desk.incidents
    file = KeptFile("auth.log", 1_000, "ab" * 32)
    desk.do("evidence", i, file=file, where="jump-01:/var/log", why="the log-in itself")
    assert "by its hash" in desk.do("evidence", i, file=file, where="elsewhere", why="again").refused[i]
    desk.do("evidence", i, sha256="cd" * 32, name="disk.img", where="safe 2", why="the disk of jump-01")
    log, disk = desk.incidents[i].evidence
    assert (log.kept, log.custody[0].intact, disk.kept, disk.custody[0].intact) == (True, True, False, None)
    desk.do("custody", i, item=Held(log, True), deed="examined", where="lab", why="who came in")
    log = desk.incidents[i].evidence[0]
    desk.do("custody", i, item=Held(log, False), deed="transferred", where="police", why="asked for")
    log = desk.incidents[i].evidence[0]
    assert [(c.actor, c.deed, c.where, c.intact) for c in log.custody] == [
        ("lan", "collected", "jump-01:/var/log", True),
        ("lan", "examined", "lab", True),
        ("lan", "transferred", "police", False),
    ]
    assert "HASH CHANGED" in str(desk.incidents[i].timeline[-1].text)
    for values, why in (
        ({}, "name the file"),
        ({"sha256": "x"}, "not a SHA-256"),
        ({"file": file, "sha256": "ab"}, "name"),
    ):
        assert why in desk.do("evidence", i, where="w", why="y", **values).refused[i]


def test_two_who_add_to_one_chain_at_once_make_facts_of_one_id() -> None:
    desk = Desk(first())
    [i] = desk.incidents
    desk.do("evidence", i, file=KeptFile("a", 1, "ab" * 32), where="w", why="y")
    incident = desk.incidents[i]
    held = Held(incident.evidence[0], True)
    values = {"item": held, "deed": "stored", "where": "safe", "why": "kept"}
    both = [ON_INCIDENTS["custody"].decide([incident], values, Who(who, NOW)).facts[i][0] for who in ("lan", "minh")]
    assert both[0].id == both[1].id


def test_alerts_that_are_escalated_become_an_incident_or_join_one() -> None:
    desk = Desk()
    desk.escalate(ALERTS[0].id, ALERTS[1].id, note="one campaign")
    [incident] = desk.incidents.values()
    assert incident.alert_ids == (ALERTS[0].id, ALERTS[1].id)
    assert ([*map(str, incident.why)], incident.detected) == (["lan escalated: one campaign"], NOW)
    desk.escalate(ALERTS[2].id, note="and this", to=incident)
    [incident] = desk.incidents.values()
    assert incident.alert_ids == (ALERTS[0].id, ALERTS[1].id, ALERTS[2].id)
    assert (incident.risk, incident.systems) == (22, ("system-0", "system-1", "system-2"))
    assert {desk.alerts[a].incident_id for a in incident.alert_ids} == {incident.id}
    with pytest.raises(SocError, match=f"{ALERTS[0].id} is in {incident.id}"):
        desk.escalate(ALERTS[0].id, note="again")


def test_a_merged_incident_is_a_part_of_the_other_with_all_that_it_holds() -> None:
    one, two = made_of(ALERTS[:2], "a", ""), made_of(ALERTS[2:], "b", "")
    desk = Desk(one, two)
    desk.do("task", two.id, title="Ask the owner")
    desk.do("evidence", two.id, file=KeptFile("a", 1, "ab" * 32), where="w", why="y")
    desk.do("tlp", two.id, label="red")
    desk.do("merge", two.id, into=desk.incidents[one.id], note="the same account")
    whole, part = desk.incidents[one.id], desk.incidents[two.id]
    assert (part.merged_into, part.closed is not None) == (one.id, True)
    assert whole.alert_ids == tuple(a.id for a in ALERTS)
    assert {desk.alerts[a.id].incident_id for a in ALERTS} == {one.id}
    assert ([t.title for t in whole.tasks], len(whole.evidence), whole.tlp) == (["Ask the owner"], 1, Tlp.RED)
    assert (whole.risk, whole.title) == (23, "Suspicious activity, source.ip=192.0.2.0 (4 alerts)")
    assert "the same account" in str(whole.timeline[-1].text)
    assert "the same account" in str(part.timeline[-1].text)
    assert "a part of" in desk.do("merge", two.id, into=whole, note="again").refused[two.id]
    assert "a part of itself" in desk.do("merge", one.id, into=whole, note="no").refused[one.id]
    assert "go on there" in desk.do("phase", two.id, to="respond").refused[two.id]


def test_a_split_leaves_what_people_did_and_takes_alerts_out() -> None:
    desk = Desk(first())
    [i] = desk.incidents
    desk.do("comment", i, text="two things at once")
    members = Members(taken=(ALERTS[2],), left=tuple(ALERTS[:2]))
    desk.do("split", i, alert=members, note="another tool")
    rest = desk.incidents[i]
    [new] = [each for each in desk.incidents.values() if each.id != i]
    assert (rest.alert_ids, new.alert_ids) == ((ALERTS[0].id, ALERTS[1].id), (ALERTS[2].id,))
    assert (rest.risk, new.risk, rest.systems, new.systems) == (21, 22, ("system-0", "system-1"), ("system-2",))
    assert [e.kind for e in rest.timeline] == ["alert", "alert", "comment", "split"]
    assert new.detected == rest.detected
    assert [*map(str, new.why)] == [f"lan took it out of {i}: another tool"]
    assert desk.alerts[ALERTS[2].id].incident_id == new.id
    everything = Members(taken=tuple(ALERTS[:2]), left=())
    assert "nothing would be left" in desk.do("split", i, alert=everything, note="x").refused[i]


def test_a_notice_that_was_sent_keeps_its_proof() -> None:
    desk = Desk(first())
    [i] = desk.incidents
    notice, proof = KeptFile("notice.json", 1, "11" * 32), KeptFile("receipt.pdf", 1, "22" * 32)
    desk.do("sent", i, rule="report", to="A05", notice=notice, proof=proof, at=NOW)
    [sent] = desk.incidents[i].notices
    assert (sent.rule, sent.to, sent.time, sent.notice_sha256, sent.proof_sha256) == (
        "report",
        "A05",
        NOW,
        "11" * 32,
        "22" * 32,
    )
    later = NOW + timedelta(days=1)
    assert "yet to come" in desk.do("sent", i, rule="report", to="A05", notice=notice, proof=proof, at=later).refused[i]
