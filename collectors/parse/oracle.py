"""A row of Oracle's unified audit, or what a record has of one, in; flat ECS out: for its rows as JSON and XML and its syslog records.

Source of truth: Oracle Database 19c to 23ai Reference, "UNIFIED_AUDIT_TRAIL" and the view AUDIT_ACTIONS; error messages ORA-01017 and its
like; names as in Elastic's integration (oracle.database_audit). The time is that of EVENT_TIMESTAMP_UTC, else EVENT_TIMESTAMP, taken as UTC
where it says no zone. A return code is an ORA number. The client's address stands amid how it was authenticated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.event import Value
from collectors.parse.ecs import integer
from collectors.parse.format import Parsed
from collectors.parse.network import put_end
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import moment, put_address

FIELDS = (
    "error.code event.action event.outcome oracle.database_audit.* process.name source.domain source.ip source.port user.effective.name "
    "user.name"
)
_AUDIT = Prefixed(
    "oracle.database_audit.",
    {
        "event_timestamp_utc": "", "event_timestamp": "", "dbusername": "user.name", "current_user": "user.effective.name",
        "sql_text": "oracle.database_audit.query", "object_schema": "oracle.database_audit.schema",
        "object_name": "oracle.database_audit.object", "action_name": "", "return_code": "", "client_program_name": "process.name",
        "userhost": "",
    },
)  # fmt: skip
_CLIENT = re.compile(r"\(HOST=([0-9A-Fa-f.:]{2,45}+)\)\(PORT=(\d{1,5}+)\)")
ACTIONS = {
    "1": "CREATE TABLE", "2": "INSERT", "3": "SELECT", "6": "UPDATE", "7": "DELETE", "12": "DROP TABLE", "15": "ALTER TABLE",
    "17": "GRANT", "18": "REVOKE", "30": "AUDIT", "31": "NOAUDIT", "43": "ALTER USER", "44": "COMMIT", "45": "ROLLBACK",
    "47": "PL/SQL EXECUTE",
    "49": "ALTER SYSTEM", "51": "CREATE USER", "52": "CREATE ROLE", "53": "DROP USER", "54": "DROP ROLE", "85": "TRUNCATE TABLE",
    "100": "LOGON", "101": "LOGOFF", "102": "LOGOFF BY CLEANUP", "116": "EXECUTE PROCEDURE",
}  # fmt: skip
"""The numbers that a syslog record has instead of names."""
_IAM = frozenset({"GRANT", "REVOKE", "ALTER USER", "CREATE USER", "CREATE ROLE", "DROP USER", "DROP ROLE"})


def read_row(row: Mapping[str, object]) -> Parsed:
    """A row by the names of its columns in lower case. Raises: ParseError."""
    fields, said = _AUDIT.read(dict(row))
    put_address(fields, "source", said.get("userhost"))
    if client := _CLIENT.search(text(said, "authentication_type") or text(said, "comment_text")):
        put_end(fields, "source", client[1], client[2])
    code = integer(said.get("return_code"))
    finish(fields, text(said, "action_name"), code if isinstance(code, int) else None)
    return Parsed(moment(said, "event_timestamp_utc", "event_timestamp"), fields)


def finish(fields: dict[str, Value], action: str, code: int | None) -> None:
    """Set dataset, category, action and outcome."""
    fields["event.dataset"] = "oracle.database_audit"
    fields["event.category"] = (
        "authentication" if action.startswith("LOGON") else "iam" if action in _IAM else "database"
    )
    if action:
        fields["event.action"] = action.lower().replace(" ", "-")
    if code is not None:
        fields["event.outcome"] = "success" if code == 0 else "failure"
        if code:
            fields["error.code"] = f"ORA-{code:05}"
