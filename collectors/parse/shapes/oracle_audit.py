"""A row of Oracle's UNIFIED_AUDIT_TRAIL as JSON in, flat ECS out.

    {"EVENT_TIMESTAMP_UTC":"2026-11-22T03:00:00.123456","DBUSERNAME":"HR","ACTION_NAME":"SELECT","RETURN_CODE":0,"OBJECT_NAME":"LUONG",
     "OS_USERNAME":"an","USERHOST":"pc-41","SQL_TEXT":"SELECT * FROM luong"}

Source of truth: Oracle Database 19c to 23ai Reference, "UNIFIED_AUDIT_TRAIL"; names as in Elastic's integration (oracle.database_audit).
The time is that of EVENT_TIMESTAMP_UTC, else EVENT_TIMESTAMP, taken as UTC where it says no zone. A return code is an ORA number.
"""

from __future__ import annotations

from collectors.parse.ecs import integer
from collectors.parse.format import Gives, Parsed
from collectors.parse.oracle import FIELDS, finish
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import Document, Shape, moment, put_address

_AUDIT = Prefixed(
    "oracle.database_audit.",
    {
        "event_timestamp_utc": "", "event_timestamp": "", "dbusername": "user.name", "current_user": "user.effective.name",
        "sql_text": "oracle.database_audit.query", "object_schema": "oracle.database_audit.schema",
        "object_name": "oracle.database_audit.object", "action_name": "", "return_code": "", "client_program_name": "process.name",
        "userhost": "",
    },
)  # fmt: skip


def _read(document: Document) -> Parsed:
    """A row as JDBC pipelines write it, in lower case. Raises: ParseError."""
    fields, said = _AUDIT.read(document)
    put_address(fields, "source", said.get("userhost"))
    code = integer(said.get("return_code"))
    finish(fields, text(said, "action_name"), code if isinstance(code, int) else None)
    return Parsed(moment(said, "event_timestamp_utc", "event_timestamp"), fields)


def _read_upper(document: Document) -> Parsed:
    """A row as the database names its columns."""
    return _read({name.lower(): value for name, value in document.items()})


_GIVES = (Gives("oracle.database_audit", "authentication database iam", FIELDS),)
SHAPES = (
    Shape("dbusername action_name return_code", _read, _GIVES),
    Shape("DBUSERNAME ACTION_NAME RETURN_CODE", _read_upper, _GIVES),
)
