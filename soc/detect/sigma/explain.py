"""A bound rule and an event in, the reasons out: every leaf with its verdict and the event's value; of a hit, the leaves that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from soc.detect import Match
from soc.detect.sigma.program import KEYWORDS, All, Bound, Check, Columns, Frame, Non, Row, Some, shown
from soc.detect.table import Table

_WRITTEN = 8
"""Patterns of one leaf that an explanation prints."""


@dataclass(frozen=True, slots=True)
class Part:
    """One node of a rule on one event. `kind`: and, or, not, leaf. `columns`, `patterns`, `value`: of a leaf, as text."""

    kind: str
    holds: bool
    parts: tuple[Part, ...] = ()
    where: str = ""
    columns: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    value: str = ""

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as text, a line a node, PASS or FAIL first."""
        verdict = "PASS" if self.holds else "FAIL"
        if self.kind == "leaf":
            more = f" (and {len(self.patterns) - _WRITTEN} more)" if len(self.patterns) > _WRITTEN else ""
            wanted = " | ".join(self.patterns[:_WRITTEN]) + more
            yield f"{verdict}  {'  ' * depth}{self.where} = {wanted}   [{' or '.join(self.columns) or 'any text'}: {self.value}]"
        else:
            yield f"{verdict}  {'  ' * depth}{self.kind}"
        for part in self.parts:
            yield from part.lines(depth + 1)


def explained(node: Bound, frame: Frame, row: int) -> Part:
    """The tree with its verdicts on a row."""
    holds = bool(node.where(frame, (row,)))
    if isinstance(node, Check):
        written = tuple(dict.fromkeys(pattern.written for pattern in node.leaf.patterns))
        reason = node.reason(frame, row)
        value = reason[2] if reason else None if node.columns == KEYWORDS else frame.cell(node.columns, row)
        text = "not found" if node.columns == KEYWORDS and reason is None else shown(value)
        columns = () if node.columns == KEYWORDS else node.columns
        return Part("leaf", holds, (), node.leaf.where, columns, written, text)
    if isinstance(node, Non):
        return Part("not", holds, (explained(node.item, frame, row),))
    kind = "and" if isinstance(node, All) else "or"
    return Part(kind, holds, tuple(explained(item, frame, row) for item in node.items))


class Reasons:
    """Why rules fire: the leaves that make a tree true. What is true because something else is absent has no leaf to show.

    Remembered by what the rule reads, as most of what fires has fired before.
    """

    def __init__(self) -> None:
        self._columns: dict[Bound, Columns | None] = {}
        self._known: dict[tuple[object, ...], tuple[Match, ...]] = {}

    def of(self, tree: Bound, table: Table, place: int) -> tuple[Match, ...]:
        """The reasons of a tree on a row of which it is true."""
        try:
            columns = self._columns[tree]
        except KeyError:
            columns = self._columns[tree] = _read(tree)
        if columns is None:
            return _reasons(tree, Row(table, place))
        cells = [table.cell(name, place) for name in columns]
        size = 0
        for cell in cells:
            if cell.__class__ is str:
                size += len(cell)
            elif cell is not None:  # as keys, 1 and true are the same
                size = _LONG
        if size >= _LONG:
            return _reasons(tree, Row(table, place))
        key = (tree, *cells)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _ROOM:
                self._known.clear()
            found = self._known[key] = _reasons(tree, Row(table, place))
        return found


_LONG = 1_024
"""Reasons are remembered where a rule reads fewer characters of an event,"""
_ROOM = 8_192
"""and how many: some 20 MB at the very worst."""


def _read(node: Bound) -> Columns | None:
    """The columns on which the reasons of a tree that holds depend; None where they are all of them."""
    found: dict[str, None] = {}
    rest: list[tuple[Bound, bool]] = [(node, True)]
    while rest:
        node, true = rest.pop()
        if isinstance(node, Check):
            if node.columns == KEYWORDS:
                return None
            found.update(dict.fromkeys(node.columns))
            for _, columns in node.references:
                found.update(dict.fromkeys(columns))
        elif not isinstance(node, Non):
            rest += [(item, true and isinstance(node, All)) for item in node.items]
        elif not true:
            rest.append((node.item, False))
    return tuple(found)


def _reasons(tree: Bound, row: Row) -> tuple[Match, ...]:
    found: list[Match] = []
    _add(tree, row, found)
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _add(node: Bound, row: Row, found: list[Match]) -> None:
    """Add the reasons of a tree that holds: what it demands holds too, and what it excludes need not be looked at."""
    if isinstance(node, All):
        for item in node.items:
            _add(item, row, found)
    elif not isinstance(node, Non):
        _holds(node, row, found)


def _holds(node: Bound, row: Row, found: list[Match]) -> bool:
    """Whether a tree holds; the reasons are added where it does."""
    if isinstance(node, Check):
        match = node.why(row)
        if match is None:
            return False
        found.append(match)
        return True
    if isinstance(node, Non):
        return not _true(node.item, row)
    if isinstance(node, Some):
        holds = False
        for item in node.items:  # every item that holds is a reason
            holds |= _holds(item, row, found)
        return holds
    before = len(found)
    for item in node.items:
        if not _holds(item, row, found):
            del found[before:]
            return False
    return True


def _true(node: Bound, row: Row) -> bool:
    """Whether a tree holds, which nobody asks why."""
    if isinstance(node, Check):
        return node.true(row)
    if isinstance(node, Non):
        return not _true(node.item, row)
    wanted = isinstance(node, Some)
    for item in node.items:
        if _true(item, row) is wanted:
            return wanted
    return not wanted
