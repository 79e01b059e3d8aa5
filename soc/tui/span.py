"""What screens say: lines of spans, each a text with the role it plays; and the folding of lines to a width. No terminal here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import NamedTuple

from rich.cells import get_character_cell_size

from soc import display


class Role(StrEnum):
    """Why a text looks as it does; `look.palette` says how, and never by colour alone."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    HEAD = "head"
    KEY = "key"
    MARK = "mark"
    CURSOR = "cursor"
    BAR = "bar"
    WARN = "warn"
    NEWS = "news"
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFORMATIONAL = "informational"


class Span(NamedTuple):
    """A piece of one line. `text` may come from anywhere: it is sanitised where it is fitted, folded or painted."""

    text: str
    role: Role = Role.PLAIN


class Line(NamedTuple):
    """A line before folding; `indent`: cells that its continuation lines are moved in."""

    spans: tuple[Span, ...] = ()
    indent: int = 0


def line(*parts: str | Span, indent: int = 0) -> Line:
    """A line of spans and plain texts."""
    return Line(tuple(p if isinstance(p, Span) else Span(p) for p in parts), indent)


def merge(spans: Iterable[Span]) -> list[Span]:
    """Neighbours of one role as one span: fewer escape sequences on the wire."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].role == span.role:
            merged[-1] = Span(merged[-1].text + span.text, span.role)
        elif span.text:
            merged.append(span)
    return merged


def length(spans: Iterable[Span]) -> int:
    """Cells that sanitised spans take."""
    return sum(display.width(span.text) for span in spans)


def cut(spans: Iterable[Span], cells: int) -> list[Span]:
    """Sanitised spans, cut with an ellipsis where they take more than so many cells."""
    kept: list[Span] = []
    left = cells
    for span in spans:
        text = display.sanitise(span.text)
        taken = display.width(text)
        if not text:
            continue
        if taken > left:
            if kept and left == 0:
                text, role = kept.pop()
                left = display.width(text)
                return [*kept, Span(display.fit(text + " ", left), role)]
            return [*kept, Span(display.fit(text, left), span.role)] if left else kept
        kept.append(Span(text, span.role))
        left -= taken
    return kept


def fold(one: Line, cells: int) -> list[list[Span]]:
    """The line as lines of at most so many cells, sanitised: broken after a space where one is near, anywhere else otherwise."""
    spans = merge(Span(display.sanitise(span.text), span.role) for span in one.spans)
    text = "".join(span.text for span in spans)
    if display.width(text) <= cells:
        return [spans]
    indent = one.indent if one.indent <= cells // 2 else 0
    breaks = _breaks(text, cells, cells - indent)
    starts = [0]
    for span in spans:
        starts.append(starts[-1] + len(span.text))
    folded = []
    for number, (begin, end) in enumerate(zip(breaks, [*breaks[1:], len(text)], strict=True)):
        pad = [Span(" " * indent)] if number and indent else []
        folded.append(pad + _slice(spans, starts, begin, end))
    return folded


def _breaks(text: str, first: int, other: int) -> list[int]:
    """Offsets at which lines begin."""
    begins = [0]
    ascii_only = text.isascii()
    while True:
        begin = begins[-1]
        cells = max(1, first if len(begins) == 1 else other)
        end = begin + cells if ascii_only else _reach(text, begin, cells)
        if end >= len(text):
            return begins
        space = text.rfind(" ", begin + (end - begin) * 2 // 3, end)
        begins.append(space + 1 if space > begin else end)


def _reach(text: str, begin: int, cells: int) -> int:
    used = 0
    for at in range(begin, len(text)):
        used += get_character_cell_size(text[at])
        if used > cells and at > begin:
            return at
    return len(text)


def _slice(spans: Sequence[Span], starts: Sequence[int], begin: int, end: int) -> list[Span]:
    sliced = []
    for number in range(bisect_right(starts, begin) - 1, len(spans)):
        if starts[number] >= end:
            break
        text = spans[number].text[max(0, begin - starts[number]) : end - starts[number]]
        if text:
            sliced.append(Span(text, spans[number].role))
    return sliced
