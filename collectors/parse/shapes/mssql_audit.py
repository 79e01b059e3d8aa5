"""A row of SQL Server's audit (`sys.fn_get_audit_file`) as JSON in, flat ECS out.

    {"event_time":"2026-11-22 03:00:00.1234567","sequence_number":1,"action_id":"LGIF","succeeded":false,"server_principal_name":"sa",
     "server_instance_name":"DB-02","database_name":"","object_name":"","statement":"Login failed for user 'sa'.","client_ip":"203.0.113.9"}

Source of truth: as of `collectors.parse.mssql`, which reads the columns; event_time is UTC.
"""

from __future__ import annotations

from collectors.parse import mssql
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Document, Shape, moment


def _read(document: Document) -> Parsed:
    """One row. Raises: ParseError."""
    fields, said = mssql.read(document)
    fields["event.dataset"] = "microsoft_sqlserver.audit"
    return Parsed(moment(said, "event_time"), fields)


SHAPES = (
    Shape(
        "event_time action_id succeeded server_principal_name",
        _read,
        (
            Gives(
                "microsoft_sqlserver.audit",
                "authentication database iam",
                "event.action event.code event.outcome microsoft_sqlserver.audit.* source.domain source.ip user.domain user.effective.name "
                "user.name user.target.name",
            ),
        ),
    ),
)
