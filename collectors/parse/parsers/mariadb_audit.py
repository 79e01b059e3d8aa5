"""A line of MariaDB's server_audit.log in, flat ECS out.

    20261122 10:00:00,db-01,an,10.20.9.41,47,168,QUERY,nhan_su,'SELECT * FROM luong',0

Source of truth: as of `collectors.parse.mariadb`, which reads all after the time. Local time of the server.
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.mariadb import GIVES, put_record
from collectors.record import RawRecord

_TIME = re.compile(r"(\d{4})(\d\d)(\d\d) (\d\d:\d\d:\d\d),", re.ASCII)
_SNIFFED = re.compile(
    rb"(?:\xef\xbb\xbf)?\d{8} \d\d:\d\d:\d\d,[^,]{0,255},[^,]{0,128},[^,]{0,255},\d{1,20},\d{1,20},[A-Z_]{4,16},"
)


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _TIME.match(text)
    fields: dict[str, Value] = {}
    if match is None or not put_record(text[match.end() :], fields):
        raise ParseError(f"not a record of MariaDB's server_audit: {excerpt(text)}")
    time = timestamp.iso(f"{match[1]}-{match[2]}-{match[3]}T{match[4]}", context.timezone)
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _SNIFFED.match)


FORMAT = Format("mariadb-audit", "MariaDB audit plugin's log", parse, _sniff, gives=(GIVES,))
