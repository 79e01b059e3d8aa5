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
from collectors.parse.format import Context, Format, Parsed, excerpt, text_of
from collectors.parse.postgresql import GIVES, outcome
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
    outcome(row[_MESSAGE], row[_STATE], fields)
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
    gives=(GIVES,),
)
