"""A record of the audit log of MySQL Enterprise or Percona Server as its JSON names things in, flat ECS out: for its JSON and its XML.

Source of truth: MySQL 8.4 Reference Manual, "Audit Log File Formats" (UTC), Percona "Audit Log Filter format - JSON"; names as in
Elastic's integration (mysqlenterprise.audit). A status that is not 0 is the number of an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

from collectors.parse import timestamp
from collectors.parse.ecs import integer
from collectors.parse.format import Gives, Parsed
from collectors.parse.prefixed import Prefixed, text

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
GIVES = Gives(
    "mysqlenterprise.audit",
    "authentication database",
    "error.code event.action event.outcome mysqlenterprise.audit.* service.version source.ip user.name",
)


def read(document: Mapping[str, object]) -> Parsed:
    """One record. Raises: ParseError."""
    fields, said = _AUDIT.read(dict(document))
    kind, event = text(said, "class"), text(said, "event")
    fields["event.dataset"] = GIVES.dataset
    fields["event.action"] = f"mysql-{kind}-{event}" if event else f"mysql-{kind}"
    fields["event.category"] = "authentication" if kind == "connection" and event == "connect" else "database"
    for part in ("connection_data", "general_data", "query_data", "command_data"):
        status = integer(said.get(f"{part}.status"))
        if status is not None:
            fields["event.outcome"] = "success" if status == 0 else "failure"
            if status:
                fields["error.code"] = str(status)
    return Parsed(timestamp.iso(text(said, "timestamp"), _UTC), fields)
