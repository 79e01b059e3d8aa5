"""A line of clamd's or freshclam's own log file in, flat ECS out.

    Sun Nov 22 10:00:00 2026 -> /srv/hoso/bien-lai.pdf.exe: Win.Trojan.Agent-7001 FOUND

Source of truth: ClamAV 1.0 `common/output.c` (logg, `LogTime yes`; local time; `!` marks an error, `^` a warning). What follows the
arrow is read as behind syslog (`collectors.parse.messages.clamav`).
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.registry import read_message
from collectors.record import RawRecord

_LINE = re.compile(r"([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}) -> [\^!*]?(.*)", re.DOTALL | re.ASCII)
_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4} -> ")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.fullmatch(text)
    if match is None:
        raise ParseError(f"not a line of ClamAV's log: {excerpt(text)}")
    time = timestamp.asctime(match[1], context.timezone)
    fields: dict[str, Value] = {"message": match[2]}
    read_message("clamd", match[2], fields)
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


_GIVES = Gives(
    "clamav",
    "configuration malware",
    (
        "clamav.* event.action event.kind event.outcome event.reason file.hash.* file.path file.size log.level "
        "message source.ip source.port threat.software.name"
    ),
)

FORMAT = Format("clamav", "ClamAV's own log file", parse, _sniff, gives=(_GIVES,))
