"""The noun of the flow: `Event`, one parsed record as flat ECS fields with its raw bytes and its place.

Field names follow the Elastic Common Schema 8.17 (dotted, flat); what ECS lacks keeps the producer's own namespace
(`winlog.event_data.*`, `postgresql.log.*`, `egov.*`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from collectors.record import Position, RawRecord, is_run

if TYPE_CHECKING:
    Value = str | int | float | bool | None | list[str] | list[int]
    """What one field of an event holds: a JSON scalar or a list of scalars; never a nested object."""
else:
    Value = Any  # for msgspec, which refuses a union of two list types: what a journal holds must read back in any case


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event. `id`: 32 hex digits, the same for the same source, position and bytes, so a replay changes nothing.

    `time`: when it happened, aware UTC (`@timestamp`); time of receipt where the record does not say. `fields`: flat ECS without
    `@timestamp`, `event.id`, `event.original`, `event.ingested`, `log.*`: those stand in the attributes and come back in `document`.
    A msgspec struct and not a dataclass: built a hundred thousand times a second, it costs a seventh and the journal writes it as is.
    """

    id: str
    time: datetime
    fields: dict[str, Value]
    raw: bytes
    source: str
    position: Position
    ingested: datetime
    peer: str = ""

    @property
    def original(self) -> str:
        """`event.original`: the raw bytes as text; bytes that are not UTF-8 stand as \\xNN, so nothing is lost to the eye."""
        return self.raw.decode("utf-8", "backslashreplace")

    def get(self, field: str) -> Value:
        """The value of one ECS field, those of the envelope included; None where it is absent."""
        value = self.fields.get(field)
        return value if value is not None else _ENVELOPE[field](self) if field in _ENVELOPE else None

    def document(self) -> dict[str, Value]:
        """Every field as one flat ECS document, ready for JSON: what stores keep and scans print."""
        found = self.envelope()
        found.update(self.fields)
        return found

    def envelope(self) -> dict[str, Value]:
        """What of the document does not stand in `fields`, nor may: all of `ENVELOPE` that is not empty, for every event that is stored."""
        position, original, peer = self.position, self.original, self.peer
        found: dict[str, Value] = {
            "@timestamp": _utc(self.time),
            "event.id": self.id,
            "event.ingested": _received(self.ingested),
        }
        if original:
            found["event.original"] = original
        found["event.index"] = position.index
        if position.path:
            found["log.file.path"] = position.path
        found["log.offset"] = position.offset
        if peer:
            address, _, subject = peer.partition(" ")
            if address:
                found["log.source.address"] = address
            if subject:
                found["log.source.subject"] = subject
        if self.source:
            found["soc.source"] = self.source
        return found


def _utc(moment: datetime) -> str:
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"


_received = lru_cache(256)(_utc)
"""Records are received together."""


_ENVELOPE: Mapping[str, Callable[[Event], Value]] = {
    "@timestamp": lambda e: _utc(e.time),
    "event.id": lambda e: e.id,
    "event.ingested": lambda e: _received(e.ingested),
    "event.original": lambda e: e.original,
    "event.index": lambda e: e.position.index,
    "log.file.path": lambda e: e.position.path,
    "log.offset": lambda e: e.position.offset,
    "log.source.address": lambda e: e.peer.partition(" ")[0],
    "log.source.subject": lambda e: e.peer.partition(" ")[2],
    "soc.source": lambda e: e.source,
}
"""Fields that live in attributes: name -> how to read it."""

ENVELOPE = frozenset(_ENVELOPE)
"""Names that no record may set: a parser moves a producer's own value of them to `producer.<name>`."""


def event_id(record: RawRecord) -> str:
    """The deterministic id: BLAKE2b-128 over source, stream, offset and bytes (measured: 0.8 µs).

    In a run, whose stream is random and gives each ordinal once, place alone tells records apart: the ordinal, lowest byte first as stores
    look for an id by how it begins, and the run (0.2 µs).
    """
    position = record.position
    stream = position.stream
    if is_run(stream):
        return position.offset.to_bytes(8, "little").hex() + stream[:-1]
    digest = _begun(record.source, stream).copy()
    digest.update(f"{position.offset}\0".encode() + record.data)
    return digest.hexdigest()


@lru_cache(1024)
def _begun(source: str, stream: str) -> blake2b:
    """What the ids of one stream have in common; whoever adds to it takes a copy."""
    return blake2b(f"{source}\0{stream}\0".encode(), digest_size=16)


def make_event(record: RawRecord, time: datetime | None, fields: Mapping[str, Value]) -> Event:
    """The event of a parsed record; `time` None means that the record does not say, so it is the time of receipt."""
    return Event(
        id=event_id(record),
        time=time or record.received,
        fields=dict(fields),
        raw=record.data,
        source=record.source,
        position=record.position,
        ingested=record.received,
        peer=record.peer,
    )


def effective(event: Event) -> datetime:
    """When an event counts as having happened: no later than it was received, whatever its clock says."""
    return min(event.time, event.ingested)
