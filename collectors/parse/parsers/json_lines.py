"""A JSON object of a line in, flat ECS out, whichever of these shapes it has.

    {"@timestamp": "2026-11-22T10:00:00+07:00", "event": {"dataset": "egov.audit", "action": "approve"}, "egov": {"amount": 7}}
    {"@timestamp": "2026-11-22T10:00:00+07:00", "event.dataset": "egov.audit", "event.action": "approve", "egov.amount": 7}

ECS nested or with dotted names (`egov.audit`, our schema for the province's applications, is such), Winlogbeat
(`collectors.parse.winlogbeat`), flat Windows events (`collectors.parse.windows_lines`), events of `evtx_dump -o jsonl`, and
any other object ("json"). Source of truth: RFC 8259, ECS 8.17. The time is `@timestamp` (a text of ISO 8601 or seconds, milli-, micro- or
nanoseconds since 1970); one that cannot be read is a ParseError, as the order of events rests on it. Objects without
it: `timestamp`, `time`, `ts`, `datetime` where they hold a time, else the time of receipt. What services write in a shape of
their own (cloud audit logs, Kubernetes, ...) is read by `collectors.parse.shapes`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp, windows_event, windows_lines, winlogbeat
from collectors.parse.flat import flatten
from collectors.parse.format import ANY, Context, Format, Gives, Parsed, excerpt, share_of_lines
from collectors.parse.shaped import read_shaped
from collectors.record import RawRecord

_BOM = b"\xef\xbb\xbf"
_OTHER_TIMES = ("timestamp", "time", "ts", "datetime")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNIFFED = re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*(?:"|\})|\[\s*\{)')
_LESS_SURE = 0.8
"""A more special JSON format names a file better."""

_decode = msgspec.json.Decoder(dict[str, object]).decode


def parse(record: RawRecord, context: Context) -> Parsed:
    """One object. Raises: ParseError."""
    data = record.data
    try:
        document = _decode(data[3:] if data[:3] == _BOM else data)
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ParseError(f"not a JSON object: {str(error)[:120]}") from error
    if "Event" in document and _is_event(document["Event"]):
        return windows_event.read(windows_event.convert(document), context)
    try:
        return _read(document, context)
    except ValueError as error:
        raise ParseError("a number of more than 4,300 digits") from error


def _read(document: dict[str, object], context: Context) -> Parsed:
    if windows_lines.is_flat(document):
        return windows_lines.read_flat(document, context)
    shaped = read_shaped(document)
    if shaped is not None:
        return shaped
    event_data = winlogbeat.take_event_data(document)
    fields = flatten(document)
    time = _time(fields, context)
    if event_data or winlogbeat.is_winlogbeat(fields):
        return Parsed(time, winlogbeat.read_winlogbeat(fields, event_data))
    fields.setdefault("event.dataset", "json")
    return Parsed(time, fields)


def _is_event(value: object) -> bool:
    return isinstance(value, dict) and "System" in value


def _time(fields: dict[str, Value], context: Context) -> datetime | None:
    stamp = fields.pop("@timestamp", None)
    if stamp is not None:
        return _moment(stamp, context)
    for name in _OTHER_TIMES:
        if name in fields:
            try:
                return _moment(fields[name], context)
            except ParseError:
                continue
    return None


def _moment(stamp: Value, context: Context) -> datetime:
    if isinstance(stamp, str):
        return timestamp.iso(stamp, context.timezone)
    if isinstance(stamp, bool) or not isinstance(stamp, int | float):
        raise ParseError(f"not a time: {excerpt(str(stamp))}")
    seconds = abs(stamp)
    scale = 1 if seconds < 1e11 else 1_000 if seconds < 1e14 else 1_000_000 if seconds < 1e17 else 1_000_000_000
    try:
        return _EPOCH + timedelta(microseconds=stamp * (1_000_000 // scale) if scale <= 1_000_000 else stamp // 1_000)
    except (OverflowError, ValueError) as error:
        raise ParseError(f"time {stamp} lies outside the years 1 to 9999") from error


def _sniff(sample: bytes) -> float:
    return _LESS_SURE * share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "json",
    "JSON lines: ECS, Winlogbeat, flat Windows events, egov.audit, any other object",
    parse,
    _sniff,
    gives=(Gives(ANY, ANY, ANY),),
)
