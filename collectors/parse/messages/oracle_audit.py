"""A key record of Oracle's unified audit as the server sends it to syslog in, flat ECS out.

    Oracle Unified Audit[4711]: LENGTH: '204' TYPE:"4" DBID:"1234567890" SESID:"3721" CLIENTID:"" ENTRYID:"1" STMTID:"9" DBUSER:"HR"
      CURUSER:"HR" ACTION:"3" RETCODE:"0" SCHEMA:"HR" OBJNAME:"LUONG" PDB_GUID:"5F0A"                                       (one line)

Source of truth: Oracle Database Security Guide 19c, "Writing the Unified Audit Trail Records to SYSLOG". The whole record, with the
statement, is in UNIFIED_AUDIT_TRAIL under the same session, entry and statement numbers (`collectors.parse.shapes.oracle_audit`).
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message
from collectors.parse.oracle import ACTIONS, FIELDS, finish

_PAIR = re.compile(r'([A-Z_]{2,32}+):"([^"]*+)"')
_MOST_PAIRS = 40
_NAMES = {
    "DBUSER": "user.name", "CURUSER": "user.effective.name", "SCHEMA": "oracle.database_audit.schema",
    "OBJNAME": "oracle.database_audit.object", "SESID": "oracle.database_audit.sessionid", "ENTRYID": "oracle.database_audit.entry_id",
    "STMTID": "oracle.database_audit.statement_id", "CLIENTID": "oracle.database_audit.client_identifier",
}  # fmt: skip
_OPENING = "Oracle Unified Audit["


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    found = _PAIR.findall(message, 0, 65536)[:_MOST_PAIRS]
    said = dict(found)
    if "ACTION" not in said:
        return
    pid = message[len(_OPENING) :].partition("]")[0]
    if message.startswith(_OPENING) and (process := number(pid)) is not None:
        fields["process.pid"] = process
    for name, value in found:
        if value and name not in ("ACTION", "RETCODE"):
            fields[_NAMES.get(name, f"oracle.database_audit.{name.lower()}")] = value
    action = said["ACTION"]
    finish(fields, ACTIONS.get(action, f"action {action}"), number(said.get("RETCODE", "")))


MESSAGE = Message(
    Gives("oracle.database_audit", "authentication database iam", FIELDS),
    read,
    openings=(_OPENING,),
)
