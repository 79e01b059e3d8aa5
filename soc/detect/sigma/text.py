"""Sigma's string patterns, compiled: exact, prefix, suffix, inside, or wildcards in any place; matched in linear time.

Source of truth: Sigma specification 2.1, "String Wildcard" and "Escaping". Case-insensitive means: equal after `str.lower` on both sides,
where a final sigma and another are the same letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby, product

from soc.detect.sigma.ir import ANY_DASH, ANY_ONE, ANY_RUN, ANY_SIGMA, DASHES, Part, Pattern

Finder = Callable[[str], bool]

MAX_SPELLED = 25
"""Spellings of a `windash` value that are written out (two dashes); with more the dash is matched as a character class."""


def patterns(parts: Sequence[Part], written: str, *, cased: bool = False) -> list[Pattern]:
    """The patterns of one string value: one, or one for each spelling of its dashes."""
    found = []
    for spelling in _spellings(parts):
        lower = joined([low for part in spelling for low in _lower(part)])
        kind, literal = _shape(lower)
        if cased:
            found.append(Pattern("cased", written, literal, parts=joined(spelling)))
        else:
            found.append(Pattern(kind, written, literal, parts=lower if kind == "wildcards" else ()))
    return found


def _spellings(parts: Sequence[Part]) -> list[tuple[Part, ...]]:
    """The pattern with its dashes written out, where that gives few patterns: plain text is found faster than a class."""
    dashes = sum(part == ANY_DASH for part in parts)
    if not dashes or len(DASHES) ** dashes > MAX_SPELLED:
        return [tuple(parts)]
    choices: list[Sequence[Part]] = [DASHES if part == ANY_DASH else (part,) for part in parts]
    return [joined(spelling) for spelling in product(*choices)]


def joined(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The same pattern with neighbouring literals as one, and neighbouring `*` as one."""
    out: list[Part] = []
    for part in parts:
        if out and isinstance(part, str) and isinstance(out[-1], str):
            out[-1] += part
        elif part != "" and not (part == ANY_RUN and out and out[-1] == ANY_RUN):
            out.append(part)
    return tuple(out)


_SIGMA = re.compile("([\u03c2\u03c3])")


def _lower(part: Part) -> list[Part]:
    """A part in lower case, its sigmas apart: whether `str.lower` makes one final depends on what stands around it in the event."""
    if isinstance(part, int):
        return [part]
    low = part.lower()
    return [low] if low.isascii() else [ANY_SIGMA if _SIGMA.match(run) else run for run in _SIGMA.split(low) if run]


def _shape(parts: Sequence[Part]) -> tuple[str, str]:
    """What a pattern is: ("equals" | "startswith" | "endswith" | "contains", literal), or ("wildcards", its longest literal)."""
    match parts:
        case []:
            return "equals", ""
        case [str(literal)]:
            return "equals", literal
        case [str(literal), 0]:
            return "startswith", literal
        case [0, str(literal)]:
            return "endswith", literal
        case [0, str(literal), 0]:
            return "contains", literal
    return "wildcards", max((part for part in parts if isinstance(part, str)), key=len, default="")


def wildcards(parts: Sequence[Part]) -> Finder:
    """A matcher for any pattern: whole-text match, the pieces between `*` found from left to right, so no backtracking."""
    open_start, open_end = bool(parts) and parts[0] == ANY_RUN, bool(parts) and parts[-1] == ANY_RUN
    pieces = [_piece(tuple(group)) for run, group in groupby(parts, lambda part: part == ANY_RUN) if not run]
    if not pieces:
        return (lambda _: True) if open_start else (lambda text: not text)
    if len(pieces) == 1 and not open_start and not open_end:
        whole = pieces[0]
        return lambda text: whole.fullmatch(text) is not None
    first = None if open_start else pieces.pop(0)
    last = None if open_end or not pieces else pieces.pop()
    tail = last and re.compile(f"(?:{last.pattern})\\Z", re.DOTALL)
    tail_length = _width(parts) if last else 0

    def matches(text: str) -> bool:
        at, end = 0, len(text) - tail_length
        if first is not None:
            begun = first.match(text)
            if begun is None:
                return False
            at = begun.end()
        if end < at or (tail is not None and tail.match(text, end) is None):
            return False
        for piece in pieces:
            found = piece.search(text, at, end)
            if found is None:
                return False
            at = found.end()
        return True

    return matches


def _piece(parts: Sequence[Part]) -> re.Pattern[str]:
    """A part between two `*` as an expression without quantifiers: its search is linear in text times piece."""
    symbols = {ANY_ONE: ".", ANY_DASH: f"[{re.escape(DASHES)}]", ANY_SIGMA: "[\u03c2\u03c3]"}
    return re.compile("".join(re.escape(part) if isinstance(part, str) else symbols[part] for part in parts), re.DOTALL)


def _width(parts: Sequence[Part]) -> int:
    """How many characters follow the last `*`."""
    last = max((i for i, part in enumerate(parts) if part == ANY_RUN), default=-1)
    return sum(len(part) if isinstance(part, str) else 1 for part in parts[last + 1 :])
