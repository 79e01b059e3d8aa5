"""Syslog as nearly all of it is written in, what it says out: each record at one look instead of thirty.

    <38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2
    <38>1 2026-11-22T10:00:00.123456+07:00 web01 sshd 871 - - Accepted publickey for an from 192.0.2.7 port 50122 ssh2
    <189>date=2026-11-22 time=10:00:00 devname="fw-tinh-01" devid="FG101F" ...          (what a message parser knows by how it begins)

What the beginning of a line stands for is remembered, as hosts and programs are few. Source of truth: what `parsers.rfc3164` and
`parsers.rfc5424` say of the same record part by part (tests/collectors/parse/test_usual.py); every other record is for them alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from collectors.event import Event, Value, event_id
from collectors.parse import timestamp
from collectors.parse.format import Context
from collectors.parse.priority import FIELDS
from collectors.parse.program import program_of
from collectors.parse.registry import opened_by, reader_of
from collectors.record import RawRecord

OLD, NEW, EITHER = (None,), ("1 ",), (None, "1 ")
"""Versions that are read: lines of RFC 3164 have none."""

_LINE = re.compile(
    r"(?:<(\d{1,3})>(1 )?)?(?:((?(2)(?!)|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d))|(\d{4}-\d\d-\d\dT[\d:.+Z-]{8,26})) "
    r"([^ %\n-][^ \n]{0,254}+(?<![:\]]) [\w.@+/()-]{1,128}+)"
    r"(?(2) (?:-|(\d{1,10})) - - \ufeff?+|(?:\[(\d{1,10})\])?: (?!%)) *+(?!message repeated )(.+)",
    re.ASCII | re.DOTALL,
).match
"""Priority, version; date of RFC 3164 or of ISO 8601; host and program; the process's number of RFC 5424 or of RFC 3164; message."""

_WITHOUT_TAG = re.compile(
    r"(?:<(\d{1,3})>)?(?:(?:([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|(\d{4}-\d\d-\d\dT[\d:.+Z-]{8,26})) ([^ %\n-][^ \n]{0,254}+(?<![:\]])) )?"
    r"([^ %]++)(.*)",
    re.ASCII | re.DOTALL,
).match
"""Priority; date of RFC 3164 or of ISO 8601; host; the message's first word, and its rest."""

_KEPT = 4_096


class _Start(NamedTuple):
    """What a line begins with: fields without and with a number of the process, in which the message is still to come; who reads it, and
    what belongs before it for that.
    """

    fields: dict[str, Value]
    of_process: dict[str, Value]
    program: str
    before: str


@lru_cache(_KEPT)
def _start(priority: str | None, version: str | None, speaker: str) -> _Start | None:
    """`38`, `1 `, `web01 sshd`; None for a priority that cannot be."""
    fields = FIELDS.get(priority) if priority else {}
    if fields is None:
        return None
    host, _, tag = speaker.partition(" ")
    program, before = ("" if tag == "-" else tag, "") if version else program_of(tag)
    named: dict[str, Value] = {"process.name": program} if program else {}
    message: dict[str, Value] = {"message": ""}
    said = named | message if version else message | named
    plain: dict[str, Value] = {**fields, "host.name": host}
    dataset: dict[str, Value] = {"event.dataset": ""}
    return _Start(plain | said | dataset, {**plain, "process.pid": 0} | said | dataset, program, before)


def read(records: Sequence[RawRecord], context: Context, versions: tuple[str | None, ...]) -> list[Event | None]:
    """The event of each record; None where it is no usual line of one of these versions."""
    encoding, zone = context.encoding, context.timezone
    received, moments = None, dict[str, datetime]()
    found: list[Event | None] = [None] * len(records)
    for at, record in enumerate(records):
        try:
            text = record.data.decode(encoding)
            line = _LINE(text)
            if record.truncated:
                continue
            if line is None:
                found[at] = _without_tag(text, record, zone) if None in versions else None
                continue
            priority, version, day, stamp, speaker, number, number_old, message = line.groups()
            start = _start(priority, version, speaker)
            message = message.rstrip("\r\n\t \0")
            if start is None or not message or version not in versions or (version is None and ": %" in message):
                continue  # the last may be Cisco's header
            if day:
                if received is not record.received:
                    received, moments = record.received, {}
                time = moments.get(day) or moments.setdefault(day, timestamp.yearless(day, record.received, zone))
            else:
                time = datetime.fromisoformat(stamp)
                if time.tzinfo is not UTC:
                    time = timestamp.to_utc(time, zone)
            if number or number_old:
                fields = start.of_process.copy()
                fields["process.pid"] = int(number or number_old)
            else:
                fields = start.fields.copy()
            fields["message"] = message
            own = reader_of(start.program)(start.before + message if start.before else message, fields)
            if own is not None:
                time = timestamp.of_message(own, time, zone) or time
            place = record.position
            found[at] = Event(
                event_id(record), time, fields, record.data, record.source, place, record.received, record.peer
            )
        except Exception:
            found[at] = None  # what is wrong with it is for those to tell who read it part by part
    return found


def _without_tag(text: str, record: RawRecord, zone: ZoneInfo) -> Event | None:
    """The event of an appliance's message that stands behind a header without program, or alone; None for any other line."""
    line = _WITHOUT_TAG(text)
    if line is None:
        return None
    priority, day, stamp, host, word, rest = line.groups()
    message = (word + rest).rstrip("\r\n\t \0")
    known = FIELDS.get(priority) if priority else {}
    if known is None or word[-1] in ":]" or ": %" in message or opened_by(message) is None:
        return None
    time = timestamp.yearless(day, record.received, zone) if day else timestamp.iso(stamp, zone) if stamp else None
    fields = known.copy()
    if host:
        fields["host.name"] = host
    fields["message"] = message
    time = timestamp.of_message(reader_of("")(message, fields), time, zone) or record.received
    return Event(
        event_id(record), time, fields, record.data, record.source, record.position, record.received, record.peer
    )
