"""A bound rule and an event in, the reasons out: every leaf with its verdict and the event's value; of a hit, the leaves that made it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from soc.detect import Match
from soc.detect.sigma.program import KEYWORDS, All, Bound, Check, Row, Some, shown

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


def explained(node: Bound, row: Row) -> Part:
    """The tree with its verdicts."""
    if isinstance(node, Check):
        written = tuple(dict.fromkeys(pattern.written for pattern in node.leaf.patterns))
        reason = node.reason(row)
        value = reason[2] if reason else None if node.columns == KEYWORDS else row.cell(node.columns)
        text = "not found" if node.columns == KEYWORDS and reason is None else shown(value)
        columns = () if node.columns == KEYWORDS else node.columns
        return Part("leaf", node.holds(row), (), node.leaf.where, columns, written, text)
    if isinstance(node, All | Some):
        return Part(
            "and" if isinstance(node, All) else "or",
            node.holds(row),
            tuple(explained(item, row) for item in node.items),
        )
    return Part("not", node.holds(row), (explained(node.item, row),))


def reasons(node: Bound, row: Row) -> tuple[Match, ...]:
    """The leaves that make a true tree true; what is true because something else is absent has no leaf to show."""
    found: list[Match] = []
    _add_reasons(node, row, found)
    return tuple(found)


def _add_reasons(node: Bound, row: Row, found: list[Match]) -> None:
    if isinstance(node, Check):
        match = node.why(row)
        if match is not None and match not in found:
            found.append(match)
    elif isinstance(node, All | Some):
        for item in node.items:
            if isinstance(node, All) or item.holds(row):
                _add_reasons(item, row, found)
