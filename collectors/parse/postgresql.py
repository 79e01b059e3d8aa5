"""What a message of PostgreSQL's log means in, ECS fields out, for csvlog and jsonlog alike.

Source of truth: PostgreSQL 17 documentation, "Error Reporting and Logging", appendix "PostgreSQL Error Codes"; pgaudit 17, "Format".
"""

from __future__ import annotations

import csv
import re

from collectors.event import Value
from collectors.parse.format import Gives

GIVES = Gives(
    "postgresql.log",
    "authentication database",
    "event.action event.duration event.outcome log.level message postgresql.log.* process.pid source.domain source.ip source.port "
    "user.name",
)
_STATEMENT = re.compile(
    r"(?:duration: (\d{1,12})\.(\d{3}) ms)?(?:  )?(?:(?:statement|(?:execute|parse|bind) [^:]{1,256}): (.*))?",
    re.DOTALL | re.ASCII,
)
_CONNECTION = re.compile(r"connection (received|authorized|authenticated)|disconnection")


def outcome(message: str, state: str, fields: dict[str, Value]) -> None:
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
