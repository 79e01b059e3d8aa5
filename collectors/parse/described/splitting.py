"""How the text of a record is taken apart into named parts: by expressions (RE2), columns, pairs or as JSON. Each way is a `Splitter`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from collectors.errors import ParseError
from collectors.parse.described.asking import Asking
from collectors.parse.described.description import Path
from collectors.parse.flat import flatten

MAX_EXPRESSION = 4_000
"""Characters; what a person can still read."""
MAX_PAIRS = 1_000
"""Parts of one record; what a text has more stays in its raw bytes."""
_MEMORY = 8 << 20
"""Bytes that one expression may take; beyond them RE2 refuses it."""

Parts = Mapping[str, object]


class Splitter(NamedTuple):
    """`split`: the parts of a text, and the place of the way that fitted in the description's list (0 where there is one); None where none
    fits. `names`: of all parts that it can give; None where the record names them itself.
    """

    split: Callable[[str], tuple[Parts, int] | None]
    names: frozenset[str] | None


def patterns(asking: Asking, at: Path, data: object, head: str) -> Splitter:
    """The first expression that the whole text fits; each begins with `head`."""
    if not isinstance(data, list) or not data:
        asking.refuse(at, "a list of patterns is expected, each with `match`")
        return Splitter(_nothing, frozenset())
    compiled: list[tuple[Callable[[bytes], Any], list[tuple[str, int]]]] = []
    for number, each in enumerate(data):
        asked = asking.keys((*at, number), each, ("match", "set"), ("match",))
        if "match" in asked:
            expression = _expression(asking, (*at, number, "match"), asked["match"], head)
            compiled += [expression] if expression else []

    def split(text: str) -> tuple[Parts, int] | None:
        data = text.encode("utf-8", "replace")
        for number, (fits, groups) in enumerate(compiled):
            found = fits(data)
            if found is not None:
                span, parts = found.span, {}
                for name, group in groups:
                    start, end = span(group)
                    if end > start:
                        parts[name] = data[start:end].decode()
                return parts, number
        return None

    return Splitter(split, frozenset(name for _, groups in compiled for name, _ in groups))


def _expression(
    asking: Asking, at: Path, written: object, head: str
) -> tuple[Callable[[bytes], Any], list[tuple[str, int]]] | None:
    import re2

    text = head + asking.text(at, written)
    if len(text) > MAX_EXPRESSION:
        asking.refuse(at, f"the expression has {len(text):,} characters; at most {MAX_EXPRESSION:,} are read")
        return None
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        # bytes in and out: for text the package counts characters on every call, which takes longer than the match
        made = re2.compile(text.encode(), options)
    except (re2.error, UnicodeEncodeError) as error:
        why = error.args[0] if error.args else error
        why = why.decode("utf-8", "replace") if isinstance(why, bytes) else str(why)
        asking.refuse(at, f"RE2 does not take this expression: {why}"[:300])
        return None
    return made.fullmatch, [(name.decode(), number) for name, number in made.groupindex.items()]


def columns(asking: Asking, at: Path, data: object) -> Splitter:
    """A line of columns; one named "_" is passed over. A text of another number of columns does not fit."""
    import csv

    asked = asking.keys(at, data, ("names", "separator", "quote"), ("names",))
    names = asking.texts((*at, "names"), asked.get("names", []))
    separator = asking.text((*at, "separator"), asked.get("separator", ","), length=1) or ","
    quote = asking.text((*at, "quote"), asked.get("quote", '"'), length=1) or '"'
    kept = [name for name in names if name != "_"]
    for name in sorted({name for name in kept if kept.count(name) > 1}):
        asking.refuse((*at, "names"), f'column "{name}" stands twice')

    def split(text: str) -> tuple[Parts, int] | None:
        try:
            [row] = csv.reader([text], delimiter=separator, quotechar=quote)
        except (csv.Error, ValueError):
            return None
        if len(row) != len(names):
            return None
        return {name: value for name, value in zip(names, row, strict=True) if value and name != "_"}, 0

    return Splitter(split, frozenset(kept))


def pairs(asking: Asking, at: Path, data: object) -> Splitter:
    """`a=1 b="two words"`: words without `equals` are passed over; a quoted value goes to the next quote, or to the end."""
    asked = asking.keys(at, data, ("between", "equals", "quote"))
    between = asking.text((*at, "between"), asked.get("between", " ")) or " "
    equals = asking.text((*at, "equals"), asked.get("equals", "=")) or "="
    quote = asking.text((*at, "quote"), asked.get("quote", '"'), length=1) or '"'

    def split(text: str) -> tuple[Parts, int] | None:
        parts: dict[str, object] = {}
        at, end = 0, len(text)
        while at < end and len(parts) < MAX_PAIRS:
            stop = text.find(between, at)
            stop = end if stop < 0 else stop
            sign = text.find(equals, at, stop)
            if sign < 0:
                at = stop + len(between)
                continue
            name, start = text[at:sign].strip(), sign + len(equals)
            if text[start : start + 1] == quote:
                stop = text.find(quote, start + 1)
                stop = end if stop < 0 else stop
                value, at = text[start + 1 : stop], stop + 1
            else:
                value, at = text[start:stop].strip(), stop + len(between)
            if name and value:
                parts[name] = value
        return (parts, 0) if parts else None

    return Splitter(split, None)


def json(asking: Asking, at: Path, data: object) -> Splitter:
    """A JSON object; its parts are named by their path with points (`a.b`), as `collectors.parse.flat` has it."""
    if data is not True:
        asking.refuse(at, "`json: true` is all that there is to say")

    def split(text: str) -> tuple[Parts, int] | None:
        try:
            return flatten(_decode(text)), 0
        except (msgspec.DecodeError, ParseError, ValueError, RecursionError):
            return None

    return Splitter(split, None)


_decode = msgspec.json.Decoder(dict[str, object]).decode

WAYS = ("patterns", "columns", "pairs", "json")
"""Keys of a description that say how its records are taken apart."""


def splitter(asking: Asking, way: str, data: object, head: str) -> Splitter:
    """What the key `way` of a description makes."""
    if way == "patterns":
        return patterns(asking, (way,), data, head)
    return {"columns": columns, "pairs": pairs, "json": json}[way](asking, (way,), data)


def _nothing(text: str) -> None:
    del text
