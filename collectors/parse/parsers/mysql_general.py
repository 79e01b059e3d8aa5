"""A line of the general query log of MySQL or MariaDB in, flat ECS out.

    2026-11-22T03:00:00.123456Z	   12 Connect	an@10.20.9.41 on nhan_su using SSL/TLS
    2026-11-22T03:00:01.123456Z	   12 Query	SELECT * FROM luong

Source of truth: MySQL 8.4 and MariaDB 10.11 `File_query_log::write_general` (MariaDB writes `261122 10:00:00`, local time, and none where
the second is that of the line before: then the time is that of receipt). Further lines of a statement are no records of their own.
"""

from __future__ import annotations

import re
from datetime import datetime

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_STAMP = r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}(?:Z|[+-]\d\d:\d\d))|(\d\d)(\d\d)(\d\d) ([ \d]\d:\d\d:\d\d)"
_LINE = re.compile(
    rf"(?:{_STAMP})?\t{{1,2}} {{0,20}}(\d{{1,20}}) ([A-Z][a-z]+(?: [A-Za-z]+){{0,2}})\t?(.*)", re.DOTALL | re.ASCII
)
_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)|\d{6} [ \d]\d:\d\d:\d\d)?\t{1,2} {0,20}\d{1,20} [A-Z][a-z]"
)
_CONNECT = re.compile(r"([^@\s]{0,128}+)@(\S{0,255}+) (?:on|as anonymous on) (\S{0,128}+)")
_DENIED = re.compile(r"Access denied for user '([^']{0,128}+)'@'([^']{0,255}+)'")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.match(text)
    if match is None:
        raise ParseError(f"not a line of MySQL's general log: {excerpt(text)}")
    stamp, year, month, day, clock, thread, command, argument = match.groups()
    time: datetime | None = None
    if stamp:
        time = timestamp.iso(stamp, context.timezone)
    elif year:
        time = timestamp.iso(f"20{year}-{month}-{day}T{clock.replace(' ', '0')}", context.timezone)
    fields: dict[str, Value] = {
        "event.dataset": "mysql.general",
        "event.category": "database",
        "event.action": f"mysql-{command.lower().replace(' ', '-')}",
        "mysql.thread_id": thread,
    }
    if command == "Connect":
        fields["event.category"] = "authentication"
        denied = _DENIED.match(argument)
        fields["event.outcome"] = "failure" if denied else "success"
        if who := denied or _CONNECT.match(argument):
            if who[1]:
                fields["user.name"] = who[1]
            put_source(fields, who[2])
            if not denied and who[3]:
                fields["mysql.database"] = who[3]
    elif argument:
        fields["mysql.general.argument"] = argument
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format(
    "mysql-general",
    "MySQL and MariaDB general query log",
    parse,
    _sniff,
    gives=(
        Gives(
            "mysql.general",
            "authentication database",
            "event.action event.outcome mysql.database mysql.general.argument mysql.thread_id source.domain source.ip user.name",
        ),
    ),
)
