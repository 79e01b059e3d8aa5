"""Alerts become incidents along who acted and from where; accounts that everybody uses prove nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from iso27001.ledger import Fact
from soc.alert import Alert, AlertStatus, CloseReason, Entity
from soc.alert.grouping import Config as AlertConfig
from soc.alert.grouping import Grouper
from soc.alert.scoring import Scoring
from soc.detect import Level
from soc.detect.attack import IN_VIETNAMESE, OF_ANY_AGE
from soc.incident import Incident, Phase, TimelineEntry, decisions, facts
from soc.incident.linking import Config, Linker
from soc.incident.merging import made_of, title_in
from soc.reason import Because, Reason
from tests.soc.desk_fixtures import DAY, detection, rule


def alerts(*detections: object) -> list[Alert]:
    return Grouper(AlertConfig(), Scoring({}), {}.get, []).group(
        detections, {d.events[0].id: n for n, d in enumerate(detections)}, DAY
    )[0]  # type: ignore[arg-type]


def fold(written: Sequence[Fact]) -> dict[str, Incident]:
    found: dict[str, Incident] = {}
    for fact in written:
        for incident_id in facts.touched(fact):
            after = facts.fold(found.get(incident_id), incident_id, fact)
            if after:
                found[incident_id] = after
    return found


def attack() -> list[Alert]:
    return alerts(
        detection(1, 0, rule("scan", Level.LOW, "attack.reconnaissance"), source_ip="203.0.113.9"),
        detection(2, 10, rule("guess", Level.MEDIUM), source_ip="203.0.113.9", user_name="tuan.hs"),
        detection(
            3, 20, rule("sudo", Level.HIGH, "attack.privilege-escalation"), user_name="tuan.hs", host_name="portal-01"
        ),
        detection(4, 30, rule("dump", Level.HIGH, "attack.exfiltration"), user_name="tuan.hs", source_ip="10.0.0.5"),
    )


def test_an_attack_path_is_followed_from_address_to_account() -> None:
    [incident] = fold(Linker(Config(), [], []).link(attack(), DAY)).values()
    assert len(incident.alert_ids) == 4
    assert incident.title == "Reconnaissance to exfiltration, source.ip=203.0.113.9 (4 alerts)"
    assert incident.level is Level.HIGH
    assert "share user.name=tuan.hs" in " ".join(map(str, incident.why))
    assert [entry.kind for entry in incident.timeline] == ["alert"] * 4


def test_one_alert_of_high_risk_is_an_incident() -> None:
    [alert] = alerts(detection(1, 0, rule("x", Level.CRITICAL), source_ip="203.0.113.9"))
    [incident] = fold(Linker(Config(), [], []).link([alert], DAY)).values()
    assert incident.why == (Reason(Because.RISK, (alert.id, 80)),)


def test_low_alerts_of_one_entity_are_none_until_three_rules_agree() -> None:
    linker = Linker(Config(), [], [])
    found = alerts(*(detection(i, i, rule(f"r{i}", Level.LOW), source_ip="203.0.113.9") for i in range(3)))
    assert linker.link(found[:2], DAY) == []
    [incident] = fold(linker.link(found[2:], DAY)).values()
    assert len(incident.alert_ids) == 3


def test_a_shared_account_does_not_link() -> None:
    found = alerts(
        detection(1, 0, rule("a", Level.CRITICAL), user_name="root", source_ip="10.0.0.1"),
        detection(2, 1, rule("b", Level.CRITICAL), user_name="root", source_ip="10.0.0.2"),
    )
    assert len(fold(Linker(Config(), [], []).link(found, DAY))) == 2


def test_a_shared_account_links_on_one_host_within_the_pivot_window() -> None:
    shell = detection(
        1, 0, rule("a", Level.CRITICAL), user_name="tuan.hs", host_name="jump-01", user_effective_name="root"
    )
    soon = detection(2, 60, rule("b", Level.CRITICAL), user_name="root", host_name="jump-01")
    later = detection(3, 300, rule("c", Level.CRITICAL), user_name="root", host_name="jump-01")
    [first, second] = fold(Linker(Config(), [], []).link(alerts(shell, soon, later), DAY)).values()
    assert len(first.alert_ids) == 2
    assert "share account=root@jump-01" in " ".join(map(str, first.why))
    assert len(second.alert_ids) == 1


def test_the_way_from_one_host_of_ours_to_the_next_is_followed() -> None:
    on_jump = detection(1, 0, rule("a", Level.CRITICAL), user_name="tuan.hs", host_name="jump-01")
    on_db = detection(
        2,
        30,
        rule("b", Level.CRITICAL),
        user_name="hai_dba",
        host_name="db-01",
        source_ip="192.0.2.20",
        source_domain="jump-01",
    )
    [incident] = fold(Linker(Config(), [], []).link(alerts(on_jump, on_db), DAY)).values()
    assert "came from jump-01, where" in " ".join(map(str, incident.why))


def test_an_alert_that_names_only_a_host_joins_what_happened_there() -> None:
    sudo = detection(1, 0, rule("a", Level.CRITICAL), user_name="root", host_name="jump-01")
    added = detection(2, 5, rule("b", Level.HIGH), host_name="jump-01")
    [incident] = fold(Linker(Config(), [], []).link(alerts(sudo, added), DAY)).values()
    assert "happened on jump-01" in " ".join(map(str, incident.why))


def test_two_alerts_on_one_host_alone_do_not_link() -> None:
    found = alerts(
        detection(1, 0, rule("a", Level.CRITICAL), user_name="x", host_name="jump-01"),
        detection(2, 1, rule("b", Level.CRITICAL), user_name="y", host_name="jump-01"),
    )
    assert len(fold(Linker(Config(), [], []).link(found, DAY))) == 2


def test_an_alert_that_connects_an_incident_to_older_alerts_brings_them_in() -> None:
    linker = Linker(Config(), [], [])
    scan = detection(1, 0, rule("scan", Level.LOW), source_ip="203.0.113.9")
    dump = detection(2, 10, rule("dump", Level.CRITICAL), user_name="tuan.hs")
    login = detection(3, 20, rule("login", Level.LOW), source_ip="203.0.113.9", user_name="tuan.hs")
    written = linker.link(alerts(scan, dump), DAY)
    written += linker.link(alerts(login), DAY)
    [incident] = fold(written).values()
    assert len(incident.alert_ids) == 3


def test_alerts_further_apart_than_the_window_do_not_link() -> None:
    found = alerts(
        detection(1, 0, rule("a", Level.CRITICAL), source_ip="10.0.0.1"),
        detection(2, 25 * 60, rule("b", Level.CRITICAL), source_ip="10.0.0.1"),
    )
    assert len(fold(Linker(Config(), [], []).link(found, DAY))) == 2


def test_a_restart_goes_on_where_it_was() -> None:
    found = attack()
    written = Linker(Config(), [], []).link(found[:3], DAY)
    incidents = fold(written)
    linked = {a: i.id for i in incidents.values() for a in i.alert_ids}
    restored = [replace(alert, incident_id=linked.get(alert.id, "")) for alert in found[:3]]
    linker = Linker(Config(), restored, incidents.values())
    assert [f.kind for f in linker.link(found[3:], DAY)] == ["incident.linked"]


def test_batches_do_not_change_the_incidents() -> None:
    whole = fold(Linker(Config(), [], []).link(attack(), DAY))
    linker = Linker(Config(), [], [])
    parts = fold([f for alert in attack() for f in linker.link([alert], DAY)])
    assert parts == whole


def test_phases_and_notes_are_lines_of_the_story() -> None:
    written = Linker(Config(), [], []).link(attack(), DAY)
    [incident_id] = fold(written)
    later = DAY + timedelta(hours=2)
    written.append(decisions.phase_changed(incident_id, Phase.RESPOND, "lan", "address blocked", later))
    written.append(facts.noted(incident_id, TimelineEntry(later, "note", "owner called", "n1"), "lan"))
    written.append(decisions.phase_changed(incident_id, Phase.LEARN_LESSONS, "lan", "done", later, closed=True))
    incident = fold(written)[incident_id]
    assert (incident.phase, incident.closed) == (Phase.LEARN_LESSONS, later)
    assert [e.kind for e in incident.timeline[-3:]] == ["phase", "note", "phase"]
    assert Entity("user.name", "tuan.hs") in incident.entities


def test_what_people_decided_while_it_runs_says_what_still_links() -> None:
    linker = Linker(Config(), [], [])
    [first] = alerts(detection(1, 0, rule("x", Level.CRITICAL), source_ip="203.0.113.9"))
    [incident] = fold(linker.link([first], DAY)).values()
    later = alerts(detection(2, 5, rule("y", Level.CRITICAL), source_ip="203.0.113.9"))
    first = replace(first, incident_id=incident.id)
    linker.learn([first], [replace(incident, closed=DAY)])
    [second] = fold(linker.link(later, DAY)).values()
    assert second.alert_ids == (later[0].id,), "an incident that is over takes nothing in"
    moved = replace(later[0], incident_id="I-hand")
    by_hand = replace(second, id="I-hand", why=("lan took it out",))
    linker.learn([moved], [by_hand, replace(second, closed=DAY)])
    [third] = alerts(detection(3, 9, rule("z", Level.LOW), source_ip="203.0.113.9"))
    [fact] = linker.link([third], DAY)
    assert fact.body["incident"] == "I-hand", "and alerts follow those that were moved"
    linker.learn([replace(moved, status=AlertStatus.CLOSED, reason=CloseReason.FALSE_POSITIVE)], [])
    fourth = alerts(detection(4, 12, rule("w", Level.LOW), source_ip="203.0.113.9"))
    assert [f.body["incident"] for f in linker.link(fourth, DAY)] == ["I-hand"], "by the other one that is in it"


def test_a_burst_of_alerts_that_one_account_connects_costs_each_as_much_as_there_are() -> None:
    """And not, for each that leads to it, as much as there are: a stranger could hold up detection so."""
    found = alerts(
        *(
            detection(
                i, i / 60, rule("a", Level.LOW), source_ip=f"203.0.{i >> 8}.{i & 255}", user_name="lan", host_name="h"
            )
            for i in range(600)
        )
    )
    linker, began = Linker(Config(), [], []), time.process_time()
    assert [fact for each in found for fact in linker.link([each], DAY)] == []
    assert time.process_time() - began < 6
    [last] = alerts(detection(900, 20, rule("b", Level.CRITICAL), source_ip="203.0.113.9", user_name="lan"))
    [incident] = fold(linker.link([last], DAY)).values()
    assert len(incident.alert_ids) == 601


@pytest.mark.parametrize(
    ("tags", "english", "vietnamese"),
    [
        ((), "Suspicious activity", "Hoạt động đáng ngờ"),
        (("attack.impact",), "Impact", "Gây tác hại"),
        (
            ("attack.impact", "attack.initial-access"),
            "Initial access to impact",
            "Từ xâm nhập ban đầu đến gây tác hại",
        ),
    ],
)
def test_an_incident_is_called_by_how_far_it_went_in_either_language(
    tags: tuple[str, ...], english: str, vietnamese: str
) -> None:
    [found] = alerts(detection(1, 0, rule("a"), source_ip="192.0.2.1"))
    made = made_of([replace(found, tags=tags)], "x")
    assert title_in(made, "en") == made.title == f"{english}, source.ip=192.0.2.1 (1 alert)"
    assert title_in(made, "vi") == f"{vietnamese}, source.ip=192.0.2.1 (1 cảnh báo)"


def test_every_tactic_has_a_name_in_vietnamese() -> None:
    assert set(IN_VIETNAMESE) == set(OF_ANY_AGE)
