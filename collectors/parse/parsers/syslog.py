"""A syslog message of either kind in, flat ECS out: RFC 5424 where `1 ` follows the priority, RFC 3164 otherwise.

For listeners and files in which both arrive: the version digit is what tells them apart (RFC 5424 §6.2.2; in RFC 3164
a month follows).
"""

from __future__ import annotations

from functools import partial

from collectors.parse import usual
from collectors.parse.format import Context, Format, Parsed, text_of
from collectors.parse.parsers import rfc3164, rfc5424
from collectors.record import RawRecord

_START_LENGTH = len("<191>1 ")
_LESS_SURE = 0.9
"""A file of one kind is better named by that kind."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One message. Raises: ParseError."""
    text = text_of(record.data, context)
    if ">1 " in text[:_START_LENGTH]:
        return rfc5424.read(text, context)
    return rfc3164.any_line(text, record, context)


def _sniff(sample: bytes) -> float:
    return _LESS_SURE * min(1.0, rfc3164.FORMAT.sniff(sample) + rfc5424.FORMAT.sniff(sample))


FORMAT = Format(
    "syslog",
    "syslog, RFC 3164 or RFC 5424 line by line",
    parse,
    _sniff,
    header="log.syslog.* message process.name process.pid",
    usual=partial(usual.read, versions=usual.EITHER),
)
