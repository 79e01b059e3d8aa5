"""An entry of the slow query log of MySQL or MariaDB in, flat ECS out: who asked what, how long it took, how many rows went out.

    # Time: 2026-11-22T03:00:00.123456Z
    # User@Host: an[an] @ pc-41 [10.20.9.41]  Id:    12
    # Query_time: 3.201456  Lock_time: 0.000012 Rows_sent: 120000  Rows_examined: 120000
    SET timestamp=1795316397;
    SELECT * FROM luong;

Source of truth: MySQL 8.4 and MariaDB 10.11 `File_query_log::write_slow`. An entry spans lines: it ends with the line of a statement that
ends with a semicolon, or with an administrator's command. Its time is that of its first line, else of SET timestamp.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, text_of
from collectors.record import RawRecord

_TIME = re.compile(r"# Time: (?:(\d{4}-\d\d-\d\dT\S{8,32})|(\d\d)(\d\d)(\d\d) ([ \d]\d:\d\d:\d\d))", re.ASCII)
_WHO = re.compile(
    r"# User@Host: ([^\[\n]{0,128}+)\[[^\]\n]{0,128}+\] @ ([^\[\n]{0,255}+)\[([^\]\n]{0,64}+)\]", re.ASCII
)
_PAIR = re.compile(r"([A-Z][A-Za-z_]{2,40}+|Id): {1,8}(\S{1,64})")
_SET = re.compile(r"SET timestamp=(\d{1,11})")
_SKIPPED = (b"#", b"SET timestamp=", b"use ")
_NAMES = {
    "Rows_sent": "mysql.slowlog.rows_sent", "Rows_examined": "mysql.slowlog.rows_examined", "Rows_affected": "mysql.slowlog.rows_affected",
    "Bytes_sent": "mysql.slowlog.bytes_sent",
}  # fmt: skip
_MOST_HEADS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One entry, with its newlines. Raises: ParseError."""
    text = text_of(record.data, context)
    if not text.startswith(("# Time: ", "# User@Host: ")):
        raise ParseError(f"not an entry of MySQL's slow log: {excerpt(text)}")
    fields: dict[str, Value] = {
        "event.dataset": "mysql.slowlog",
        "event.category": "database",
        "event.action": "mysql-slow-query",
    }
    time: datetime | None = None
    rest = text
    for _ in range(_MOST_HEADS):
        line, newline, after = rest.partition("\n")
        if line.startswith("# administrator command: "):
            rest = line[25:]
            break
        if line[:1] == "#":
            time = _head(line, fields, context) or time
        elif match := _SET.match(line):
            time = time or _EPOCH + timedelta(seconds=int(match[1]))
        elif line[:4] == "use ":
            fields["mysql.database"] = line[4:].rstrip(";")[:128]
        else:
            break
        rest = after
        if not newline:
            break
    if statement := rest.rstrip(";"):
        fields["mysql.slowlog.query"] = statement
    return Parsed(time, fields)


def _head(line: str, fields: dict[str, Value], context: Context) -> datetime | None:
    if match := _TIME.match(line):
        if match[1]:
            return timestamp.iso(match[1], context.timezone)
        clock = match[5].replace(" ", "0")
        return timestamp.iso(f"20{match[2]}-{match[3]}-{match[4]}T{clock}", context.timezone)
    if match := _WHO.match(line):
        if user := match[1].strip():
            fields["user.name"] = user
        put_source(fields, match[3] or match[2].strip())
    for name, value in _PAIR.findall(line, 0, 4096):
        if name == "Query_time":
            seconds, _, part = value.partition(".")
            if (whole := number(seconds[:9])) is not None and (part or "0").isdigit() and part.isascii():
                fields["event.duration"] = whole * 1_000_000_000 + int(part[:9].ljust(9, "0"))
        elif name in _NAMES and (count := number(value)) is not None:
            fields[_NAMES[name]] = count
        elif name in ("Id", "Thread_id"):
            fields["mysql.thread_id"] = value
        elif name == "Schema":
            fields["mysql.database"] = value
    return None


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002  the word of the field
    if not open and not line.startswith((b"# Time: ", b"# User@Host: ")):
        return False
    if line.startswith(_SKIPPED):
        return not line.startswith(b"# administrator command: ")
    return not line.rstrip().endswith(b";")


def _sniff(sample: bytes) -> float:
    return 1.0 if sample.removeprefix(b"\xef\xbb\xbf").startswith((b"# Time: ", b"# User@Host: ")) else 0.0


FORMAT = Format(
    "mysql-slow",
    "MySQL and MariaDB slow query log",
    parse,
    _sniff,
    _continues,
    gives=(
        Gives(
            "mysql.slowlog",
            "database",
            "event.action event.duration mysql.database mysql.slowlog.* mysql.thread_id source.domain source.ip user.name",
        ),
    ),
)
