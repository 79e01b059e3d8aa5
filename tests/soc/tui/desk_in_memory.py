"""A Desk over a list in memory, with a night's alerts of a provincial data centre; as a program it opens the terminal UI on them."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from collectors.event import Value
from iso27001.ledger import Entry
from soc.action import Action, Who
from soc.alert import Alert, AlertStatus, CloseReason, Entity, StatusChange
from soc.detect import Level, Match
from soc.incident import Incident, Phase, TimelineEntry
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS
from soc.incident.classification import Matrix
from soc.incident.clocks import Clocks, clocks_of
from soc.store import AlertQuery, Facet
from soc.store.folding import ALERTS, INCIDENTS, Standing, folded

NOW = datetime(2026, 3, 2, 20, 14, 30, tzinfo=UTC)
HANOI = timezone(timedelta(hours=7), "+07")

RULE = """\
title: Log-on accepted after many failures from one address
id: 6a0c4c9e-6d5f-4a0e-9a53-0a3f8f0c2d11
status: stable
description: An address that failed to log on many times has now succeeded; the password is known to it.
logsource:
    product: linux
    service: sshd
detection:
    selection:
        event.action: ssh-login
        event.outcome: success
        source.ip|cidr: 203.0.113.0/24
    account:
        user.name:
            - root
            - 'adm*'
    condition: selection and account
falsepositives:
    - An administrator who mistyped a password
level: critical
tags:
    - attack.t1110.001
    - attack.t1078
"""

_KINDS = (
    (
        Level.CRITICAL,
        96,
        "Log-on accepted after many failures from one address",
        "source.ip",
        "203.0.113.77",
        "civil-status",
        "sshd",
    ),
    (
        Level.CRITICAL,
        91,
        "Audit log of the one-stop-shop portal was cleared",
        "host.name",
        "app-dvc-02",
        "one-stop-shop",
        "windows",
    ),
    (Level.HIGH, 84, "sudo to root by an account that never used it", "user.name", "nv.tuan", "civil-status", "sudo"),
    (
        Level.HIGH,
        78,
        "Export of 12,400 citizen records outside office hours",
        "user.name",
        "lt.huong",
        "civil-status",
        "egov.audit",
    ),
    (
        Level.HIGH,
        74,
        "Web shell pattern in uploaded file name",
        "source.ip",
        "198.51.100.23",
        "document-exchange",
        "nginx.access",
    ),
    (
        Level.HIGH,
        71,
        "Case approved by the account that created it",
        "user.name",
        "pv.long",
        "land-registry",
        "egov.audit",
    ),
    (
        Level.MEDIUM,
        58,
        "SQL error burst that looks like injection",
        "source.ip",
        "198.51.100.23",
        "land-registry",
        "postgresql.log",
    ),
    (Level.MEDIUM, 52, "Password guessing over SSH", "source.ip", "203.0.113.77", "civil-status", "sshd"),
    (
        Level.MEDIUM,
        47,
        "Đăng nhập từ nước ngoài vào hệ thống văn bản",
        "user.name",
        "tt.binh",
        "document-exchange",
        "egov.audit",
    ),
    (Level.MEDIUM, 44, "Service account used interactively", "user.name", "svc_backup", "backup", "windows"),
    (Level.LOW, 31, "Scanner user agent", "source.ip", "192.0.2.140", "portal", "nginx.access"),
    (Level.LOW, 27, "Unusual hour of log-on for this account", "user.name", "dk.minh", "hr", "anomaly"),
    (Level.INFORMATIONAL, 8, "New SSH key accepted for a known account", "user.name", "ops.an", "gateway", "sshd"),
)

_MATCHES = {
    0: (
        Match("selection/event.outcome", "event.outcome", "success", "success"),
        Match("selection/source.ip|cidr", "source.ip", "203.0.113.0/24", "203.0.113.77"),
        Match("account/user.name", "user.name", "root", "root"),
    ),
    1: (Match("selection/event.code", "event.code", "1102", "1102"),),
    2: (Match("selection/process.command_line|startswith", "process.command_line", "/bin/bash", "/bin/bash -i"),),
    3: (Match("volume/egov.records.count|gte", "egov.records.count", "1000", "12400"),),
    4: (Match("name/url.path|endswith", "url.path", ".php.jpg", "/upload/2026/scan_0303.php.jpg"),),
}
_ANY = (Match("selection/event.action", "event.action", "ssh-login", "ssh-login"),)


def alert(number: int, **changes: object) -> Alert:
    """The alert of this number: the same for the same number."""
    level, risk, title, kind, value, system, service = _KINDS[number % len(_KINDS)]
    seen = NOW - timedelta(minutes=4 + 7 * number)
    lap = number // len(_KINDS)
    count = 212 if number == 7 else (1, 1, 2, 1, 3, 4)[number % 6]
    made = Alert(
        id=f"{number:08d}",
        rule_id="6a0c4c9e-6d5f-4a0e-9a53-0a3f8f0c2d11",
        rule_version="1" * 64,
        title=title,
        level=level,
        tags=("attack.t1110.001", "attack.t1078"),
        logsource=f"product:linux/service:{service}",
        entity=Entity(kind, f"{value}{'-' + str(lap) if lap else ''}"),
        entities=(Entity(kind, value), Entity("host.name", "db-ht-01"), Entity("user.name", "root")),
        system=system,
        first_seen=seen - timedelta(minutes=11),
        last_seen=seen,
        count=count,
        risk=max(1, risk - lap),
        risk_why=(
            f"{level}: the rule's level gives {risk // 2}",
            f"{system}: criticality 5 of 5 adds {risk - risk // 2 - 6}",
            "the address was never seen before 02-27: adds 6",
        ),
        due=seen + timedelta(minutes=(15, 60, 240, 1440, 4320)[4 - level.rank]),
        event_ids=(f"e{number:08d}a", f"e{number:08d}b")[0 if count > 1 else 1 :],
        matched=_MATCHES.get(number % len(_KINDS), _ANY),
        incident_id="inc-2026-0017" if number % len(_KINDS) in (0, 2, 3, 7) and number < len(_KINDS) else "",
    )
    return replace(made, **changes)


def event(event_id: str) -> dict[str, Value]:
    """A document as the event store gives it."""
    last = event_id.endswith("b")
    verb = "Accepted" if last else "Failed"
    return {
        "@timestamp": "2026-03-02T20:10:30.000000Z" if last else "2026-03-02T20:10:24.000000Z",
        "event.id": event_id,
        "event.original": f"<86>Mar  3 03:10:30 db-ht-01 sshd[4121]: {verb} password for root from 203.0.113.77 port 50122 ssh2",
        "event.dataset": "sshd",
        "event.action": "ssh-login",
        "event.outcome": "success" if last else "failure",
        "host.name": "db-ht-01",
        "user.name": "root",
        "source.ip": "203.0.113.77",
        "source.port": 50122,
        "process.name": "sshd",
        "process.pid": 4121,
        "message": f"{verb} password for root from 203.0.113.77 port 50122 ssh2",
    }


def incident() -> Incident:
    """The incident that the first alerts belong to."""
    times = [NOW - timedelta(minutes=m) for m in (70, 31, 25, 18, 4)]
    return Incident(
        id="inc-2026-0017",
        title="203.0.113.77 took over root on db-ht-01 and read civil-status records",
        level=Level.CRITICAL,
        risk=97,
        phase=Phase.ASSESS_DECIDE,
        opened=times[0],
        last_seen=times[-1],
        entities=(Entity("host.name", "db-ht-01"), Entity("source.ip", "203.0.113.77"), Entity("user.name", "root")),
        systems=("civil-status",),
        tags=("attack.t1110.001", "attack.t1078", "attack.t1548.003"),
        alert_ids=("00000000", "00000002", "00000003", "00000007"),
        why=(
            "Password guessing and the accepted log-on share source.ip=203.0.113.77, 39 minutes apart",
            "The accepted log-on and the sudo share host.name=db-ht-01, 6 minutes apart",
            "The sudo and the export share system civil-status, 7 minutes apart",
        ),
        timeline=(
            TimelineEntry(times[0], "alert", "Password guessing over SSH: 212 failures for root", "00000007"),
            TimelineEntry(times[1], "alert", "Log-on accepted after many failures from one address", "00000000"),
            TimelineEntry(times[2], "alert", "sudo to root by an account that never used it: nv.tuan", "00000002"),
            TimelineEntry(times[3], "alert", "Export of 12,400 citizen records outside office hours", "00000003"),
            TimelineEntry(times[4], "phase", "Assess and decide: taken by the analyst on duty", ""),
        ),
    )


@dataclass(frozen=True)
class Outcome:
    done: tuple[str, ...]
    refused: Mapping[str, str]


def facet_of(a: Alert, facet: Facet) -> str:
    found = {
        Facet.LEVEL: a.level.value,
        Facet.STATUS: a.status.value,
        Facet.RULE: a.rule_id,
        Facet.SYSTEM: a.system,
        Facet.ENTITY: a.entity.value,
        Facet.ASSIGNEE: a.assignee,
    }
    return found[facet]


class DeskInMemory:
    """Implements soc.tui.Desk."""

    def __init__(
        self, alerts: Sequence[Alert] = (), incidents: Sequence[Incident] = (), actor: str = "analyst"
    ) -> None:
        self.held = {one.id: one for one in alerts}
        self.incidents_held = {one.id: one for one in incidents}
        self.actor = actor
        self.clock = NOW
        self.documents: dict[str, Mapping[str, Value]] = {}
        self.rule = RULE
        self.calls: list[str] = []
        self.changes = 0
        self.fail: Exception | None = None

    @property
    def site(self) -> str:
        return "Trung tâm dữ liệu tỉnh"

    def now(self) -> datetime:
        return self.clock

    def version(self) -> int:
        return self.changes

    def _fitting(self, query: AlertQuery) -> list[Alert]:
        words = query.text.casefold().split()
        return [
            a
            for a in self.held.values()
            if (not query.statuses or a.status in query.statuses)
            and (not query.levels or a.level in query.levels)
            and (query.since is None or a.last_seen >= query.since)
            and (not query.incident_id or a.incident_id == query.incident_id)
            and (query.awake_at is None or a.snoozed_until is None or a.snoozed_until <= query.awake_at)
            and (query.suppressed is None or bool(a.suppressed_by) == query.suppressed)
            and all((facet_of(a, h.facet) == h.value) == h.wanted for h in query.having)
            and all(word in f"{a.title} {a.entity} {a.system}".casefold() for word in words)
        ]

    def alert_ids(self, query: AlertQuery) -> list[str]:
        kept = sorted(self._fitting(query), key=lambda a: (-a.risk, -a.last_seen.timestamp(), a.id))
        return [a.id for a in kept][: query.limit]

    def alert_count(self, query: AlertQuery) -> int:
        return len(self._fitting(query))

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> list[tuple[str, str, int]]:
        counts = Counter(facet_of(a, facet) for a in self._fitting(query))
        return [(value, value, count) for value, count in counts.most_common(limit)]

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        if self.fail:
            raise self.fail
        return [self.held[key] for key in ids if key in self.held]

    def raw_events(self, ids: Sequence[str]) -> list[Mapping[str, Value]]:
        return [self.documents.get(key) or event(key) for key in ids]

    def rule_text(self, rule_id: str, version: str) -> str:
        return self.rule

    def incident_ids(self) -> list[str]:
        return list(self.incidents_held)

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        return [self.incidents_held[key] for key in ids if key in self.incidents_held]

    def clocks(self, ids: Sequence[str]) -> dict[str, Clocks]:
        """By the law's own rules, as of a site that has no inventory."""
        return {one.id: clocks_of(one, (), Matrix(), self.clock) for one in self.incidents(ids)}

    def acknowledge(self, ids: Sequence[str]) -> None:
        self.change(ids, AlertStatus.ACKNOWLEDGED)

    def close(self, ids: Sequence[str], reason: CloseReason, note: str) -> None:
        self.change(ids, AlertStatus.CLOSED, reason, note)

    def reopen(self, ids: Sequence[str]) -> None:
        self.change(ids, AlertStatus.NEW)

    def change(
        self,
        ids: Sequence[str],
        status: AlertStatus,
        reason: CloseReason | None = None,
        note: str = "",
        actor: str = "",
    ) -> None:
        """What this analyst, or another one, decides."""
        if self.fail:
            raise self.fail
        self.calls.append(f"{status} {' '.join(ids)}")
        for key in ids:
            line = StatusChange(self.clock, actor or self.actor, status, reason, note)
            self.held[key] = replace(
                self.held[key], status=status, reason=reason, history=(*self.held[key].history, line)
            )
        self.changes += 1

    def on_alerts(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        return self._act(ON_ALERTS[name], self.alerts(ids), given)

    def on_incidents(self, name: str, ids: Sequence[str], given: Mapping[str, Any]) -> Outcome:
        return self._act(ON_INCIDENTS[name], self.incidents(ids), given)

    def _act(self, action: Action[Any], nouns: Sequence[Any], given: Mapping[str, Any]) -> Outcome:
        """What the action decides, folded as the projections fold it."""
        if self.fail:
            raise self.fail
        known = {argument.name: argument for argument in action.arguments}
        values = {
            key: value if known[key].many or value is True else known[key].read(value) for key, value in given.items()
        }
        decided = action.decide(nouns, values, Who(self.actor, self.clock))
        self.calls.append(f"{action.name} {' '.join(one.id for one in nouns)}")
        for fact in dict.fromkeys(fact.id for facts in decided.facts.values() for fact in facts):
            entry = next(f for facts in decided.facts.values() for f in facts if f.id == fact)
            self.changes += 1
            for view, held in ((ALERTS, self.held), (INCIDENTS, self.incidents_held)):
                before = {key: Standing(one, -1) for key, one in held.items()}
                after = folded(view, [Entry(self.changes, entry)], before)
                held.update({key: standing.noun for key, standing in after.items()})
        return Outcome(tuple(decided.facts), decided.refused)

    def arrive(self, *alerts: Alert) -> None:
        """New alerts."""
        self.held.update({one.id: one for one in alerts})
        self.changes += 1


def night(count: int = 20) -> DeskInMemory:
    """A desk with so many alerts and their incident."""
    return DeskInMemory([alert(number) for number in range(count)], [incident()])


def main() -> int:
    """Open the terminal UI on a night's alerts."""
    from soc.tui import run
    from tests.soc.tui.beside_in_memory import BoardsInMemory, HuntingInMemory, TunerInMemory

    parser = argparse.ArgumentParser()
    parser.add_argument("--alerts", type=int, default=20)
    parser.add_argument("--read-only", action="store_true")
    parser.add_argument("--language", default="en")
    parser.add_argument("--preferences", type=Path)
    parser.add_argument("--report", action="store_true", help="print the open alerts that are left")
    chosen = parser.parse_args()
    desk = night(chosen.alerts)
    code = run(
        desk,
        BoardsInMemory(),
        HuntingInMemory(),
        TunerInMemory(),
        read_only=chosen.read_only,
        language=chosen.language,
        zone=HANOI,
        preferences=chosen.preferences,
    )
    if chosen.report:
        left = sum(one.status is not AlertStatus.CLOSED for one in desk.held.values())
        print(f"left={left} decisions={len(desk.calls)}")
    return code


if __name__ == "__main__":
    raise SystemExit(main())
