r"""A record of PostgreSQL's csvlog in, flat ECS out.

    2026-11-22 10:00:00.123 +07,"an","hotich",871,"192.0.2.7:40022",67400f10.367,3,"SELECT",2026-11-22 09:59:58 +07,3/1,0,ERROR,42P01,
    "relation ""citizens"" does not exist",,,,,,"SELECT * FROM citizens",15,,"psql","client backend",,0        (one line in the file)

Source of truth: PostgreSQL 15, "Using CSV-Format Log Output" (26 columns since 14; 24 in 13, 23 before). Names as in
ECS's integration.

A statement may hold newlines, so a record may span lines: the file source joins lines while `FORMAT.continues(line,
open)` says that a quote is still open (quotes are doubled inside a value, so an odd number of them opens or closes),
and hands the whole record over, newlines and all. A statement that the server logs (`log_statement`,
`log_min_duration_statement`) stands in the message: it becomes `postgresql.log.query`, its time `event.duration`.
What pgaudit reports goes to `postgresql.log.audit.*`.
"""

from __future__ import annotations

import csv
import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, text_of
from collectors.record import RawRecord

_COLUMNS = (
    "@timestamp", "user.name", "postgresql.log.database", "process.pid", "", "postgresql.log.session_id",
    "postgresql.log.session_line_number", "postgresql.log.command_tag", "postgresql.log.session_start_time",
    "postgresql.log.virtual_transaction_id", "postgresql.log.transaction_id", "log.level", "postgresql.log.sql_state_code", "message",
    "postgresql.log.detail", "postgresql.log.hint", "postgresql.log.internal_query", "postgresql.log.internal_query_pos",
    "postgresql.log.context", "postgresql.log.query", "postgresql.log.query_pos", "postgresql.log.location",
    "postgresql.log.application_name", "postgresql.log.backend_type", "postgresql.log.leader_pid", "postgresql.log.query_id",
)  # fmt: skip
_COUNTS = {23, 24, 26}
_NUMBERS = {
    "process.pid",
    "postgresql.log.session_line_number",
    "postgresql.log.internal_query_pos",
    "postgresql.log.query_pos",
}
_FROM, _MESSAGE, _STATE = 4, 13, 12
_STATEMENT = re.compile(
    r"(?:duration: (\d{1,12})\.(\d{3}) ms)?(?:  )?(?:(?:statement|(?:execute|parse|bind) [^:]{1,256}): (.*))?",
    re.DOTALL | re.ASCII,
)
_CONNECTION = re.compile(r"connection (received|authorized|authenticated)|disconnection")
_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z+-][A-Z0-9:]{1,5},")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One record, with the newlines that its quotes hold. Raises: ParseError."""
    text = text_of(record.data, context)
    row = _row(text)
    if len(row) not in _COUNTS:
        raise ParseError(f"{len(row)} columns; a csvlog of PostgreSQL 9 to 17 has 23, 24 or 26: {excerpt(text)}")
    time = timestamp.abbreviated(row[0], context.timezone)
    fields: dict[str, Value] = {"event.dataset": "postgresql.log", "event.category": "database"}
    for name, value in zip(_COLUMNS[1:], row[1:], strict=False):
        if value and name:
            if name in _NUMBERS:
                fields[name] = _number(value, name)
            else:
                fields[name] = value
    peer = row[_FROM]
    if peer and peer != "[local]":
        host, colon, at = peer.rpartition(":")
        put_source(fields, host if colon else peer, at if colon else "")
    _outcome(row[_MESSAGE], row[_STATE], fields)
    return Parsed(time, fields)


def _row(text: str) -> list[str]:
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise ParseError(f"not CSV ({error}): {excerpt(text)}") from error
    if len(rows) != 1:
        raise ParseError(f"{len(rows)} CSV records: {excerpt(text)}")
    return rows[0]


def _number(value: str, name: str) -> int:
    whole = number(value)
    if whole is None:
        raise ParseError(f"{name} is no number: {excerpt(value)}")
    return whole


def _outcome(message: str, state: str, fields: dict[str, Value]) -> None:
    """What happened: a statement, a connection, a refused password; `event.outcome` by the SQLSTATE's class (00: success)."""
    if state in ("28P01", "28000"):
        fields["event.action"] = "database-login"
        fields["event.category"] = "authentication"
        fields["event.outcome"] = "failure"
    elif state and state[:2] != "00":
        fields["event.action"] = "database-error"
        fields["event.outcome"] = "failure"
    elif connection := _CONNECTION.match(message):
        fields["event.action"] = f"database-{connection[0].replace(' ', '-')}"
        if connection[1] == "authorized":
            fields["event.action"] = "database-login"
            fields["event.category"] = "authentication"
            fields["event.outcome"] = "success"
    elif message.startswith("AUDIT: "):
        _audit(message[7:], fields)
    elif (statement := _STATEMENT.match(message)) and statement[0]:
        if statement[1]:
            fields["event.duration"] = int(statement[1]) * 1_000_000 + int(statement[2]) * 1000
        if statement[3]:
            fields["event.action"] = "database-statement"
            fields["postgresql.log.query"] = statement[3]


def _audit(text: str, fields: dict[str, Value]) -> None:
    """pgaudit: `SESSION,1,1,READ,SELECT,TABLE,public.citizen,SELECT * FROM citizen,<none>`."""
    try:
        row = next(csv.reader([text], strict=True), [])
    except csv.Error:
        return
    if len(row) < 8:
        return
    fields["event.action"] = "database-audit"
    kind, _, _, group, command, object_type, name, statement = row[:8]
    for key, value in (
        ("type", kind),
        ("class", group),
        ("command", command),
        ("object_type", object_type),
        ("object_name", name),
    ):
        if value:
            fields[f"postgresql.log.audit.{key}"] = value
    if statement and statement != "<previously logged>":
        fields["postgresql.log.query"] = statement


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002  the word of the field
    return open ^ bool(line.count(b'"') & 1)


def _sniff(sample: bytes) -> float:
    return 1.0 if _SNIFFED.match(sample) else 0.0


FORMAT = Format(
    "postgresql-csv",
    "PostgreSQL csvlog",
    parse,
    _sniff,
    _continues,
    gives=(
        Gives(
            "postgresql.log",
            "authentication database",
            "event.action event.duration event.outcome log.level message postgresql.log.* process.pid "
            "source.domain source.ip source.port user.name",
        ),
    ),
)
