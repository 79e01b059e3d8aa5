"""What an action of Oracle's unified audit and its return code mean in, ECS fields out.

Source of truth: Oracle Database Reference, "UNIFIED_AUDIT_TRAIL" and the view AUDIT_ACTIONS; error messages ORA-01017 and its like.
"""

from __future__ import annotations

from collectors.event import Value

FIELDS = "error.code event.action event.outcome oracle.database_audit.* process.name source.domain source.ip user.effective.name user.name"
ACTIONS = {
    "1": "CREATE TABLE", "2": "INSERT", "3": "SELECT", "6": "UPDATE", "7": "DELETE", "12": "DROP TABLE", "15": "ALTER TABLE",
    "17": "GRANT", "18": "REVOKE", "30": "AUDIT", "31": "NOAUDIT", "43": "ALTER USER", "44": "COMMIT", "45": "ROLLBACK",
    "47": "PL/SQL EXECUTE",
    "49": "ALTER SYSTEM", "51": "CREATE USER", "52": "CREATE ROLE", "53": "DROP USER", "54": "DROP ROLE", "85": "TRUNCATE TABLE",
    "100": "LOGON", "101": "LOGOFF", "102": "LOGOFF BY CLEANUP", "116": "EXECUTE PROCEDURE",
}  # fmt: skip
"""The numbers that a syslog record has instead of names."""
_IAM = frozenset({"GRANT", "REVOKE", "ALTER USER", "CREATE USER", "CREATE ROLE", "DROP USER", "DROP ROLE"})


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
