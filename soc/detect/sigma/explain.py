"""A bound rule and an event in, the reasons out: every leaf with its verdict and the event's value; of a hit, the leaves that made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collectors.event import ENVELOPE
from soc.detect import Match
from soc.detect.sigma.frame import KEYWORDS, Frame
from soc.detect.sigma.leaf import matches_absence, matching
from soc.detect.sigma.program import All, Bound, Check, Non, Some, shown
from soc.detect.sigma.row import Row
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

    Remembered by leaf and value, as most values have come before.
    """

    def __init__(self) -> None:
        self._trees: dict[Bound, tuple[_Node, bool]] = {}
        self._known: _Known = {}

    def of(self, tree: Bound, table: Table, place: int) -> tuple[Match, ...]:
        """The reasons of a tree on a row of which it is true."""
        try:
            node, repeats = self._trees[tree]
        except KeyError:
            wheres: list[str] = []
            node = _asked(tree, self._known, wheres)
            repeats = len(set(wheres)) < len(wheres)
            self._trees[tree] = node, repeats
        found: list[Match] = []
        node.add(_Seen(table, place), found)
        if len(self._known) >= _ROOM:
            self._known.clear()
        return tuple(dict.fromkeys(found)) if repeats else tuple(found)


_LONG = 1_024
"""Values up to so many characters are remembered,"""
_ROOM = 8_192
"""and how many: some 20 MB at the very worst."""
_UNKNOWN = Match("", "", "", "")


_RECORD = frozenset((*KEYWORDS, *ENVELOPE))
"""Columns that are not the fields of an event."""


class _Seen:
    """The row whose reasons are asked for."""

    __slots__ = ("_place", "_row", "_table", "get")

    def __init__(self, table: Table, place: int) -> None:
        self._table, self._place = table, place
        self._row: Row | None = None
        self.get = table.event(place).fields.get

    @property
    def row(self) -> Row:
        """For leaves that read more than one field's text."""
        if self._row is None:
            self._row = Row(self._table, self._place)
        return self._row


class _Leaf:
    """A leaf. `add` is for one that is known to be true, as of all nodes here; `holds` says whether it is, and adds its reason."""

    __slots__ = ("_absent", "_check", "_columns", "_known")

    def __init__(self, check: Check, known: _Known) -> None:
        self._check, self._known = check, known
        self._columns = () if check.references or not _RECORD.isdisjoint(check.columns) else check.columns
        self._absent: Match | None = None
        if matches_absence(check.leaf.patterns):
            absent = next(pattern for pattern in check.leaf.patterns if matches_absence((pattern,)))
            self._absent = Match(check.leaf.where, check.columns[0], absent.written, shown(None))

    def add(self, seen: _Seen, found: list[Match]) -> None:
        match = self._why(seen, sure=True)
        if match is not None:
            found.append(match)

    def holds(self, seen: _Seen, found: list[Match]) -> bool:
        match = self._why(seen, sure=False)
        if match is None:
            return False
        found.append(match)
        return True

    def _why(self, seen: _Seen, *, sure: bool) -> Match | None:
        name, value, get = "", None, seen.get
        for column in self._columns:
            cell = get(column)
            if cell is not None:
                if value is not None:
                    return self._check.why(seen.row)
                name, value = column, cell
        if value.__class__ is not str:
            return self._absent if value is None and self._columns else self._check.why(seen.row)
        key = (self, name, value)
        match = self._known.get(key, _UNKNOWN)
        if match is _UNKNOWN:
            match = self._of_text(name, value, sure=sure)
            if len(value) <= _LONG:
                self._known[key] = match
        return match

    def _of_text(self, name: str, value: str, *, sure: bool) -> Match | None:
        leaf, low = self._check.leaf, value.lower()
        if not sure and len(leaf.patterns) > 1 and not self._check.test.holds_text(value, low):
            return None
        pattern = matching(leaf.patterns, value, low)
        return None if pattern is None else Match(leaf.where, name, pattern.written, shown(value))


class _Every:
    """And: what it demands holds where it does."""

    __slots__ = ("_items",)

    def __init__(self, items: Sequence[_Node]) -> None:
        self._items = items

    def add(self, seen: _Seen, found: list[Match]) -> None:
        for item in self._items:
            item.add(seen, found)

    def holds(self, seen: _Seen, found: list[Match]) -> bool:
        before = len(found)
        for item in self._items:
            if not item.holds(seen, found):
                del found[before:]
                return False
        return True


class _Any:
    """Or: every item that holds is a reason."""

    __slots__ = ("_items",)

    def __init__(self, items: Sequence[_Node]) -> None:
        self._items = items

    def add(self, seen: _Seen, found: list[Match]) -> None:
        self.holds(seen, found)

    def holds(self, seen: _Seen, found: list[Match]) -> bool:
        holds = False
        for item in self._items:
            holds |= item.holds(seen, found)
        return holds


class _Bar:
    """Not: gives no reason, and what it excludes need not be looked at where it is known to hold."""

    __slots__ = ("_item",)

    def __init__(self, item: Bound) -> None:
        self._item = item

    def add(self, _: _Seen, __: list[Match]) -> None:
        """Nothing."""

    def holds(self, seen: _Seen, _: list[Match]) -> bool:
        return not _true(self._item, seen.row)


_Node = _Leaf | _Every | _Any | _Bar
_Known = dict[tuple[_Leaf, str, str], Match | None]


def _asked(node: Bound, known: _Known, wheres: list[str]) -> _Node:
    """The tree as it is asked for reasons; `wheres` gets those of its leaves."""
    if isinstance(node, Check):
        wheres.append(node.leaf.where)
        return _Leaf(node, known)
    if isinstance(node, Non):
        return _Bar(node.item)
    items = [_asked(item, known, wheres) for item in node.items]
    return _Every(items) if isinstance(node, All) else _Any(items)


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
