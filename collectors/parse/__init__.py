"""RawRecords in, Events or ParseErrors out: pure, linear in the record, and nothing but ParseError ever escapes.

Doors: `parse` for one record, `parse_batch` for the hot path, `formats`, `detect_format` for a file whose format
nobody named. What the parts are is in `collectors.parse.format`; how they are found, in `collectors.parse.registry`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from itertools import repeat

import msgspec

from collectors.errors import ParseError
from collectors.event import Event, event_id
from collectors.parse.format import Context, Format, Message, Parsed
from collectors.parse.registry import format_named, formats, formats_at_hand, known_format
from collectors.record import DeadLetter, RawRecord

__all__ = [
    "Context",
    "Format",
    "Message",
    "Parsed",
    "detect_format",
    "event_of",
    "formats",
    "known_format",
    "parse",
    "parse_batch",
]

INVALID_ENCODING = "invalid-encoding"
"""The flag in `log.flags` of an event some of whose bytes stand as \\xNN."""

_HALF = re.compile("[\udc80-\udcff]")
_SURE = 0.5
"""A format is detected when it fits at least half of a sample."""


def parse(record: RawRecord, format: Format | str, context: Context) -> Event:  # noqa: A002  the word of the field
    """The event of one record. Raises: ParseError, also for an unknown format's name."""
    events, dead = parse_batch([record], format, context)
    if dead:
        raise ParseError(dead[0].reason)
    return events[0]


def parse_batch(
    records: Iterable[RawRecord],
    format: Format | str,  # noqa: A002  the word of the field
    context: Context,
) -> tuple[list[Event], list[DeadLetter]]:
    """Events and dead letters, each in the order of the records; every record is in exactly one of the two. Raises:
    ParseError only where the format's name is unknown.
    """
    known = format if isinstance(format, Format) else format_named(format)
    read = known.parse
    events: list[Event] = []
    dead: list[DeadLetter] = []
    usual: Iterable[Event | None] = repeat(None)
    if known.usual is not None and not context.defaults:
        records = list(records)
        usual = known.usual(records, context)
    for record, found in zip(records, usual, strict=False):
        if found is not None:
            events.append(found)
            continue
        try:
            events.append(event_of(record, read(record, context), context))
        except ParseError as error:
            shown = _shown(record, known, context)
            if shown is None:
                dead.append(DeadLetter(record, known.name, error.reason))
            else:
                events.append(shown)
        except Exception as error:
            dead.append(DeadLetter(record, known.name, _fault(known, error)))
    return events, dead


def event_of(record: RawRecord, parsed: Parsed, context: Context) -> Event:
    """The event of a record that was parsed; `parsed.fields` become its own."""
    fields = parsed.fields
    if record.truncated:
        fields["log.flags"] = ["truncated"]
    if context.defaults:
        for name, value in context.defaults.items():
            fields.setdefault(name, value)
    moment, received = parsed.time, record.received
    place = record.position
    return Event(event_id(record), moment or received, fields, record.data, record.source, place, received, record.peer)


def _shown(record: RawRecord, known: Format, context: Context) -> Event | None:
    """The event of a record whose bytes do not decode, read with `\\xNN` for each byte that does not, so that one byte hides no line.

    Its raw bytes stay as they came, and `log.flags` says "invalid-encoding". None where all decode, or where it cannot be read even so.
    """
    try:
        record.data.decode(context.encoding)
    except UnicodeDecodeError:
        text = record.data.decode(context.encoding, "backslashreplace")
    else:
        return None
    in_json = _HALF.sub(_spelled, record.data.decode(context.encoding, "surrogateescape"))
    context = dataclasses.replace(context, encoding="utf-8")
    for each in (text, in_json):
        try:
            parsed = known.parse(msgspec.structs.replace(record, data=each.encode()), context)
        except ParseError:
            continue
        except Exception:
            return None
        event = event_of(record, parsed, context)
        flags = event.fields.get("log.flags")
        event.fields["log.flags"] = [*(flags if isinstance(flags, list) else []), INVALID_ENCODING]
        return event
    return None


def _spelled(half: re.Match[str]) -> str:
    """A byte that surrogateescape hid, as text of JSON spells it."""
    return f"\\\\x{ord(half[0]) - 0xDC00:02x}"


def _bare() -> dict[str, Format]:
    """Formats whose recognition asks no message parser."""
    return {name: each for name, each in formats_at_hand().items() if not each.header}


def _fault(known: Format, error: Exception) -> str:
    return ascii(f"fault in parser {known.name}: {type(error).__name__}: {str(error)[:80]}")[1:-1]


def detect_format(sample: bytes, path: str) -> str:
    """The name of the format that a file's first bytes (64 kB are plenty) fit best.

    Raises: ParseError, for the file's person, where none fits half of the sample; `path` is named in it.
    """
    sure: dict[str, float] = {}
    for load in (_bare, formats_at_hand, formats) if sample else ():  # each loads more than the one before
        sure |= {name: each.sniff(sample) for name, each in load().items() if name not in sure}
        if max(sure.values()) == 1.0:
            break
    best = max(sorted(sure), key=sure.__getitem__, default="")
    if not best or sure[best] < _SURE:
        what = "is empty" if not sample else "holds NUL bytes (binary or UTF-16)" if b"\0" in sample else "fits none"
        raise ParseError(f"{path[-200:]}: {what}; name its format: {', '.join(formats())}")
    return best
