"""A record of Oracle's audit trail as XML in, flat ECS out.

    <AuditRecord><Audit_Type>1</Audit_Type><Session_Id>250064</Session_Id><Extended_Timestamp>2026-11-22T03:00:00.123456Z</Extended_Timestamp>
    <DB_User>HR</DB_User><Action>3</Action><Returncode>0</Returncode><Sql_Text>SELECT * FROM luong</Sql_Text></AuditRecord>

    <ROW><EVENT_TIMESTAMP_UTC>2026-11-22T03:00:00.123456</EVENT_TIMESTAMP_UTC><DBUSERNAME>HR</DBUSERNAME>...</ROW>

Source of truth: Oracle Database Reference, "AUDIT_TRAIL" (xml, extended) and "V$XML_AUDIT_TRAIL", for what the server writes; rows of
UNIFIED_AUDIT_TRAIL as DBMS_XMLGEN gives them, whose times must be of ISO 8601 (NLS_TIMESTAMP_FORMAT). Both become what the
rows as JSON become (`collectors.parse.oracle`). What stands around the records is an event too, "log-header".
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.parse.element import element_of, leaves_of, name_of
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, text_of
from collectors.parse.oracle import ACTIONS, FIELDS, read_row
from collectors.record import RawRecord

_AROUND = re.compile(
    r"\s*+(?:<\?xml[^<>]*+>\s*+)?(?:</?(?:Audit|ROWSET)(?=[\s>])[^<>]*+>\s*+)?(?:<Version>[^<>]*+</Version>)?"
)
_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^<>]{0,200}+>\s*+)?<(?:Audit[\s>]|AuditRecord>|(?:ROWSET|ROW)[\s>].{0,4096}?<DBUSERNAME>)",
    re.DOTALL,
)
_ENDS = (b"</AuditRecord>", b"</ROW>", b"</Audit>", b"</ROWSET>", b"</Version>", b"<ROWSET>")
_NAMES = {
    "session_id": "sessionid", "statementid": "statement_id", "entryid": "entry_id", "extended_timestamp": "event_timestamp_utc",
    "db_user": "dbusername", "os_user": "os_username", "instance_number": "instance_id", "returncode": "return_code",
    "priv_used": "system_privilege_used", "sql_bind": "sql_binds", "policy_name": "fga_policy_name",
    "clientidentifier": "client_identifier",
}  # fmt: skip
"""Elements that the unified audit has other names for."""
_TYPES = {"1": "Standard", "2": "FineGrainedAudit", "4": "SYS", "8": "Mandatory"}
_STATEMENTS = {"1": "SELECT", "2": "INSERT", "4": "UPDATE", "8": "DELETE"}
"""Stmt_Type of fine-grained audit."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One record. Raises: ParseError."""
    text = text_of(record.data, context)
    if _AROUND.fullmatch(text):
        if not text.strip():
            raise ParseError("an empty record")
        return Parsed(None, {"event.dataset": "oracle.database_audit", "event.action": "log-header", "message": text})
    element = element_of(text)
    said = {name.lower(): value.strip("\n") for name, value in leaves_of(element).items()}
    if name_of(element) == "AuditRecord":
        return read_row(_as_row(said))
    if name_of(element) != "ROW" or "dbusername" not in said:
        raise ParseError(f"not a record of Oracle's audit trail: {excerpt(text)}")
    return read_row(said)


def _as_row(said: dict[str, str]) -> dict[str, str]:
    """A record as a row of the unified audit."""
    row = {_NAMES.get(name, name): value for name, value in said.items() if name not in ("action", "stmt_type")}
    row["audit_type"] = _TYPES.get(said.get("audit_type", ""), said.get("audit_type", ""))
    if "action" in said:
        row["action_name"] = ACTIONS.get(said["action"], f"action {said['action']}")
    elif said.get("sql_text") == "CONNECT":  # of those who act as SYS, the statement says it
        row["action_name"] = "LOGON"
    else:
        row["action_name"] = _STATEMENTS.get(said.get("stmt_type", ""), "")
    return row


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002, ARG001  the word of the field; a line's end decides alone
    return not line.rstrip().endswith(_ENDS)


def _sniff(sample: bytes) -> float:
    return 1.0 if _SNIFFED.match(sample) else 0.0


FORMAT = Format(
    "oracle-audit",
    "Oracle's audit trail as XML",
    parse,
    _sniff,
    _continues,
    gives=(Gives("oracle.database_audit", "authentication database iam", f"{FIELDS} message"),),
)
