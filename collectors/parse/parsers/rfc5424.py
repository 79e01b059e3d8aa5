r"""A syslog message of RFC 5424 in, flat ECS out.

    <165>1 2026-11-22T03:00:00.003Z web01 payroll 871 ID47 [origin@32473 user="an" note="a \"b\" \]"] Salary table exported

Source of truth: RFC 5424 §6. NIL (`-`) is an absent field and a NIL date is the time of receipt; structured data
becomes `log.syslog.structured_data.<id>.<name>`, a name that comes twice a list; the byte order mark of a UTF-8
message goes. A date without zone, which the RFC forbids and some appliances send, is the site's local time.
"""

from __future__ import annotations

import re
from functools import partial

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp, usual
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.priority import FIELDS, priority
from collectors.parse.registry import read_message
from collectors.record import RawRecord

_HEADER = re.compile(rb"(?:\xef\xbb\xbf)?<\d{1,3}>1 (?:-|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,17}) \S+ \S+ \S+ \S+ [-\[]")
_ELEMENT = re.compile(r'\[([^ =\]"]{1,256})')
_PARAM = re.compile(r' +([^ =\]"]{1,256})="((?:[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(["\\\]])')
_PAIRS = re.compile(r'\[\w{1,64}:"')
"""Check Point puts its pairs where structured data stands, in a form of its own: `[action:"Accept"; ...]` is the message."""
_BEFORE = (" ", "\ufeff")
_STARTS = {f"<{code}>1": fields for code, fields in FIELDS.items()}
_SD = "log.syslog.structured_data."


def parse(record: RawRecord, context: Context) -> Parsed:
    """One message. Raises: ParseError."""
    return read(text_of(record.data, context), context)


def read(text: str, context: Context) -> Parsed:
    """The text of one message. Raises: ParseError."""
    parts = text.split(" ", 6)
    known = _STARTS.get(parts[0])
    if known is None or len(parts) < 6:
        raise _not_a_header(text)
    fields = known.copy()
    _, stamp, host, program, pid, message_id, rest = parts if len(parts) == 7 else (*parts, "-")
    time = None if stamp == "-" else timestamp.iso(stamp, context.timezone)
    if host != "-":
        fields["host.name"] = host
    if message_id != "-":
        fields["log.syslog.msgid"] = message_id
    if pid != "-":
        if pid.isascii() and pid.isdigit() and len(pid) <= 10:
            fields["process.pid"] = int(pid)
        else:
            fields["log.syslog.procid"] = pid
    message = rest[2:] if rest[:2] in ("- ", "-") else _structured_data(rest, fields)
    if message[:1] in _BEFORE:
        message = message.removeprefix("\ufeff").lstrip(" ")
    program = "" if program == "-" else program
    if program:
        fields["process.name"] = program
    if message:
        fields["message"] = message
    own = read_message(program, message, fields)
    return Parsed(time if own is None else timestamp.of_message(own, time, context.timezone), fields)


def _not_a_header(text: str) -> ParseError:
    """Why."""
    try:
        _, at = priority(text)
    except ParseError as error:
        return error
    return ParseError(f"{'not the header of RFC 5424' if at else 'no priority'}: {excerpt(text)}")


def _structured_data(rest: str, fields: dict[str, Value]) -> str:
    """Add the structured data that `rest` begins with; returns the message after it. Raises: ParseError."""
    if _PAIRS.match(rest):
        return rest
    at = 0
    while element := _ELEMENT.match(rest, at):
        at, name = element.end(), element[1]
        while param := _PARAM.match(rest, at):
            at = param.end()
            value = param[2]
            _add(fields, f"{_SD}{name}.{param[1]}", _ESCAPE.sub(r"\1", value) if "\\" in value else value)
        if rest[at : at + 1] != "]":
            raise ParseError(f"structured data is not closed: {excerpt(rest[at:])}")
        at += 1
    if not at or rest[at : at + 1] not in (" ", ""):
        raise ParseError(f"no structured data where it should stand: {excerpt(rest[at:])}")
    return rest[at + 1 :]


def _add(fields: dict[str, Value], name: str, value: str) -> None:
    known = fields.get(name)
    if known is None:
        fields[name] = value
    elif isinstance(known, list):
        known.append(value)  # type: ignore[arg-type]  # a list that this function made, of text only
    else:
        fields[name] = [str(known), value]


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _HEADER.match)


FORMAT = Format(
    "rfc5424",
    "syslog (RFC 5424)",
    parse,
    _sniff,
    header="log.syslog.* message process.name process.pid",
    usual=partial(usual.read, versions=usual.NEW),
)
