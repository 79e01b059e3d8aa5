"""A rule's tree bound to the columns of one kind of event, and what it says of many rows at once.

`fold` takes away what the kind decides; `clause` gives what must be present for the rest to hold: the index looks for it and no tree is
evaluated on a row without it; `Binder.bind` is where the taxonomy meets the tree: Sigma's fields become columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress

from collectors.event import Value
from soc.detect import Match
from soc.detect.sigma.frame import KEYWORDS, Columns, Frame
from soc.detect.sigma.ir import And, Leaf, Node, Not, Or, Pattern, leaves
from soc.detect.sigma.leaf import Test, matches_absence, matching, same, text_of
from soc.detect.sigma.route import Route
from soc.detect.sigma.row import Row


class Check:
    """A bound leaf. `test` is the same for the same patterns, whichever rule asks."""

    __slots__ = ("_test", "_tests", "columns", "leaf", "references")

    def __init__(self, leaf: Leaf, columns: Columns, tests: Callable[[Leaf], Test], route: Route) -> None:
        self.leaf, self.columns, self._tests = leaf, columns, tests
        self.references = [
            (pattern, route.columns(str(pattern.value))) for pattern in leaf.patterns if pattern.kind == "field"
        ]
        self._test: Test | None = None

    @property
    def test(self) -> Test:
        """What decides whether a value matches; made when it is first asked for."""
        if self._test is None:
            self._test = self._tests(self.leaf)
        return self._test

    def where(self, frame: Frame, rows: Sequence[int]) -> Sequence[int]:
        """Those of the rows, in order, of which the leaf is true."""
        cells = frame.cells(self.columns, rows)
        found = list(compress(rows, (self._test or self.test).verdicts(cells)))
        if self.references and len(found) < len(rows):
            known = set(found)
            found = [
                row
                for row, value in zip(rows, cells, strict=True)
                if row in known or self._reference(value, frame, row) is not None
            ]
        return found

    def why(self, row: Row) -> Match | None:
        """What an alert says of the leaf where it is true, None where it is not."""
        found: tuple[Pattern, str, Value] | None
        name, value = ("", None) if self.references or self.columns == KEYWORDS else row.filled(self.columns)
        if value.__class__ is str:
            low = row.low(value)
            if not self.test.holds_text(value, low):
                return None
            pattern = matching(self.leaf.patterns, value, low)
            found = None if pattern is None else (pattern, name, value)
        else:
            found = self.reason(row.frame(), 0)
        return None if found is None else Match(self.leaf.where, found[1], found[0].written, shown(found[2]))

    def true(self, row: Row) -> bool:
        """Whether the leaf is true, for whoever need not know why."""
        if self.references or self.columns == KEYWORDS:
            return self.reason(row.frame(), 0) is not None
        return self.test.holds(row.filled(self.columns)[1])

    def reason(self, frame: Frame, row: int) -> tuple[Pattern, str, Value] | None:
        """The first pattern that matches, the column and the value that it matched; None where the leaf is false."""
        if frame.cell(self.columns, row) is None:
            absent = (pattern for pattern in self.leaf.patterns if matches_absence((pattern,)))
            return next(((pattern, self.columns[0], None) for pattern in absent), None)
        for name in self.columns:
            value = frame.cell((name,), row)
            for item in value if isinstance(value, list) else [value]:
                pattern = None if item is None else matching(self.leaf.patterns, item)
                pattern = pattern or (self._reference(item, frame, row) if self.references else None)
                if pattern is not None:
                    return pattern, name, item
        return None

    def _reference(self, value: Value, frame: Frame, row: int) -> Pattern | None:
        return next(
            (pattern for pattern, columns in self.references if same(value, frame.cell(columns, row), pattern.flags)),
            None,
        )


class All:
    """And. Its items are bound when they are first asked: most trees are false by their first."""

    __slots__ = ("_bind", "_bound", "_nodes")

    def __init__(self, nodes: Sequence[Node], bind: Callable[[Node], Bound]) -> None:
        self._nodes, self._bind = nodes, bind
        self._bound: list[Bound] = []

    @property
    def items(self) -> Sequence[Bound]:
        """All items."""
        self._bound += map(self._bind, self._nodes[len(self._bound) :])
        return self._bound

    def where(self, frame: Frame, rows: Sequence[int]) -> Sequence[int]:
        """Those of the rows, in order, of which all items are true."""
        bound = self._bound
        for item in bound:
            rows = item.where(frame, rows)
            if not rows:
                return rows
        for node in self._nodes[len(bound) :]:
            item = self._bind(node)
            bound.append(item)
            rows = item.where(frame, rows)
            if not rows:
                break
        return rows


class Some:
    """Or."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Bound, ...]) -> None:
        self.items = items

    def where(self, frame: Frame, rows: Sequence[int]) -> Sequence[int]:
        """Those of the rows, in order, of which one item is true."""
        found: set[int] = set()
        rest = rows
        for item in self.items:
            true = item.where(frame, rest)
            if true:
                if len(true) == len(rest):
                    return rows
                found.update(true)
                rest = [row for row in rest if row not in found]
        return [row for row in rows if row in found] if found else ()


class Non:
    """Not."""

    __slots__ = ("item",)

    def __init__(self, item: Bound) -> None:
        self.item = item

    def where(self, frame: Frame, rows: Sequence[int]) -> Sequence[int]:
        """Those of the rows, in order, of which the item is not true."""
        true = self.item.where(frame, rows)
        if not true:
            return rows
        if len(true) == len(rows):
            return ()
        found = set(true)
        return [row for row in rows if row not in found]


Bound = Check | All | Some | Non


class Binder:
    """Makes bound trees; leaves that ask the same share a test, whose patterns are compiled once."""

    def __init__(self, tests: Callable[[Leaf], Test]) -> None:
        self._tests = tests

    def bind(self, node: Node, route: Route, *, quick: bool = False) -> Bound:
        """The tree on a route. `quick`: in the order that decides soonest, else as its rule writes it."""
        if isinstance(node, Leaf):
            return Check(node, route.columns(node.field) if node.field else KEYWORDS, self._tests, route)
        if isinstance(node, Not):
            return Non(self.bind(node.item, route, quick=quick))
        bind = partial(self.bind, route=route, quick=quick)
        if isinstance(node, And):
            return All(sorted(node.items, key=_quick_first) if quick else node.items, bind)
        return Some(tuple(map(bind, node.items)))


def _quick_first(node: Node) -> float:
    """Single leaves before trees, and telling ones before common ones: what is false is soon found so."""
    return -node.weight if isinstance(node, Leaf) else 1.0


Decide = Callable[[Leaf], bool | None]
"""Whether a leaf is true of every event of a kind; None where the kind does not say."""


def fold(node: Node, decide: Decide, decided: list[bool]) -> Node | bool:
    """The tree without what is decided; each decision is noted in `decided`, so that equal notes mean equal trees."""
    if isinstance(node, Leaf):
        holds = decide(node)
        if holds is None:
            return node
        decided.append(holds)
        return holds
    if isinstance(node, Not):
        inner = fold(node.item, decide, decided)
        return not inner if isinstance(inner, bool) else node if inner is node.item else Not(inner)
    conjunction = isinstance(node, And)
    rest: list[Node] = []
    for item in node.items:
        folded = fold(item, decide, decided)
        if not isinstance(folded, bool):
            rest.append(folded)
        elif folded is not conjunction:
            return folded
    if len(rest) < 2:
        return rest[0] if rest else conjunction
    return And(tuple(rest)) if conjunction else Or(tuple(rest))


def reads(node: Node, route: Route) -> frozenset[str]:
    """The columns that a tree reads on a route."""
    found: set[str] = set()
    for leaf in leaves(node):
        found.update(route.columns(leaf.field) if leaf.field else KEYWORDS)
        for pattern in leaf.patterns:
            if pattern.kind == "field":
                found.update(route.columns(str(pattern.value)))
    return frozenset(found)


def refers(leaf: Leaf) -> bool:
    """Whether a leaf compares two fields."""
    return any(pattern.kind == "field" for pattern in leaf.patterns)


@dataclass(frozen=True, slots=True)
class Clause:
    """Leaves of which one must be true for a tree to hold, and how telling that is."""

    weight: float
    leaves: tuple[Leaf, ...]


def clause(node: Node) -> Clause | None:
    """The most telling clause of a tree; None where it can hold with every leaf false."""
    if isinstance(node, Leaf):
        return None if refers(node) else Clause(node.weight, (node,))
    if isinstance(node, Not):
        return None
    best: Clause | None = None
    if isinstance(node, And):
        for item in node.items:
            found = clause(item)
            if found is not None and (best is None or found.weight > best.weight):
                best = found
        return best
    wanted: list[Leaf] = []
    weight = float("inf")
    for item in node.items:
        found = clause(item)
        if found is None:
            return None
        wanted += found.leaves
        weight = min(weight, found.weight)
    return Clause(weight, tuple(wanted))


def shown(value: Value) -> str:
    """A value as an explanation prints it; long ones cut."""
    text = (
        "(absent)" if value is None else ", ".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
    )
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


_SHOWN = 1_000
