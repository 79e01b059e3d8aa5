"""What MariaDB's server_audit sends to syslog in, flat ECS out: a record of `collectors.parse.mariadb` without its time.

    mysql-server_auditing: db-01,an,10.20.9.41,47,168,QUERY,nhan_su,'SELECT * FROM luong',0

Source of truth: MariaDB documentation, `server_audit_syslog_ident` (this is its default), `server_audit_syslog_info` before the record.
"""

from __future__ import annotations

from collectors.event import Value
from collectors.parse.format import Message
from collectors.parse.mariadb import GIVES, put_record


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    put_record(message, fields)


MESSAGE = Message(GIVES, read, frozenset({"mysql-server_auditing"}))
