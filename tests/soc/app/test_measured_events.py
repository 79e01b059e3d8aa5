"""Measures that stand on stored events: counted by searches over what came in, and counted again to the same answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from iso27001.ledger import Fact
from iso27001.measures import SAMPLE, Sample, read_sample
from soc.alert import AlertStatus, CloseReason, StatusChange
from soc.alert import facts as alert_facts
from soc.alert.decisions import status_changed
from soc.app.conservation import KIND as CONSERVATION
from soc.app.measuring import measure_all
from soc.app.recomputing import recompute
from soc.app.site import Site
from soc.app.stored import SETTLED
from soc.detect import Match
from tests.soc.app.sites import new_site
from tests.soc.store.material import alert

NOON = datetime(2026, 11, 2, 5, tzinfo=UTC)
"""A Monday, at noon of the site."""
HOURS = "alert: {sla: {calendar: {hours: {monday: ['07:30-17:00']}}}}\n"


class Filled:
    """A site of which the journal and the store hold events that came in some hours before NOON."""

    def __init__(self, folder: Path, more: str = "", sources: str = "[]") -> None:
        self.now = NOON
        self.site = Site.load(new_site(folder, sources, more), clock=lambda: self.now)
        self._end = 0

    def take(self, *told: tuple[float, dict[str, Value]]) -> None:
        events: list[Event] = []
        for hours, fields in told:
            at = NOON - timedelta(hours=hours)
            position = Position("log", "s", self._end + len(events), 0)
            events.append(make_event(RawRecord(b"line", "s", position, at), at, fields))
        self.site.journal.append(events, {}, [])
        self.site.events.index(events, self._end)
        self._end += len(events)
        self.site.journal.commit("detect", self._end)

    def measured(self) -> dict[str, Sample]:
        measure_all(self.site)
        found = (read_sample(entry) for entry in self.site.ledger.entries(kinds=[SAMPLE]))
        return {sample.measure_id: sample for sample in found}


@pytest.fixture
def filled(tmp_path: Path) -> Filled:
    return Filled(tmp_path / "site", HOURS)


UPDATE: dict[str, Value] = {
    "event.dataset": "clamav",
    "event.category": "configuration",
    "event.action": "signatures-updated",
    "host.name": "db-01",
}
DOOR: dict[str, Value] = {"event.dataset": "door.trap", "event.action": "access-granted"}
BACKUP: dict[str, Value] = {"event.action": "backup-finished", "event.outcome": "success"}
TELNET: dict[str, Value] = {
    "event.category": "authentication",
    "event.outcome": "success",
    "network.protocol": "telnet",
    "user.name": "lan",
}
CHANGE: dict[str, Value] = {"event.category": "configuration", "event.action": "Edit", "event.dataset": "panw.panos"}


def test_what_sources_say_is_counted_and_counted_again_the_same(filled: Filled) -> None:
    filled.take((5, UPDATE), (4, DOOR), (10, DOOR), (3, BACKUP), (2, TELNET), (1, CHANGE))
    heard = {"data-centre/panw.panos": (NOON - timedelta(hours=2)).isoformat()}
    totals = {"s": dict.fromkeys(("received", "parsed", "evaluated", "dead", "dropped"), 6)}
    places = {"from": 0, "to": 6, "told_from": 0, "told_to": 6, "end": 6}
    body = {"until": NOON.isoformat(), "sources": totals, "heard": heard, "journal": places, "balanced": True}
    filled.site.ledger.append([Fact("c", CONSERVATION, NOON, "engine", body)])
    with filled.site as site:
        found = filled.measured()
        assert found["MAL-01"].numbers["hosts_reporting_7d"] == 1
        assert 4 <= found["MAL-01"].numbers["signature_age_p95_h"] <= 6
        assert found["MAL-01"].met is False, "of the machines of the inventory one speaks of its protection"
        assert found["PHY-01"].numbers == {"source_alive": 1, "after_hours_entries": 1}
        assert (found["PHY-01"].met, found["BAK-01"].met) == (None, None), "what people say is missing"
        assert found["BAK-01"].numbers == {"jobs_7d": 1, "jobs_ok_7d": 1}
        assert (found["IAM-02"].numbers["clear_text_logins"], found["IAM-02"].met) == (1, False)
        assert found["CHG-01"].numbers == {"changes": 1}
        assert (found["NET-01"].numbers["sensor_hours_up"], found["NET-01"].numbers["changes"]) == (1, 1)
        assert "IAM-03" not in found, "no directory, no application that tells of leavers"
        site.ledger.sign(NOON)
        filled.now += timedelta(hours=1)
        for measure_id in ("MAL-01", "PHY-01", "BAK-01", "IAM-02", "CHG-01", "NET-01"):
            again = recompute(site, measure_id)
            assert again.same, again.lines


def test_what_came_in_a_moment_ago_is_left_to_the_next_count(filled: Filled) -> None:
    filled.take((1, CHANGE), ((SETTLED / 2) / timedelta(hours=1), CHANGE))
    with filled.site:
        assert filled.measured()["CHG-01"].numbers == {"changes": 1}


def test_alerts_on_malware_that_nobody_decided_on_for_a_day_are_open(filled: Filled) -> None:
    filled.take((5, UPDATE))
    found = (Match("selection/event.category", "event.category", "malware", "malware"),)
    opened = [
        replace(alert(n), rule_id=rule, matched=found, opened=NOON - timedelta(hours=hours))
        for n, (rule, hours) in enumerate([("av", 30), ("av", 50), ("av", 2), ("av", 70)])
    ]
    opened.append(replace(alert(9), rule_id="other", opened=NOON - timedelta(hours=40)))
    change = StatusChange(NOON, "lan", AlertStatus.CLOSED, CloseReason.TRUE_POSITIVE)
    with filled.site as site:
        site.ledger.append([alert_facts.opened(each, NOON) for each in opened])
        site.ledger.append([status_changed(opened[3].id, change, None)])
        assert filled.measured()["MAL-01"].numbers["open_detections_24h"] == 2


def test_accounts_of_the_directory_that_nobody_uses_are_idle_once_the_store_reaches_back(tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("name,full_name,email,department,title,criticality\nlan,L,,,,\nbinh,B,,,,\n")
    filled = Filled(tmp_path / "site", f"enrich: {{identities: [{people}]}}\n")
    filled.take((2, TELNET))
    with filled.site as site:
        assert "IAM-03" not in filled.measured()
        body = {"sources": {}, "heard": {}, "journal": {"from": 0, "to": 0}, "balanced": True}
        site.ledger.append([Fact("old", CONSERVATION, NOON - timedelta(days=46), "engine", body)])
        filled.now += timedelta(minutes=1)
        assert filled.measured()["IAM-03"].numbers == {"accounts_idle_45d": 1}


def test_techniques_of_the_threat_profile_are_covered_where_a_rule_can_fire(tmp_path: Path) -> None:
    profile = "iso: {threat_profile: [T1110, T1078.003, T9999]}\n"
    ssh = "[{id: auth, kind: syslog, transport: tcp, listen: '127.0.0.1:0', format: rfc3164}]"
    with Filled(tmp_path / "site", profile, ssh).site as site:
        measure_all(site)
        [sample] = [read_sample(e) for e in site.ledger.entries(kinds=[SAMPLE]) if e.fact.body["measure"] == "MON-04"]
        assert (sample.numbers["techniques_in_profile"], sample.numbers["techniques_covered"]) == (3, 2)
