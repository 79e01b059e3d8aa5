r"""A line of one of Zeek's TSV logs in, flat ECS out.

    #path	conn
    #fields	ts	uid	id.orig_h	id.orig_p	id.resp_h	id.resp_p	proto	service	duration	conn_state
    1795316400.123456	CHhAvVGS1DHFjwGM9	10.20.9.41	51022	203.0.113.9	443	tcp	ssl	1.204000	SF

Source of truth: Zeek 7, `Ascii.cc` (header, `\xNN` in values, `-` for no value, `(empty)`). What columns a line has stands in the header
of its record; without one it is refused. What columns mean is in `collectors.parse.zeek`; Zeek's JSON is `collectors.parse.shapes.zeek`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.format import Context, Format, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.zeek import GIVES, LOGS, OTHER, finish, moment, put
from collectors.record import RawRecord

_ESCAPE = re.compile(r"\\x([0-9A-Fa-f]{2})")
_FLAGS = {"T": "true", "F": "false"}
_HEADERS = (
    "#separator ",
    "#set_separator",
    "#empty_field",
    "#unset_field",
    "#path",
    "#open",
    "#close",
    "#fields",
    "#types",
)
_SNIFFED = re.compile(rb"#(?:separator \\x09|(?:set_separator|path|fields|types|open|close|(?:un|e)\w{2,4}_field)\t)")


class _Plan(NamedTuple):
    """How the lines after one header are read. `kinds`: of each column "bool", "list" (of several values) or ""."""

    path: str
    separator: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    inner: str
    nothing: frozenset[str]


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    if text.startswith(_HEADERS):
        return Parsed(None, {"event.dataset": f"zeek.{OTHER}", "event.action": "log-header", "message": text})
    plan = _plan(record.header)
    if not plan.columns:
        raise ParseError(f"no header names the columns of this line: {excerpt(text)}")
    values = text.split(plan.separator)
    if len(values) != len(plan.columns):
        raise ParseError(f"{len(values)} columns instead of {len(plan.columns)}: {excerpt(text)}")
    fields: dict[str, Value] = {}
    said: dict[str, Value] = {}
    for column, value, kind in zip(plan.columns, values, plan.kinds, strict=True):
        if value in plan.nothing:
            continue
        found: Value = _plain(value)
        if kind:
            found = _FLAGS.get(value, found) if kind == "bool" else [_plain(each) for each in value.split(plan.inner)]
        said[column] = found
    stamp = said.pop("ts", None)
    put(fields, plan.path, said)
    finish(fields, plan.path, said)
    return Parsed(moment(str(stamp)) if stamp is not None else None, fields)


def _plain(text: str) -> str:
    if "\\x" not in text:
        return text
    return (
        _ESCAPE.sub(_byte, text).encode("latin-1", "ignore").decode("utf-8", "backslashreplace")
        if text.isascii()
        else text
    )


def _byte(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


@lru_cache(1024)
def _plan(header: bytes) -> _Plan:
    said: dict[str, str] = {}
    separator = "\t"
    for line in header.decode("utf-8", "backslashreplace").split("\n"):
        if line.startswith("#separator "):
            separator = _plain(line[11:]) or "\t"
            continue
        name, _, value = line.partition(separator)
        said[name] = value
    columns = tuple(said["#fields"].split(separator)) if "#fields" in said else ()
    types = said.get("#types", "").split(separator)
    types += [""] * (len(columns) - len(types))
    kinds = tuple("list" if "[" in kind else kind if kind == "bool" else "" for kind in types[: len(columns)])
    nothing = frozenset({said.get("#unset_field", "-"), said.get("#empty_field", "(empty)"), ""})
    path = said.get("#path", OTHER)
    return _Plan(
        path if path in LOGS else path[:64] or OTHER,
        separator,
        columns,
        kinds,
        said.get("#set_separator") or ",",
        nothing,
    )


def _sniff(sample: bytes) -> float:
    return 1.0 if share_of_lines(sample, _SNIFFED.match) and sample.lstrip(b"\xef\xbb\xbf").startswith(b"#") else 0.0


FORMAT = Format(
    "zeek",
    "Zeek's logs as TSV (JSON is json)",
    parse,
    _sniff,
    gives=GIVES,
)
