"""A row of SQL Server's audit (`sys.fn_get_audit_file`) as JSON in, flat ECS out.

    {"event_time":"2026-11-22 03:00:00.1234567","sequence_number":1,"action_id":"LGIF","succeeded":false,"server_principal_name":"sa",
     "server_instance_name":"DB-02","database_name":"","object_name":"","statement":"Login failed for user 'sa'.","client_ip":"203.0.113.9"}

Source of truth: Microsoft, "sys.fn_get_audit_file" (SQL Server 2016 to 2022; event_time is UTC) and "SQL Server Audit Action Groups and
Actions". Columns without an ECS name stand under `microsoft_sqlserver.audit.`, as in Elastic's integration.
"""

from __future__ import annotations

from collectors.parse.ecs import flag
from collectors.parse.format import Gives, Parsed
from collectors.parse.prefixed import Prefixed, text
from collectors.parse.shape import Document, Shape, moment, put_address

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


def _read(document: Document) -> Parsed:
    """One row. Raises: ParseError."""
    fields, said = _AUDIT.read(document)
    code = text(said, "action_id").strip()
    action = _ACTIONS.get(code, code.lower())
    fields["event.dataset"] = "microsoft_sqlserver.audit"
    fields["event.category"] = (
        "authentication" if code.startswith("LG") or code == "DBAF" else "iam" if action in _IAM else "database"
    )
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
    if code == "":
        del fields["event.code"]
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
