"""An entry of systemd's journal as JSON in, flat ECS out: what `journalctl -o json` prints and systemd-journal-upload
sends.

    {"__REALTIME_TIMESTAMP":"1795316400123456","_HOSTNAME":"web01","SYSLOG_IDENTIFIER":"sshd","_PID":"871","PRIORITY":"6","MESSAGE":"..."}

Source of truth: systemd 252, systemd.journal-fields(7) and "Journal Export Formats": values are text, bytes that are
not UTF-8 stand as a list of numbers, a field that comes twice is a list. Debian 12 keeps sshd's and sudo's messages
here where no syslog daemon is installed; they are read as they are in syslog. What the journal vouches for
(`_SYSTEMD_UNIT`, `_UID`, `_EXE`, `_CMDLINE`) is kept, other fields are not.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import msgspec

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines
from collectors.parse.registry import read_message
from collectors.record import RawRecord

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SNIFFED = re.compile(rb'\s*\{.*"__REALTIME_TIMESTAMP"\s*:', re.DOTALL)
_TEXTS = {
    "_HOSTNAME": "host.name",
    "_MACHINE_ID": "host.id",
    "_UID": "process.user.id",
    "_EXE": "process.executable",
    "_CMDLINE": "process.command_line",
    "_SYSTEMD_UNIT": "systemd.unit",
    "_TRANSPORT": "systemd.transport",
    "MESSAGE_ID": "log.syslog.msgid",
}
_CODES = {"PRIORITY": "log.syslog.severity.code", "SYSLOG_FACILITY": "log.syslog.facility.code"}

_decode = msgspec.json.Decoder(dict[str, object]).decode


def parse(record: RawRecord, context: Context) -> Parsed:  # noqa: ARG001  a journal's time has its zone
    """One entry. Raises: ParseError."""
    try:
        entry = _decode(record.data)
    except RecursionError as error:
        raise ParseError("nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise ParseError(f"not a JSON object: {str(error)[:120]}") from error
    stamp = number(_text(entry, "__REALTIME_TIMESTAMP"))
    if stamp is None:
        raise ParseError(f"no time in microseconds since 1970: {excerpt(_text(entry, '__REALTIME_TIMESTAMP'))}")
    try:
        time = _EPOCH + timedelta(microseconds=stamp)
    except OverflowError as error:
        raise ParseError(f"time {stamp} lies outside the years 1 to 9999") from error
    fields: dict[str, Value] = {}
    for name, field in _TEXTS.items():
        if text := _text(entry, name):
            fields[field] = text
    for name, field in _CODES.items():
        if (code := number(_text(entry, name))) is not None:
            fields[field] = code
    if (pid := number(_text(entry, "_PID") or _text(entry, "SYSLOG_PID"))) is not None:
        fields["process.pid"] = pid
    program = _text(entry, "SYSLOG_IDENTIFIER") or _text(entry, "_COMM")
    if program:
        fields["process.name"] = program
    message = _text(entry, "MESSAGE").strip(" ")
    if message:
        fields["message"] = message
    read_message(program, message, fields)
    return Parsed(time, fields)


def _text(entry: dict[str, object], name: str) -> str:
    """A field's text; of a list of numbers the bytes that it spells, of a list of texts the first."""
    value = entry.get(name)
    if isinstance(value, list):
        if value and all(isinstance(each, int) and 0 <= each < 256 for each in value):
            return bytes(value).decode("utf-8", "backslashreplace")
        value = value[0] if value else ""
    return value if isinstance(value, str) else ""


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "journald",
    "systemd journal as JSON (journalctl -o json)",
    parse,
    _sniff,
    header="log.syslog.* message process.name process.pid host.id process.command_line process.executable process.user.id systemd.*",
)
