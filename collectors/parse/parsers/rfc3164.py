"""A BSD syslog line in, flat ECS out: RFC 3164, with the ISO 8601 stamp that rsyslog on Debian 12 and later writes in
place of its own.

    <38>Nov 22 10:00:00 web01 sshd[871]: Accepted publickey for an from 192.0.2.7 port 50122 ssh2: ED25519 SHA256:...
    2026-11-22T10:00:00.123456+07:00 web01 sudo:       an : TTY=pts/0 ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/id

Source of truth: RFC 3164 §4, rsyslog's RSYSLOG_TraditionalFileFormat and RSYSLOG_FileFormat. The `<PRI>` and the host
may be missing (files and local sockets leave them out). A message with a `<PRI>` but no date is all content, as
§4.3.3 wants; a line with neither is refused. Red Hat's old tag `sshd(pam_unix)[871]:` is read as sshd with a message
of pam_unix. `message repeated 2 times: [ ... ]` keeps the number in `syslog.repeated` and is read as the message that
it repeats. Cisco's own header before a message is read too (`collectors.parse.cisco_header`), and an appliance's message
that stands alone (`date=2026-11-22 time=...`, `CEF:0|...`), with its own time.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import cisco_header, timestamp, usual
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.priority import priority
from collectors.parse.program import program_of
from collectors.parse.registry import opened_by, read_message
from collectors.record import RawRecord

_STAMP_LENGTH = len("Nov 22 10:00:00")
_DAY_LENGTH = len("2026-11-22")
_DATES = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_OTHER_STAMP = re.compile(
    r"([A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d{1,9})?)([+-]\d\d:\d\d)?:? ?", re.ASCII
)
_PROGRAM = re.compile(r"[\w./%()@+-]{1,128}")
_REPEATED = "message repeated "
_HEADER = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\d{1,3}>)?[*.]?(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S{0,17} )"
    rb"|<\d{1,3}>(?:\d{1,18}: |: |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
)
_PRIORITY = re.compile(rb"(?:\xef\xbb\xbf)?(?:<\d{1,3}>)?")
_OPENING_LENGTH = 64


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    return any_line(text_of(record.data, context), record, context)


def any_line(text: str, record: RawRecord, context: Context) -> Parsed:
    """A line with whatever stands or is missing before its message, part by part. Raises: ParseError."""
    fields, at = priority(text)
    time, rest = None, text[at:] if at else text
    if rest[:1] in _DATES:
        try:
            time, rest = _stamp(text, at, record, context)
        except ParseError:
            if not at and opened_by(text) is None:
                raise
        else:
            host, blank, after = rest.partition(" ")
            if (
                blank and host[-1:] not in (":", "]") and host[:1] != "%"
            ):  # otherwise it is left out and this is the tag
                if host not in ("", "-"):
                    fields["host.name"] = host
                rest = after
            if rest[:2] == ": ":  # Cisco's "asa01 : %ASA-6-302013: Built ..."
                rest = rest[2:]
    elif not at and opened_by(text) is None:
        raise ParseError(f"no date: {excerpt(text)}")
    begins = cisco_header.message_at(rest)
    if begins >= 0:
        if begins:
            time = cisco_header.read(rest[:begins], time, record.received, context.timezone, fields)
        fields["message"] = rest[begins:]
        own = read_message("", rest[begins:], fields)
    else:
        own = _content(rest, fields)
    return Parsed(timestamp.of_message(own, time, context.timezone), fields)


def _stamp(text: str, at: int, record: RawRecord, context: Context) -> tuple[datetime, str]:
    """The date that begins at `at`, and what follows it. Raises: ParseError where none does."""
    end = at + _STAMP_LENGTH
    if "0" <= text[at : at + 1] <= "9":
        end = text.find(" ", at)
        if end == at + _DAY_LENGTH:
            end = text.find(" ", end + 1)
        end = end if end > 0 else len(text)
        return timestamp.iso(text[at:end], context.timezone), text[end + 1 :]
    if text[end : end + 1] in (" ", ""):
        return timestamp.yearless(text[at:end], record.received, context.timezone), text[end + 1 :]
    other = _OTHER_STAMP.match(text, at)
    if other is None:
        raise ParseError(f"no date: {excerpt(text[at:])}")
    moment = timestamp.yearless(other[1], record.received, context.timezone)
    if other[2]:
        local = moment.astimezone(context.timezone).replace(tzinfo=None)
        moment = timestamp.iso(f"{local.isoformat()}{other[2]}", context.timezone)
    return moment, text[other.end() :]


def _content(rest: str, fields: dict[str, Value]) -> datetime | None:
    """Tag and message: `sshd[871]: text`, `kernel: text`, or text alone. Returns the moment that the message itself says."""
    tag, blank, message = rest.partition(" ")
    if tag[-1:] == ":" and len(tag) > 1:
        tag = tag[:-1]
    elif not blank or tag[-1:] != "]" or tag[:1] == "[":
        tag, message = _tag_without_blank(rest)
    if message[:1] == " ":
        message = message.lstrip(" ")
    program = tag
    if tag[-1:] == "]":
        name, _, pid = tag.partition("[")
        program, pid = name or tag, pid[:-1]
        if pid.isdigit() and pid.isascii() and len(pid) <= 10:
            fields["process.pid"] = int(pid)
    return _said(program, message, fields)


def _said(program: str, message: str, fields: dict[str, Value]) -> datetime | None:
    """What a program says. Returns the moment that the message itself says."""
    fields["message"] = message
    if program:
        program, before = program_of(program)
        fields["process.name"] = program
        message = before + message
    if message[:1] == "m" and message.startswith(_REPEATED):
        message = _repeated(message, fields)
    return read_message(program, message, fields)


def _tag_without_blank(rest: str) -> tuple[str, str]:
    """`prog:text` and `prog[1]:text`; an address like `http://` is no tag, nor is a word without colon."""
    if opened_by(rest) is not None:
        return "", rest
    tag, colon, message = rest[:200].partition(":")
    if colon and message[:1] not in ("/", "") and _PROGRAM.fullmatch(tag.partition("[")[0]):
        return tag, rest[len(tag) + 1 :]
    return "", rest


def _repeated(message: str, fields: dict[str, Value]) -> str:
    """rsyslog's `message repeated 3 times: [ text]`: the text; the number goes to `syslog.repeated`."""
    number, found, text = message[len(_REPEATED) :].partition(" times: [")
    if not found or not (number.isascii() and number.isdigit() and len(number) <= 9):
        return message
    fields["syslog.repeated"] = int(number)
    return text.removesuffix("]").strip(" ")


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, lambda line: _HEADER.match(line) or _opened(line))


def _opened(line: bytes) -> bool:
    """Whether it is a message of an appliance that writes no header, `<189>date=2026-11-22 time=...`."""
    at = _PRIORITY.match(line).end()  # type: ignore[union-attr]  # it matches anything
    return opened_by(line[at : at + _OPENING_LENGTH].decode("latin-1")) is not None


FORMAT = Format(
    "rfc3164",
    "BSD syslog (RFC 3164), also with ISO 8601 dates",
    parse,
    _sniff,
    header="log.syslog.* message process.name process.pid",
    usual=partial(usual.read, versions=usual.OLD),
)
