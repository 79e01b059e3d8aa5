"""A bound rule and an event in, the reasons out: every leaf with its verdict and the event's value; of a hit, the leaves that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from soc.detect import Match
from soc.detect.sigma.program import KEYWORDS, All, Bound, Check, Frame, Non, Some, shown
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


def reasons(node: Bound, table: Table, place: int) -> tuple[Match, ...]:
    """The leaves that make a tree true; what is true because something else is absent has no leaf to show."""
    found: dict[Match, None] = {}
    _holds(node, table, place, found)
    return tuple(found)


def _holds(node: Bound, table: Table, place: int, found: dict[Match, None]) -> bool:
    """Whether a tree holds; the reasons are added where it does."""
    if isinstance(node, Check):
        match = node.why(table, place)
        if match is not None:
            found[match] = None
        return match is not None
    if isinstance(node, Non):
        return not _holds(node.item, table, place, {})
    if isinstance(node, Some):
        holding = [_holds(item, table, place, found) for item in node.items]  # every item that holds is a reason
        return any(holding)
    inner: dict[Match, None] = {}
    for item in node.items:
        if not _holds(item, table, place, inner):
            return False
    found.update(inner)
    return True
