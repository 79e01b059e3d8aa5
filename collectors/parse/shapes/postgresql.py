"""A record of PostgreSQL's jsonlog in, flat ECS out.

    {"timestamp":"2026-11-22 10:00:00.123 +07","user":"an","dbname":"hotich","pid":871,"remote_host":"192.0.2.7","remote_port":40022,
     "session_id":"67400f10.367","line_num":3,"ps":"SELECT","error_severity":"ERROR","state_code":"42P01","message":"relation ..."}

Source of truth: PostgreSQL 15 to 17, "Using JSON-Format Log Output". Fields, statements, durations and pgaudit as in csvlog
(`collectors.parse.postgresql`). A time zone that PostgreSQL abbreviates has to be UTC, GMT or a number, as of Asia/Ho_Chi_Minh (+07).
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collectors.parse import timestamp
from collectors.parse.ecs import plain, put_source
from collectors.parse.format import Parsed
from collectors.parse.postgresql import GIVES, outcome
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import Document, Shape

_P = "postgresql.log."
_LOG = Prefixed(
    _P,
    {
        "timestamp": "", "user": "user.name", "dbname": f"{_P}database", "pid": "process.pid", "remote_host": "", "remote_port": "",
        "line_num": f"{_P}session_line_number", "ps": f"{_P}command_tag", "session_start": f"{_P}session_start_time",
        "vxid": f"{_P}virtual_transaction_id", "txid": f"{_P}transaction_id", "error_severity": "log.level",
        "state_code": f"{_P}sql_state_code", "message": "message", "internal_position": f"{_P}internal_query_pos",
        "statement": f"{_P}query", "cursor_position": f"{_P}query_pos",
    },
)  # fmt: skip
_UTC = ZoneInfo("UTC")


def _read(document: Document) -> Parsed:
    """One record. Raises: ParseError."""
    fields, said = _LOG.read(document)
    fields["event.dataset"] = GIVES.dataset
    fields["event.category"] = "database"
    host, at = text(said, "remote_host"), said.get("remote_port")
    if host and host != "[local]":
        put_source(fields, host, "" if at is None else plain(at))
    outcome(text(said, "message"), text(said, "state_code"), fields)
    return Parsed(timestamp.abbreviated(text(said, "timestamp"), _UTC), fields)


SHAPES = (Shape("timestamp pid session_id line_num error_severity", _read, (GIVES,)),)
