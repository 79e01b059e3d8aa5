"""A transaction in, the content of its frame out: what a process does that hands its events to the one that writes the journal."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from collectors.event import Event
from collectors.journal import frame
from collectors.record import DeadLetter, Mark, RawRecord

log = logging.getLogger(__name__)


def pack(
    buffer: bytearray, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]
) -> tuple[Sequence[Event], Sequence[DeadLetter]]:
    """Pack a transaction, and what is in it: an event that cannot be written at all is a dead letter there."""
    try:
        frame.pack(buffer, events, marks, dead)
    except (UnicodeEncodeError, OverflowError):
        events, dead = _writable(events, dead)
        frame.pack(buffer, events, marks, dead)
    return events, dead


def _writable(events: Sequence[Event], dead: Sequence[DeadLetter]) -> tuple[list[Event], list[DeadLetter]]:
    """Turn what msgpack cannot hold into dead letters that it can."""
    good: list[Event] = []
    letters = [_plain(letter) for letter in dead]
    for event in events:
        if why := frame.encodes(event):
            record = RawRecord(event.raw, event.source, event.position, event.ingested, event.peer)
            letters.append(
                _plain(DeadLetter(record, str(event.get("event.dataset") or ""), f"cannot be journalled: {why}"))
            )
        else:
            good.append(event)
    log.warning("journal: events that cannot be written became dead letters", extra={"events": len(events) - len(good)})
    return good, letters


def _plain(letter: DeadLetter) -> DeadLetter:
    """The same with text that UTF-8 can hold: what it cannot stands as an escape."""
    position = letter.record.position
    record = RawRecord(
        letter.record.data,
        _text(letter.record.source),
        type(position)(_text(position.path), _text(position.stream), position.offset, position.index),
        letter.record.received,
        _text(letter.record.peer),
        letter.record.truncated,
    )
    return DeadLetter(record, _text(letter.format), _text(letter.reason))


def _text(value: str) -> str:
    return value.encode("utf-8", "backslashreplace").decode()
