"""The views beside the queue over lists in memory: boards of a night in a provincial data centre, and a hunt over its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collectors.event import Value
from soc.errors import SocError
from soc.tui import Found, Item, Preview, Section, Tone
from tests.soc.tui.desk_in_memory import NOW, RULE, event


def source(number: int, name: str, kind: str, state: str, received: int, place: str, dead: int = 0) -> Item:
    cells = {
        "state": state,
        "id": name,
        "format": kind,
        "received": received,
        "dead": dead,
        "dropped": 0,
        "last": NOW - timedelta(minutes=number) if state != "unheard" else None,
        "place": place,
    }
    tone = {"silent": Tone.WARN, "unheard": Tone.DIM}.get(state, Tone.PLAIN)
    return Item(name, cells, tone)


def rule(key: str, level: str, title: str, fired: int | None, false: float | None, state: str = "on") -> Item:
    cells = {
        "state": state,
        "severity": level,
        "title": title,
        "fired": fired,
        "false": false,
        "hidden": 41 if false else None,
        "logsource": "product:linux/service:sshd",
    }
    return Item(key, cells, {"suspended": Tone.WARN, "blind": Tone.DIM}.get(state, Tone.PLAIN))


def plan(key: str, title: str, state: str, approvals: str = "") -> Item:
    cells = {
        "state": state,
        "id": key,
        "title": title,
        "incident": "inc-2026-0017",
        "planner": "lan",
        "approvals": approvals,
        "time": NOW - timedelta(minutes=12),
    }
    return Item(key, cells, Tone.WARN if state == "awaiting-approval" else Tone.PLAIN)


def control(key: str, title: str, indicator: str | None, measures: int | None, evidence: int | None) -> Item:
    cells = {
        "id": key,
        "indicator": indicator,
        "title": title,
        "measures": measures,
        "evidence": evidence,
        "last": NOW - timedelta(hours=3) if evidence else None,
        "implementation": "implemented" if indicator else None,
    }
    return Item(key, cells, Tone.WARN if indicator in ("not met", "stale") else Tone.PLAIN if indicator else Tone.DIM)


ITEMS = {
    "sources": [
        source(1, "portal-nginx", "nginx-access", "heard", 1_204_311, "tcp 0.0.0.0:6514"),
        source(2, "db-ht-auth", "rfc3164", "heard", 88_120, "/var/log/auth.log", 3),
        source(190, "egov-audit", "egov-audit", "silent", 40_112, "/srv/egov/audit.jsonl"),
        source(0, "san-traps", "snmp", "unheard", 0, "udp 0.0.0.0:162"),
    ],
    "rules": [
        rule("r-guess", "medium", "Password guessing over SSH", 212, 38.5),
        rule("r-logon", "critical", "Log-on accepted after many failures from one address", 1, 0.0),
        rule("r-slow", "high", "Web shell pattern in uploaded file name", 9, None, "suspended"),
        rule("r-blind", "high", "Audit log of a Windows server was cleared", None, None, "blind"),
    ],
    "playbooks": [
        plan("pl-81f0", "Block the address at the gateway", "awaiting-approval"),
        plan("pl-20aa", "Take the account out of service", "awaiting-person", "minh"),
    ],
    "controls": [
        control("A.5.7", "Threat intelligence", "met", 2, 4),
        control("A.5.24", "Incident management planning and preparation", "no data", 1, None),
        control("A.8.15", "Logging", "stale", 3, 12),
        control("A.8.16", "Monitoring activities", "not met", 4, 9),
        control("A.7.4", "Physical security monitoring", None, None, None),
    ],
}


class BoardsInMemory:
    """Implements soc.tui.Boards."""

    def __init__(self) -> None:
        self.held = {name: list(items) for name, items in ITEMS.items()}
        self.acts: list[tuple[str, str, str, str]] = []
        self.fail: Exception | None = None

    def items(self, board: str) -> Sequence[Item]:
        return self.held[board]

    def sections(self, board: str, item_id: str) -> Sequence[Section]:
        item = next((one for one in self.held[board] if one.id == item_id), None)
        if item is None:
            return ()
        return (
            Section({"sources": "source", "rules": "named"}.get(board, "plan"), list(item.cells.items())),
            Section("text", lines=RULE.split("\n")),
        )

    def act(self, board: str, item_id: str, action: str, note: str) -> str:
        if self.fail:
            raise self.fail
        self.acts.append((board, item_id, action, note))
        self.held[board] = [
            replace(one, cells={**one.cells, "state": "pending", "approvals": "minh"}, tone=Tone.PLAIN)
            if one.id == item_id
            else one
            for one in self.held[board]
        ]
        return note.partition(" ")[0] or "minh"


class HuntingInMemory:
    """Implements soc.tui.Hunting: words that an event holds, and `field:"value"`, with `and`, `not`."""

    def __init__(self, events: Sequence[Mapping[str, Value]] = ()) -> None:
        self.events = events or [night_event(number) for number in range(40)]
        self.asked: list[str] = []

    def find(self, query: str, since: datetime, until: datetime, *, events: int, bars: int) -> Found:
        self.asked.append(query)
        kept = self._kept(query, since, until)
        counts = Counter(int((time_of(one) - since) / (until - since) * bars) for one in kept)
        step = (until - since) / bars
        return Found(kept[:events], [(since + at * step, counts[at]) for at in range(bars)] if kept else [])

    def top(self, query: str, since: datetime, until: datetime, field: str, limit: int) -> Sequence[tuple[str, int]]:
        kept = self._kept(query, since, until)
        return Counter(str(one[field]) for one in kept if field in one).most_common(limit)

    def _kept(self, query: str, since: datetime, until: datetime) -> list[Mapping[str, Value]]:
        if "(" in query:
            raise SocError("query, column 1: something is missing")
        kept = [one for one in self.events if since <= time_of(one) < until]
        for condition in filter(None, query.split(" and ")):
            wanted = condition.removeprefix("not ")
            field, colon, value = wanted.partition(":")
            kept = [
                one
                for one in kept
                if (
                    str(one.get(field)) == value.strip('"')
                    if colon
                    else all(w in str(one).casefold() for w in wanted.split())
                )
                is not condition.startswith("not ")
            ]
        return kept


class TunerInMemory:
    """Implements soc.tui.Tuner."""

    def __init__(self, objections: tuple[str, ...] = ()) -> None:
        self.objections = objections
        self.asked: list[tuple[str, tuple[str, ...], str, timedelta]] = []
        self.written: list[str] = []
        self.untested = ""

    def choices(self, alert_id: str) -> Sequence[tuple[str, str]]:
        return [("source.ip", "203.0.113.77"), ("user.name", "root, lan"), ("process.name", "sshd")]

    def preview(self, alert_id: str, fields: Sequence[str], reason: str, lasts: timedelta) -> Preview:
        self.asked.append((alert_id, tuple(fields), reason, lasts))
        text = "title: Benign\nfilter:\n  case:\n    source.ip: 203.0.113.77\n"
        return Preview("t-1", text, "rules/tuning/a.yml", 15_246, 12, 1, self.objections)

    def write(self, preview: Preview) -> str:
        if preview.objections:
            raise SocError(f"refused: {preview.objections[0]}")
        self.written.append(preview.id)
        return self.untested


def time_of(one: Mapping[str, Value]) -> datetime:
    return datetime.fromisoformat(str(one["@timestamp"]))


def night_event(number: int) -> dict[str, Value]:
    """Every third from the address that guesses, the others from the office."""
    address = "203.0.113.77" if number % 3 == 0 else f"10.20.1.{number % 7}"
    time = NOW - timedelta(minutes=11 * number + 3)
    made = event(f"e{number:08d}{'b' if number % 5 == 0 else 'a'}")
    return made | {"@timestamp": time.isoformat(), "source.ip": address, "source.port": 40_000 + number}
