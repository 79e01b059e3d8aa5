"""Events and ledger entries as tests of the stores need them, and one site that holds a journal and both stores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from collectors.event import Event, Value, make_event
from collectors.journal import JournalConfig, open_journal
from collectors.record import Position, RawRecord
from iso27001.ledger import Entry, Fact
from soc.action import Who
from soc.alert import Alert, AlertStatus, CloseReason, Entity, StatusChange
from soc.alert import decisions as alert_decisions
from soc.alert import facts as alert_facts
from soc.detect import Level, Match
from soc.incident import Incident, Phase, TimelineEntry
from soc.incident import decisions as incident_decisions
from soc.incident import facts as incident_facts
from soc.incident.actions import ON_ALERTS, ON_INCIDENTS, Members
from soc.reason import Because, Reason
from soc.store import EventStore, Indexed, Projections
from soc.store.config import StoreConfig
from soc.store.opening import open_events, open_projections

DAY = datetime(2026, 10, 14, tzinfo=UTC)


def event(n: int, seconds: float = 0, fields: dict[str, Value] | None = None, time: datetime | None = None) -> Event:
    when = time or DAY + timedelta(seconds=seconds)
    record = RawRecord(b"line %d" % n, "auth", Position("/var/log/auth.log", "s1", n, n + 1), DAY)
    return make_event(record, when, {"event.dataset": "sshd", "message": f"line {n}", **(fields or {})})


def ids(documents: Iterable[dict[str, Value]]) -> list[Value]:
    return [document["event.id"] for document in documents]


class Site:
    """A journal and the stores of one configuration; `events` and `projections` open them anew, as another process would."""

    def __init__(self, folder: Path, config: StoreConfig) -> None:
        self.config = config
        self.folder = folder
        self.journal = open_journal(JournalConfig(folder / "journal"))
        self._opened: list[EventStore | Projections] = []
        self.store = self.events()

    def events(self) -> EventStore:
        store = open_events(self.config, self.journal, self.folder / "events")
        self._opened.append(store)
        return store

    def projections(self) -> Projections:
        projections = open_projections(self.config, self.folder / "projections.db")
        self._opened.append(projections)
        return projections

    def index(self, events: Sequence[Event]) -> Indexed:
        """Through the journal into the store, as the loop of `soc run` does."""
        first = self.journal.end()
        self.journal.append(events, {}, ())
        return self.store.index(events, first)

    def close(self) -> None:
        for opened in self._opened:
            opened.close()
        self.journal.close()


def alert(
    n: int, *, risk: int = 50, level: Level = Level.MEDIUM, minutes: float = 0, value: str = "", system: str = ""
) -> Alert:
    seen = DAY + timedelta(minutes=minutes)
    entity = Entity("source.ip", value or f"192.0.2.{n % 250}")
    return Alert(
        id=f"alert-{n:06}",
        rule_id=f"rule-{n % 7}",
        rule_version="0" * 64,
        title=f"Log-on guessed, try {n}",
        level=level,
        tags=("attack.t1110",),
        logsource="product:linux/service:sshd",
        entity=entity,
        entities=(entity, Entity("user.name", "hạnh")),
        system=system,
        first_seen=seen,
        last_seen=seen,
        count=1,
        risk=risk,
        risk_why=(Reason(Because.LEVEL, ("medium", 40)), "as a ledger of before wrote it"),
        due=seen + timedelta(hours=4),
        event_ids=(f"{n:032x}",),
        matched=(Match("selection/message|contains", "message", "Failed", "Failed password"),),
    )


def incident(n: int, alerts: Sequence[Alert], *, risk: int = 60) -> Incident:
    return Incident(
        id=f"incident-{n:04}",
        title=f"Guessing from {alerts[0].entity}",
        level=Level.HIGH,
        risk=risk,
        phase=Phase.DETECT_REPORT,
        opened=alerts[0].first_seen,
        last_seen=alerts[-1].last_seen,
        entities=(alerts[0].entity,),
        systems=("civil-status",),
        tags=("attack.t1110",),
        alert_ids=tuple(a.id for a in alerts),
        why=("same source.ip within 24 h",),
        timeline=(TimelineEntry(alerts[0].first_seen, "alert", alerts[0].title, alerts[0].id),),
    )


def repeated(alert_before: Alert, minutes: float, added: int = 1, risk: int = 70) -> Fact:
    after = replace(alert_before, last_seen=DAY + timedelta(minutes=minutes), risk=risk, risk_why=("repeated",))
    seen = [f"{alert_before.id}-{minutes}-{i}" for i in range(added)]
    return alert_facts.repeated(after, seen, [f"{i:032x}" for i in range(added)], after.last_seen)


def status(of: Alert, to: AlertStatus, minutes: float, reason: CloseReason | None = None) -> Fact:
    return alert_decisions.status_changed(
        of.id, StatusChange(DAY + timedelta(minutes=minutes), "lan", to, reason, "seen")
    )


def entries(facts: Iterable[Fact], first: int = 0) -> list[Entry]:
    return [Entry(seq, fact) for seq, fact in enumerate(facts, first)]


def story(seed: int, alerts: int = 60) -> list[Fact]:
    """A day of facts of every kind that projections fold, and of one that they do not, in a random but repeatable order."""
    random = Random(seed)
    facts: list[Fact] = []
    known: list[Alert] = []
    incidents: list[Incident] = []
    systems = ["", "civil-status", "Land_Registry", "100%_portal", "a*b?c\\d", "Hộ tịch"]
    for n in range(alerts):
        new = alert(
            n,
            risk=random.choice([10, 50, 50, 90]),
            level=random.choice(list(Level)),
            minutes=random.randrange(60),
            value=random.choice(["", "203.0.113.7", "2001:db8::7"]),
            system=random.choice(systems),
        )
        known.append(new)
        facts.append(alert_facts.opened(new, new.last_seen))
        facts.append(Fact(f"measure:{n}", "measure.sample", DAY, "engine", {"value": n}))
        old = random.choice(known)
        match random.randrange(6):
            case 0:
                facts.append(repeated(old, 60 + n, added=random.randrange(1, 4), risk=random.choice([60, 90])))
            case 1:
                facts.append(status(old, AlertStatus.ACKNOWLEDGED, 60 + n))
            case 2:
                facts.append(status(old, AlertStatus.CLOSED, 60 + n, CloseReason.FALSE_POSITIVE))
            case 3:
                new_incident = incident(
                    len(incidents), random.sample(known, min(2, len(known))), risk=random.choice([60, 80])
                )
                incidents.append(new_incident)
                facts.append(incident_facts.opened(new_incident, DAY))
            case 4 if incidents:
                one = random.choice(incidents)
                entry = TimelineEntry(DAY + timedelta(minutes=90 + n), "alert", old.title, old.id)
                after = replace(one, risk=85, last_seen=entry.time, timeline=(*one.timeline, entry))
                facts.append(incident_facts.linked(after, old, "same user.name", entry.time))
            case _ if incidents:
                one = random.choice(incidents)
                moment = DAY + timedelta(minutes=90 + n)
                facts.append(
                    incident_decisions.phase_changed(
                        one.id, Phase.RESPOND, "lan", "", moment, closed=random.random() < 0.3
                    )
                )
    return [*facts, *acts(random, facts, 2 * alerts)]


def acts(random: Random, facts: Sequence[Fact], count: int) -> list[Fact]:
    """So many actions of people on what the facts made, of every kind that needs no file, each on what the ones before left."""
    alerts: dict[str, Alert] = {}
    incidents: dict[str, Incident] = {}

    def take(fact: Fact) -> None:
        for alert_id in alert_facts.touched(fact):
            if (alert_after := alert_facts.fold(alerts.get(alert_id), alert_id, fact)) is not None:
                alerts[alert_id] = alert_after
        for incident_id in incident_facts.touched(fact):
            if (after := incident_facts.fold(incidents.get(incident_id), incident_id, fact)) is not None:
                incidents[incident_id] = after

    for fact in facts:
        take(fact)
    done: list[Fact] = []
    span, text = (
        timedelta(hours=random.randrange(1, 9)),
        {"note": "seen", "text": "Đã xem", "add": ("vpn",), "to": "minh"},
    )
    for n in range(count):
        who = Who(random.choice(["lan", "minh"]), DAY + timedelta(days=1, minutes=n))
        values: dict[str, object] = {**text, "for": span, "reason": random.choice(list(CloseReason)), "label": "green"}
        values |= {
            "class": random.choice(["M1", "M4"]),
            "group": "N2",
            "title": f"Task {n}",
            "where": "safe",
            "why": "kept",
        }
        values |= {"sha256": f"{n:064x}", "cause": "c", "lessons": "l", "improvements": "i"}
        if random.random() < 0.5 or not incidents:
            name = random.choice(
                ["ack", "close", "reopen", "assign", "comment", "tag", "tlp", "snooze", "merge", "suppress"]
            )
            values["into"] = random.choice(list(alerts.values()))
            decided = ON_ALERTS[name].decide([random.choice(list(alerts.values()))], values, who)
        else:
            one = random.choice(list(incidents.values()))
            name = random.choice(
                ["assess", "task", "comment", "tag", "tlp", "evidence", "review", "close", "merge", "split"]
            )
            members = [alerts[i] for i in one.alert_ids if i in alerts]
            values |= {
                "into": random.choice(list(incidents.values())),
                "alert": Members(tuple(members[:1]), tuple(members[1:])),
            }
            decided = ON_INCIDENTS[name].decide([one], values, who)
        for fact in (fact for each in decided.facts.values() for fact in each):
            take(fact)
            done.append(fact)
    return done
