"""A rule's tree bound to one kind of event: Sigma's fields as ECS columns, what the kind decides folded away, the rest callable.

Binding is where the taxonomy meets the tree. `clause` gives what must be present for the tree to hold: the index looks for it and no tree
is evaluated on an event without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collectors.event import Value
from soc.detect import Match
from soc.detect.sigma.ir import And, Leaf, Node, Not, Pattern
from soc.detect.sigma.leaf import Test, matches_absence, matching, same, text_of
from soc.detect.sigma.route import Route
from soc.detect.table import Table

KEYWORDS = ("",)
"""The columns of a keyword leaf: the original text and every text value of the event."""

Columns = tuple[str, ...]

_REMEMBERED = 256
"""Characters of a value up to which a leaf remembers how it matched."""
_MATCHES = 64
"""Values for which it does."""


class Row:
    """One event as the trees read it; each cell is fetched once."""

    __slots__ = ("_lows", "_place", "_table", "cells")

    def __init__(self, table: Table, place: int) -> None:
        self._table, self._place = table, place
        self.cells: dict[Columns, Value] = {}
        self._lows: dict[Columns, str] = {}

    def cell(self, columns: Columns) -> Value:
        """What the columns hold: absent, one value, or the list of all their values."""
        if columns not in self.cells:
            self.cells[columns] = self._read(columns)
        return self.cells[columns]

    def first(self, name: str) -> Value:
        """One field alone."""
        return self._table.cell(name, self._place)

    def low(self, columns: Columns, value: str) -> str:
        """The lower case of the text in a cell."""
        found = self._lows.get(columns)
        if found is None:
            found = self._lows[columns] = value.lower()
        return found

    def _read(self, columns: Columns) -> Value:
        if columns == KEYWORDS:
            return self._table.texts(self._place)
        present: list[Value] = []
        for name in columns:
            value = self._table.cell(name, self._place)
            if value is not None and value != []:
                present.append(value)
        if len(present) < 2:
            return present[0] if present else None
        return [item for value in present for item in (value if isinstance(value, list) else [value])]  # type: ignore[return-value]


class Check:
    """A bound leaf. `id` is the same for the same patterns on the same columns, whichever rule asks; so is `test`, made on first use."""

    __slots__ = ("_matches", "_test", "_tests", "columns", "id", "leaf", "references")

    def __init__(self, identity: int, leaf: Leaf, columns: Columns, tests: dict[bytes, Test], route: Route) -> None:
        self.id, self.leaf, self.columns, self._tests = identity, leaf, columns, tests
        self.references = tuple(
            (pattern, route.columns(str(pattern.value))) for pattern in leaf.patterns if pattern.kind == "field"
        )
        self._test: Test | None = None
        self._matches: dict[str, Match] = {}

    @property
    def test(self) -> Test:
        """What decides whether a value matches."""
        if self._test is None:
            self._test = self._tests.get(self.leaf.key) or self._tests.setdefault(
                self.leaf.key, Test(self.leaf.patterns)
            )
        return self._test

    def holds(self, row: Row) -> bool:
        """Whether the leaf is true of the event."""
        columns = self.columns
        value = row.cells[columns] if columns in row.cells else row.cell(columns)
        test = self._test or self.test
        if value.__class__ is str:
            known = test.known.get(value)
            if known is None:
                known = test.holds_text(value, row.low(columns, value))
        else:
            known = test.holds(value)
        return known or (bool(self.references) and self._reference(value, row) is not None)

    def why(self, row: Row) -> Match | None:
        """What an alert says of the leaf where it is true; remembered for text in its first column, as detections repeat."""
        value = None if self.columns == KEYWORDS else row.first(self.columns[0])
        if value.__class__ is not str or len(value) > _REMEMBERED:
            return self._why(row)
        found = self._matches.get(value)
        if found is None:
            found = self._why(row)
            if found is not None and found.field == self.columns[0] and not self.references:
                if len(self._matches) >= _MATCHES:
                    self._matches.clear()
                self._matches[value] = found
        return found

    def _why(self, row: Row) -> Match | None:
        found = self.reason(row)
        return Match(self.leaf.where, found[1], found[0].written, shown(found[2])) if found is not None else None

    def reason(self, row: Row) -> tuple[Pattern, str, Value] | None:
        """The first pattern that matches, the column and the value that it matched; None where the leaf is false."""
        if row.cell(self.columns) is None:
            absent = (pattern for pattern in self.leaf.patterns if matches_absence((pattern,)))
            return next(((pattern, self.columns[0], None) for pattern in absent), None)
        for name in self.columns:
            value = row.cell((name,) if len(self.columns) > 1 else self.columns)
            for item in value if isinstance(value, list) else [value]:
                pattern = None if item is None else matching(self.leaf.patterns, item) or self._reference(item, row)
                if pattern is not None:
                    return pattern, name, item
        return None

    def _reference(self, value: Value, row: Row) -> Pattern | None:
        return next(
            (pattern for pattern, columns in self.references if same(value, row.cell(columns), pattern.flags)), None
        )


class All:
    """And."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Bound, ...]) -> None:
        self.items = items

    def holds(self, row: Row) -> bool:
        """Whether all items hold."""
        for item in self.items:  # noqa: SIM110  `all` over a generator takes twice as long, a hundred thousand times a second
            if not item.holds(row):
                return False
        return True


class Some:
    """Or."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Bound, ...]) -> None:
        self.items = items

    def holds(self, row: Row) -> bool:
        """Whether one item holds."""
        for item in self.items:  # noqa: SIM110  as above
            if item.holds(row):
                return True
        return False


class Non:
    """Not."""

    __slots__ = ("item",)

    def __init__(self, item: Bound) -> None:
        self.item = item

    def holds(self, row: Row) -> bool:
        """Whether the item does not hold."""
        return not self.item.holds(row)


Bound = Check | All | Some | Non


class Binder:
    """Makes bound trees; leaves that ask the same are one object, their patterns compiled once."""

    def __init__(self) -> None:
        self._tests: dict[bytes, Test] = {}
        self._identities: dict[tuple[Columns, bytes], int] = {}
        self._checks: dict[tuple[Columns, int], Check] = {}

    def check(self, leaf: Leaf, route: Route) -> Check:
        """The leaf on the columns of a route."""
        columns = route.columns(leaf.field) if leaf.field else KEYWORDS
        key = (columns, id(leaf))  # the rules own their leaves and live as long as this
        found = self._checks.get(key)
        if found is None:
            identity = self._identities.setdefault((columns, leaf.key), len(self._identities))
            found = self._checks[key] = Check(identity, leaf, columns, self._tests, route)
        return found

    def bind(self, node: Node, route: Route, known: Mapping[str, Value], decided: list[bool]) -> Bound | bool:
        """The tree on a route, folded by the values that are `known`; each fold is noted in `decided`."""
        if isinstance(node, Leaf):
            check = self.check(node, route)
            if not check.references and all(name in known for name in check.columns):
                values = [known[name] for name in check.columns if known[name] is not None]
                holds = any(check.test.holds(value) for value in values) if values else check.test.absent
                decided.append(holds)
                return holds
            return check
        if isinstance(node, Not):
            inner = self.bind(node.item, route, known, decided)
            return not inner if isinstance(inner, bool) else Non(inner)
        conjunction = isinstance(node, And)
        rest = []
        for item in node.items:
            bound = self.bind(item, route, known, decided)
            if isinstance(bound, bool):
                if bound is not conjunction:
                    return bound
                continue
            rest.append(bound)
        if not rest:
            return conjunction
        if len(rest) == 1:
            return rest[0]
        return All(_quick_first(rest) if known else tuple(rest)) if conjunction else Some(tuple(rest))


def _quick_first(items: list[Bound]) -> tuple[Bound, ...]:
    """Single leaves before trees, and telling ones before common ones: what is false is soon found so. Whole trees keep their order."""
    return tuple(sorted(items, key=lambda item: -item.leaf.weight if isinstance(item, Check) else 1.0))


@dataclass(frozen=True, slots=True)
class Clause:
    """Leaves of which one must be true for a tree to hold, and how telling that is."""

    weight: float
    checks: tuple[Check, ...]


def clause(node: Bound) -> Clause | None:
    """The most telling clause of a tree; None where it can hold with every leaf false."""
    if isinstance(node, Check):
        return Clause(node.leaf.weight, (node,)) if not node.references else None
    if isinstance(node, Non):
        return None
    found = [clause(item) for item in node.items]
    if isinstance(node, All):
        return max((one for one in found if one is not None), key=lambda one: one.weight, default=None)
    if any(one is None for one in found):
        return None
    known = [one for one in found if one is not None]
    return Clause(min(one.weight for one in known), tuple(check for one in known for check in one.checks))


def shown(value: Value) -> str:
    """A value as an explanation prints it; long ones cut."""
    text = (
        "(absent)" if value is None else ", ".join(map(text_of, value)) if isinstance(value, list) else text_of(value)
    )
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text):,} characters)"


_SHOWN = 1_000
