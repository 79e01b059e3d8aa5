"""A row of Oracle's UNIFIED_AUDIT_TRAIL as JSON in, flat ECS out.

    {"EVENT_TIMESTAMP_UTC":"2026-11-22T03:00:00.123456","DBUSERNAME":"HR","ACTION_NAME":"SELECT","RETURN_CODE":0,"OBJECT_NAME":"LUONG",
     "OS_USERNAME":"an","USERHOST":"pc-41","SQL_TEXT":"SELECT * FROM luong"}

Source of truth: as of `collectors.parse.oracle`. JDBC pipelines write the names in lower case.
"""

from __future__ import annotations

from collectors.parse.format import Gives
from collectors.parse.oracle import FIELDS, read_row
from collectors.parse.shape import Shape

_GIVES = (Gives("oracle.database_audit", "authentication database iam", FIELDS),)
SHAPES = (
    Shape("dbusername action_name return_code", read_row, _GIVES),
    Shape(
        "DBUSERNAME ACTION_NAME RETURN_CODE",
        lambda document: read_row({name.lower(): value for name, value in document.items()}),
        _GIVES,
    ),
)
