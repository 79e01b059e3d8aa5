"""The SOC's own audit events: what it must tell about itself goes through the same journal, rules and alerts as every other log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import blake2b

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from iso27001.ledger import canonical

SOURCE = "soc"

HEARTBEAT = "soc.heartbeat"
"""The dataset of events that only tell the time (soc.app.heartbeat)."""


def audit_event(action: str, fields: Mapping[str, Value], now: datetime) -> Event:
    """An event of dataset "soc.audit" about the system `soc` of the inventory; its raw bytes are the fields as canonical JSON."""
    said: dict[str, Value] = {
        "event.dataset": "soc.audit",
        "event.action": action,
        "service.name": SOURCE,
        "@timestamp": now.isoformat(),
        **fields,
    }
    raw = canonical(said)
    stream = blake2b(raw, digest_size=8).hexdigest()
    record = RawRecord(raw, SOURCE, Position("", stream, 0, 1), now)
    return make_event(record, now, {name: value for name, value in said.items() if name != "@timestamp"})


def is_heartbeat(event: Event) -> bool:
    """Whether the event only tells the time: it is in the journal for detection, and nothing to search for."""
    return event.source == SOURCE and event.fields.get("event.dataset") == HEARTBEAT
