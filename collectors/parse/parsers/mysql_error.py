"""A line of the error log of MySQL or MariaDB in, flat ECS out.

    2026-11-22T03:00:00.123456Z 12 [Warning] [MY-010055] [Server] IP address '10.20.9.41' could not be resolved: Name or service not known
    2026-11-22 10:00:00 12 [Warning] Access denied for user 'an'@'10.20.9.41' (using password: YES)

Source of truth: MySQL 8.4 Reference Manual, "Error Log Output Format"; MariaDB `error_log` (local time, a blank before hours below 10).
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LINE = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ]([ \d]\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:\d\d)? (\d{1,20}) \[([A-Za-z]{4,10})\] "
    r"(?:\[(M[YA]-\d{1,9})\] )?(?:\[([A-Za-z]\w{0,31})\] )?(.*)",
    re.DOTALL | re.ASCII,
)
_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?\d{4}-\d\d-\d\d[T ][ \d]\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)? \d{1,20} \[[A-Z][A-Za-z]{3,9}\] "
)
_DENIED = re.compile(r"Access denied for user '([^']{0,128}+)'@'([^']{0,255}+)'")
_ABORTED = re.compile(
    r"Aborted connection (\d{1,20}) to db: '([^']{0,128}+)' user: '([^']{0,128}+)' host: '([^']{0,255}+)'"
)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.fullmatch(text)
    if match is None:
        raise ParseError(f"not a line of MySQL's error log: {excerpt(text)}")
    day, clock, zone, thread, level, code, subsystem, message = match.groups()
    time = timestamp.iso(f"{day}T{clock.replace(' ', '0')}{zone or ''}", context.timezone)
    fields: dict[str, Value] = {
        "event.dataset": "mysql.error",
        "event.category": "database",
        "log.level": level.lower(),
        "message": message,
        "mysql.thread_id": thread,
    }
    if code:
        fields["event.code"] = code
    if subsystem:
        fields["mysql.error.subsystem"] = subsystem
    if denied := _DENIED.search(message, 0, 1024):
        fields["event.category"] = "authentication"
        fields["event.action"] = "database-login"
        fields["event.outcome"] = "failure"
        _put_who(fields, denied[1], denied[2])
    elif aborted := _ABORTED.match(message):
        fields["event.action"] = "database-connection-aborted"
        _put_who(fields, aborted[3], aborted[4])
        if aborted[2] != "unconnected":
            fields["mysql.database"] = aborted[2]
    return Parsed(time, fields)


def _put_who(fields: dict[str, Value], user: str, host: str) -> None:
    if user not in ("", "unauthenticated"):
        fields["user.name"] = user
    put_source(fields, host)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "mysql-error",
    "MySQL and MariaDB error log",
    parse,
    _sniff,
    gives=(
        Gives(
            "mysql.error",
            "authentication database",
            "event.action event.code event.outcome log.level message mysql.database mysql.error.subsystem mysql.thread_id source.domain "
            "source.ip user.name",
        ),
    ),
)
