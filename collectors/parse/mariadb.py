r"""A record of MariaDB's server_audit without its time in, fields out, for its file and for syslog.

    db-01,an,10.20.9.41,47,168,QUERY,nhan_su,'SELECT * FROM luong WHERE ten = \'An\'',0
    db-01,root,203.0.113.9:50122,48,0,FAILED_CONNECT,,,1045

Source of truth: MariaDB documentation, "MariaDB Audit Plugin - Log Format" (10.x to 12: the host with its port), `server_audit.c`. The
plugin quotes statements only, and neither quotes nor escapes names.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.ecs import ip, put_source
from collectors.parse.format import Gives

GIVES = Gives(
    "mariadb.audit",
    "authentication database",
    "error.code event.action event.outcome host.name mariadb.audit.* source.domain source.ip source.port tls.version user.name",
)
OPERATIONS = frozenset({
    "CONNECT", "FAILED_CONNECT", "DISCONNECT", "CHANGEUSER", "PROXY_CONNECT", "QUERY", "READ", "WRITE", "CREATE", "ALTER", "RENAME", "DROP",
    "AUDIT", "SHUTDOWN",
})  # fmt: skip
_P = "mariadb.audit."


def put_record(text: str, fields: dict[str, Value]) -> bool:
    """Set what a record says; False where it is none."""
    parts = text.split(",", 6)
    if len(parts) < 7 or parts[5] not in OPERATIONS:
        return False
    server, user, host, connection, query, operation, rest = parts
    database, _, rest = rest.partition(",")
    if rest[:1] == "'":
        subject, _, ending = rest[1:].rpartition("',")
        place = f"{_P}query"
        subject = subject.replace("\\'", "'")
    else:
        subject, _, ending = rest.partition(",")
        place = f"{_P}object"
    code, _, tls = ending.partition(",")
    fields["host.name"] = server.rpartition(" ")[2] or server
    address, colon, at = host.rpartition(":")
    if colon and ip(host) is None:
        put_source(fields, address.strip("[]"), at)
    else:
        put_source(fields, host)
    said = {
        "user.name": user, f"{_P}connection_id": connection, f"{_P}query_id": query if query != "0" else "", f"{_P}operation": operation,
        f"{_P}database": database, place: subject, "tls.version": tls,
    }  # fmt: skip
    fields |= {name: value for name, value in said.items() if value}
    fields["event.dataset"] = GIVES.dataset
    fields["event.action"] = f"mariadb-{operation.lower().replace('_', '-')}"
    fields["event.category"] = (
        "authentication" if operation in ("CONNECT", "FAILED_CONNECT", "CHANGEUSER") else "database"
    )
    if code.isascii() and code.isdigit():
        fields["event.outcome"] = "success" if code.strip("0") == "" else "failure"
        if code != "0":
            fields["error.code"] = code[:10]
    return True
