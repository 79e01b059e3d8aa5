"""A record of SQL Server's audit, by the names of its columns, in; flat ECS out: what its rows as JSON and event 33205 share.

Source of truth: Microsoft, "sys.fn_get_audit_file" (SQL Server 2016 to 2022) and "SQL Server Audit Action Groups and Actions". Columns
without an ECS name stand under `microsoft_sqlserver.audit.`, as in Elastic's integration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from collectors.event import Value
from collectors.parse.ecs import flag
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import put_address

_AUDIT = Prefixed(
    "microsoft_sqlserver.audit.",
    {
        "event_time": "", "client_ip": "", "server_principal_name": "", "succeeded": "", "session_server_principal_name": "user.name",
        "database_principal_name": "user.effective.name", "target_server_principal_name": "user.target.name",
        "target_database_principal_name": "user.target.name", "host_name": "source.domain",
    },
)  # fmt: skip
_ACTIONS = {
    "LGIS": "login", "LGIF": "login-failed", "LGO": "logout", "DBAF": "login-failed", "AUSC": "audit-changed", "SL": "select",
    "IN": "insert",
    "UP": "update", "DL": "delete", "EX": "execute", "CR": "create", "AL": "alter", "DR": "drop", "G": "grant", "D": "deny", "R": "revoke",
    "GWG": "grant", "PWR": "password-reset", "PWRS": "password-reset", "PWC": "password-change", "APRL": "role-member-added",
    "DPRL": "role-member-removed", "BA": "backup", "RS": "restore", "OPSV": "settings-changed", "SVSD": "shutdown", "SVSR": "started",
    "IMP": "impersonate",
}  # fmt: skip
_IAM = frozenset(
    {"grant", "deny", "revoke", "password-reset", "password-change", "role-member-added", "role-member-removed"}
)
_OPENING = re.compile(r"(?:Audit event: ?)?audit_schema_version:\d{1,9}\r?\n")
_COLUMN = re.compile(r"^([a-z_]{4,48}+):([^\r\n]*+)", re.MULTILINE)
_STATEMENT, _AFTER_STATEMENT = "\nstatement:", "\nadditional_information:"
_MOST_COLUMNS = 100
"""An audit of SQL Server 2022 has 50."""


def read(row: Mapping[str, object]) -> tuple[dict[str, Value], dict[str, Value]]:
    """The fields of a record, and its columns by their own names. Raises: ParseError."""
    fields, said = _AUDIT.read(dict(row))
    code = text(said, "action_id").strip()
    action = _ACTIONS.get(code, code.lower())
    fields["event.category"] = (
        "authentication" if code.startswith("LG") or code == "DBAF" else "iam" if action in _IAM else "database"
    )
    if code:
        fields["event.code"] = code
    if action:
        fields["event.action"] = action
    who = text(said, "server_principal_name")
    if who:
        fields["user.name"] = who
    if isinstance(name := fields.get("user.name"), str) and "\\" in name:
        fields["user.domain"], _, fields["user.name"] = name.rpartition("\\")
    if text(said, "client_ip") not in ("", "local machine"):
        put_address(fields, "source", said["client_ip"])
    succeeded = said.get("succeeded")
    went_well = flag(succeeded.lower() if isinstance(succeeded, str) else succeeded)
    if went_well is None and succeeded in (0, 1, "0", "1"):
        went_well = str(succeeded) == "1"
    if went_well is not None:
        fields["event.outcome"] = "success" if went_well else "failure"
    return fields, said


def columns(message: str) -> dict[str, object]:
    """The columns of a record that SQL Server writes as text into the event log, a line each; none where it is no such text.

    The statement, which may say anything over many lines, ends at the last line that can end it. Of a column that comes twice the first
    counts, so that nothing that a statement or a client's name says takes the place of what stands before it.
    """
    opening = _OPENING.match(message)
    if opening is None:
        return {}
    before, found, rest = message[opening.end() - 1 :].partition(_STATEMENT)
    statement, _, after = rest.rpartition(_AFTER_STATEMENT) if _AFTER_STATEMENT in rest else (rest, "", "")
    row: dict[str, object] = {}
    for name, value in _COLUMN.findall(before)[:_MOST_COLUMNS]:
        row.setdefault(name, value)
    if found:
        row["statement"] = statement.rstrip("\r\n")
    for name, value in _COLUMN.findall(f"additional_information:{after}" if after else "")[:_MOST_COLUMNS]:
        row.setdefault(name, value)
    return row
