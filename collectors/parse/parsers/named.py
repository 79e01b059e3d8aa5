"""A line of BIND's own log file in, flat ECS out.

    22-Nov-2026 10:00:00.123 queries: info: client @0x7f3c00 192.0.2.7#50122 (www.example.vn): query: www.example.vn IN A + (10.20.0.53)

Source of truth: BIND 9.18 "Administrator Reference Manual", logging: a channel with `file` and `print-time yes` (local time) or `iso8601`;
category and severity stand where the channel prints them. What follows is read as behind syslog (`collectors.parse.messages.named`).
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.dns import QUESTION
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.registry import read_message
from collectors.record import RawRecord

_LOCAL = r"(\d\d)-([A-Z][a-z]{2})-(\d{4}) (\d\d:\d\d:\d\d\.\d{3})"
_LINE = re.compile(rf"(?:{_LOCAL}|(\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z?)) (.*)", re.DOTALL | re.ASCII)
_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z?) "
    rb"(?:[a-z-]{2,24}: )?(?:(?:info|notice|warning|error|critical|debug \d{1,3}): )?(?:client |zone |received |running|loading|listening)"
)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.fullmatch(text)
    if match is None:
        raise ParseError(f"not a line of BIND's log: {excerpt(text)}")
    day, month, year, clock, iso, message = match.groups()
    if iso is None:
        if month not in timestamp.MONTHS:
            raise ParseError(f"no month: {excerpt(month)}")
        iso = f"{year}-{timestamp.MONTHS[month]:02}-{day}T{clock}"
    time = timestamp.iso(iso, context.timezone)
    fields: dict[str, Value] = {"process.name": "named", "message": message}
    read_message("named", message, fields)
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


_GIVES = Gives(
    "named",
    "network",
    f"bind.* {QUESTION} destination.ip dns.response_code event.action event.outcome event.reason event.type log.level log.logger message "
    "process.name rule.name source.ip source.port",
)

FORMAT = Format("named", "BIND's own log file", parse, _sniff, gives=(_GIVES,))
