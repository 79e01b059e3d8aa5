"""A record of the audit log of MySQL Enterprise or Percona Server as XML in, flat ECS out: as its JSON gives it.

    <AUDIT_RECORD>                                              <AUDIT_RECORD
     <TIMESTAMP>2026-11-22T03:00:01 UTC</TIMESTAMP>               TIMESTAMP="2026-11-22T03:00:01 UTC"
     <RECORD_ID>6_2026-11-22T03:00:00</RECORD_ID>                 RECORD_ID="6_2026-11-22T03:00:00"
     <NAME>Connect</NAME><STATUS>1045</STATUS>...                 NAME="Connect" STATUS="1045" .../>
    </AUDIT_RECORD>

Source of truth: MySQL 8.4 Reference Manual, "Audit Log File Formats" (new-style and old-style XML; UTC); Percona "Audit Log Filter format
- XML". Names become those of the JSON (`collectors.parse.mysql`). What stands around the records is an event too, "log-header".
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.parse import mysql
from collectors.parse.element import element_of, leaves_of, name_of
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, text_of
from collectors.record import RawRecord

_AROUND = re.compile(r"\s*+(?:<\?xml[^<>]*+>\s*+)?(?:</?AUDIT>)?")
_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?:<\?xml[^<>]{0,200}+>\s*+)?<(?:AUDIT>|AUDIT_RECORD[\s>])")
_EVENTS = {
    "Audit": ("audit", "startup"), "NoAudit": ("audit", "shutdown"), "Connect": ("connection", "connect"),
    "Quit": ("connection", "disconnect"), "Change user": ("connection", "change_user"), "TableRead": ("table_access", "read"),
    "TableInsert": ("table_access", "insert"), "TableUpdate": ("table_access", "update"), "TableDelete": ("table_access", "delete"),
}  # fmt: skip
"""NAME -> class and event of the JSON; others are statements: of a client (`Query`, `Execute`, ...) or of Percona's (`Query Start`)."""
_OF_PERCONA = ("Query ", "Command ")
_NAMES = {
    "RECORD_ID": "id", "NAME": "name", "CONNECTION_ID": "connection_id", "OS_LOGIN": "login.os", "IP": "login.ip", "HOST": "host",
    "PROXY_USER": "login.proxy", "CONNECTION_TYPE": "connection_data.connection_type", "SERVER_ID": "startup_data.server_id",
    "OS_VERSION": "startup_data.os_version", "MYSQL_VERSION": "startup_data.mysql_version", "STARTUP_OPTIONS": "startup_data.args",
}  # fmt: skip
_OF_CLASS = {"STATUS": "status", "COMMAND_CLASS": "sql_command", "TABLE": "table", "DB": "db", "SQLTEXT": "query"}
"""What the JSON has in an object of its class: `general_data.query`."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One record. Raises: ParseError."""
    text = text_of(record.data, context)
    if _AROUND.fullmatch(text):
        if not text.strip():
            raise ParseError("an empty record")
        return Parsed(None, {"event.dataset": mysql.GIVES.dataset, "event.action": "log-header", "message": text})
    element = element_of(text)
    said = leaves_of(element)
    if name_of(element) != "AUDIT_RECORD" or "NAME" not in said:
        raise ParseError(f"not a record of MySQL's audit log: {excerpt(text)}")
    return mysql.read(_as_json(said))


def _as_json(said: dict[str, str]) -> dict[str, object]:
    """A record as the JSON names things."""
    name = said["NAME"]
    kind, event = _EVENTS.get(name, ("general", "status"))
    if name.startswith(_OF_PERCONA):
        kind, event = name.partition(" ")[0].lower(), name.lower().replace(" ", "_")
    document: dict[str, object] = {
        "timestamp": said.get("TIMESTAMP", "").removesuffix(" UTC"),
        "class": kind,
        "event": event,
        "account.user": said.get("USER", "").partition("[")[0],
    }
    if (kind, event) == ("general", "status"):
        document["general_data.command"] = name
    for key, value in said.items():
        if key in _OF_CLASS:
            document[f"{kind}_data.{_OF_CLASS[key]}"] = value
        elif key in _NAMES:
            document[_NAMES[key]] = value
        elif key not in ("TIMESTAMP", "USER"):
            document[key.lower()] = value
    return document


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002, ARG001  the word of the field; a line's end decides alone
    """In the old style a record ends with the `/>` of its attributes; in the new one an empty element has one, and begins with `<`."""
    text = line.strip()
    if text.endswith((b"</AUDIT_RECORD>", b"<AUDIT>", b"</AUDIT>")):
        return False
    return not text.endswith(b"/>") or (text.startswith(b"<") and not text.startswith(b"<AUDIT_RECORD"))


def _sniff(sample: bytes) -> float:
    return 1.0 if _SNIFFED.match(sample) else 0.0


FORMAT = Format(
    "mysql-audit",
    "MySQL Enterprise's and Percona Server's audit log as XML",
    parse,
    _sniff,
    _continues,
    gives=(Gives(mysql.GIVES.dataset, mysql.GIVES.categories, f"{mysql.GIVES.fields} message"),),
)
