"""An event and its offset in, the bytes of its document out, or why it can be none: what a node would refuse is caught here.

One field has one type. Fields that no template names are keywords whatever their first value was, so that none can change its type. What
the names of an event's fields decide is decided once for all events of these names. The bytes are `Event.document` with `OURS` in it,
written without making it: a third of the CPU that making a dictionary and packing it takes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from collectors.event import ENVELOPE, Event
from collectors.record import Position
from soc.errors import SocError
from soc.store.elastic_mappings import LARGE, LONGS, MAX_KEYWORD, OURS

MAX_EVENT_FIELDS = 1_000
"""Of one event: a record that invents names must not use up those of its data stream (elastic_mappings.MAX_FIELDS)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST, _MOST = -(2**63), 2**63 - 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]*)?")
_OURS = ENVELOPE.union(OURS)
_MARK = f',"{LARGE}":true'.encode()


class UnfitError(SocError):
    """An event that no node would take, with field and value."""


def packed(event: Event, offset: int) -> bytes:
    """The document of an event that stands at `offset` of the journal. Raises: UnfitError."""
    fields = event.fields
    if len(fields) > MAX_EVENT_FIELDS:
        raise UnfitError(f"too many fields: {len(fields):,}, at most {MAX_EVENT_FIELDS:,} are stored")
    taken, longs = _of_names(tuple(fields))
    if taken:
        raise UnfitError(f"{taken} is a name that the store keeps for itself")
    for field in longs:
        value = fields[field]
        if value.__class__ is not int or not _LEAST <= value <= _MOST:
            for one in value if isinstance(value, list) else (value,):
                if not _is_whole(one):
                    raise UnfitError(
                        f'{field}: "{str(one)[:200]}" is not a whole number of 64 bits, and this field holds nothing else'
                    )
    seconds, micros = _since_1970(event.time)
    received, fraction = _since_1970(event.ingested)
    position, original = event.position, event.original
    try:
        path, sender = _origin(event.source, position.path, event.peer)
        rest, raw = orjson.dumps(fields), orjson.dumps(original)
        return (
            b'{"@timestamp":"%b.%06dZ","event.id":"%b","event.ingested":"%b.%06dZ"%b,"event.index":%d%b,"log.offset":%d%b,'
            b'"soc.time_us":%d,"soc.offset":%d%b%b%b'
            % (
                _second(seconds),
                micros,
                event.id.encode(),
                _second(received),
                fraction,
                b',"event.original":' + raw if original else b"",
                position.index,
                path,
                position.offset,
                sender,
                seconds * 1_000_000 + micros,
                offset,
                _MARK if len(rest) > MAX_KEYWORD or len(raw) > MAX_KEYWORD else b"",
                b"," if fields else b"",
                rest[1:],
            )
        )
    except TypeError as error:  # a number beyond 64 bits, a lone surrogate: not JSON for any server
        raise UnfitError(f"not JSON: {error}") from error


def restored(document: dict[str, Any]) -> Event:
    """The event that a document was made of; its stream is not told, and bytes that were no UTF-8 stand as `event.original` has them."""
    peer = f"{document.get('log.source.address', '')} {document.get('log.source.subject', '')}".rstrip()
    return Event(
        id=document["event.id"],
        time=datetime.fromisoformat(document["@timestamp"]),
        fields={name: value for name, value in document.items() if name not in ENVELOPE and name not in OURS},
        raw=str(document.get("event.original", "")).encode("utf-8", "surrogatepass"),
        source=document.get("soc.source", ""),
        position=Position(
            document.get("log.file.path", ""), "", document.get("log.offset", 0), document.get("event.index", 0)
        ),
        ingested=datetime.fromisoformat(document.get("event.ingested", document["@timestamp"])),
        peer=peer,
    )


@lru_cache(512)
def _of_names(names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Of the fields of an event one that is ours ("": none), and those that are whole numbers."""
    return min(_OURS.intersection(names), default=""), tuple(LONGS.intersection(names))


def _since_1970(moment: datetime) -> tuple[int, int]:
    """Whole seconds and the microseconds after them."""
    since = moment - _EPOCH
    return since.days * 86_400 + since.seconds, since.microseconds


@lru_cache(256)
def _second(since_1970: int) -> bytes:
    return (_EPOCH + timedelta(seconds=since_1970)).isoformat().encode()[:-6]


@lru_cache(256)
def _origin(source: str, path: str, peer: str) -> tuple[bytes, bytes]:
    """What the envelopes of one source have in common: the path, and who sent it."""
    address, _, subject = peer.partition(" ")
    sender = {"log.source.address": address, "log.source.subject": subject, "soc.source": source}
    return _members({"log.file.path": path}), _members(sender)


def _members(named: dict[str, str]) -> bytes:
    """Those that are not empty, each after a comma."""
    found = orjson.dumps({name: value for name, value in named.items() if value})[1:-1]
    return b"," + found if found else b""


def _is_whole(value: str | float | None) -> bool:
    if value is None:
        return True
    if isinstance(value, bool):
        return False
    if isinstance(value, int):
        return _LEAST <= value <= _MOST
    if isinstance(value, float):
        return abs(value) < 2**63  # false of NaN
    return _WHOLE.fullmatch(value) is not None
