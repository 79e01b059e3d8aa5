"""A record of the audit log of MySQL Enterprise or Percona Server as JSON in, flat ECS out.

    {"timestamp":"2026-11-22 03:00:00","id":0,"class":"connection","event":"connect","connection_id":12,
     "account":{"user":"an","host":"%"},"login":{"user":"an","os":"","ip":"10.20.9.41","proxy":""},"connection_data":{"status":1045}}

Source of truth: MySQL 8.4 Reference Manual, "Audit Log File Formats" (JSON; UTC), Percona "Audit Log Filter format - JSON"; names as in
Elastic's integration (mysqlenterprise.audit). A status that is not 0 is the number of an error. Where the file holds one array that is
written over several lines, its format is `json-pretty`.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collectors.parse import timestamp
from collectors.parse.ecs import integer
from collectors.parse.format import Gives, Parsed
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import Document, Shape

_P = "mysqlenterprise.audit."
_AUDIT = Prefixed(
    _P,
    {
        "timestamp": "", "login.ip": "source.ip", "account.user": "user.name", "login.user": "user.name",
        "general_data.query": f"{_P}query", "table_access_data.query": f"{_P}query", "query_data.query": f"{_P}query",
        "connection_data.db": f"{_P}db", "table_access_data.db": f"{_P}db",
        "startup_data.mysql_version": "service.version",
    },
)  # fmt: skip
_UTC = ZoneInfo("UTC")


def _read(document: Document) -> Parsed:
    """One record. Raises: ParseError."""
    fields, said = _AUDIT.read(document)
    kind, event = text(said, "class"), text(said, "event")
    fields["event.dataset"] = "mysqlenterprise.audit"
    fields["event.action"] = f"mysql-{kind}-{event}" if event else f"mysql-{kind}"
    fields["event.category"] = "authentication" if kind == "connection" and event == "connect" else "database"
    for part in ("connection_data", "general_data", "query_data", "command_data"):
        status = integer(said.get(f"{part}.status"))
        if status is not None:
            fields["event.outcome"] = "success" if status == 0 else "failure"
            if status:
                fields["error.code"] = str(status)
    return Parsed(timestamp.iso(text(said, "timestamp"), _UTC), fields)


SHAPES = (
    Shape(
        "timestamp id class",
        _read,
        (
            Gives(
                "mysqlenterprise.audit",
                "authentication database",
                "error.code event.action event.outcome mysqlenterprise.audit.* service.version source.ip user.name",
            ),
        ),
        fits=lambda document: (
            isinstance(document["class"], str)
            and ("event" in document or "server_id" in document)
            and isinstance(document["timestamp"], str)
        ),
    ),
)
