"""A JSON object over several lines in, flat ECS out: what people save from a console or a pretty printer, one object after the other.

    {
      "event.dataset": "egov.audit",
      "event.action": "view"
    }

An object opens with a line of `{` alone and ends with the first line of `}` alone (or `},`) that stands at the left edge. What it holds is
read as a line of JSON is. Source of truth: RFC 8259, and the habit of every pretty printer.
"""

from __future__ import annotations

import re

import msgspec.structs

from collectors.parse.format import ANY, Context, Format, Gives, Parsed
from collectors.parse.parsers import json_lines
from collectors.record import RawRecord

_OPENING = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{\s*\n")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One object. Raises: ParseError."""
    data = record.data.rstrip()
    return json_lines.parse(msgspec.structs.replace(record, data=data[:-1] if data.endswith(b"},") else data), context)


def _continues(line: bytes, open: bool) -> bool:  # noqa: A002  the word of the field
    if open:
        return line.rstrip() not in (b"}", b"},") or line[:1].isspace()
    return line.strip(b"\xef\xbb\xbf \t\r") == b"{"


def _sniff(sample: bytes) -> float:
    return 1.0 if _OPENING.match(sample) else 0.0


FORMAT = Format(
    "json-pretty", "JSON objects over several lines", parse, _sniff, _continues, gives=(Gives(ANY, ANY, ANY),)
)
