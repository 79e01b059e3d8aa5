"""Some rules that read the same kinds of events, and rows of such events in; on which rows each rule fires out.

The index over the values that must be present names few candidates, and only their trees are evaluated, each on all its rows at once.
What an event fires depends on nothing but the event and the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple

from soc.detect.sigma.index import Candidates, Charge, ColumnIndex, Wanted
from soc.detect.sigma.ir import Leaf, Node
from soc.detect.sigma.meter import Meter
from soc.detect.sigma.program import KEYWORDS, Binder, Bound, Clause, Frame
from soc.detect.sigma.route import Route

MakeIndex = Callable[[Wanted], ColumnIndex]


class Member(NamedTuple):
    """A rule as events of some kinds meet it: its number in the rule set, by which of its routes, and what is left of its tree.

    `tree` is True where the kind alone makes the rule fire. `needed`: its `clause`.
    """

    number: int
    at: int
    route: Route
    tree: Node | bool
    needed: Clause | None


class Unit:
    """Rules that are indexed together: those of a logsource that do not ask what kind an event is of, or those that a kind has decided."""

    def __init__(self, members: Sequence[Member], binder: Binder, index: MakeIndex, suspended: Collection[int]) -> None:
        """`members` by ascending numbers; those `suspended` are never evaluated."""
        self.members = tuple(members)
        self._binder = binder
        self._trees: dict[int, Bound] = {}
        self._always: list[int] = []
        wanted: dict[str, dict[bytes, tuple[Leaf, list[int]]]] = defaultdict(dict)
        for local, (number, _, route, _, needed) in enumerate(self.members):
            if number in suspended:
                continue
            if needed is None:
                self._always.append(local)
                continue
            for leaf in needed.leaves:
                for name in route.columns(leaf.field) if leaf.field else KEYWORDS:
                    rules = wanted[name].setdefault(leaf.key, (leaf, []))[1]
                    if not rules or rules[-1] != local:
                        rules.append(local)
        indexes = {
            name: index(tuple((leaf, tuple(rules)) for leaf, rules in leaves.values()))
            for name, leaves in wanted.items()
        }
        self._keywords = indexes.pop(KEYWORDS[0], None)
        self._columns = list(indexes.items())

    def match(self, frame: Frame, meter: Meter | None = None) -> Iterator[tuple[int, Sequence[int]]]:
        """Numbers of rules in the rule set, each with the rows of the frame on which it fires."""
        for local, named in self._candidates(frame, meter).items():
            number, _, _, tree, _ = self.members[local]
            if tree is True:
                yield number, named
                continue
            rows = sorted(set(named)) if len(named) > 1 else named  # more than one column may have named a row
            began = perf_counter_ns() if meter is not None else 0
            true = (self._trees.get(local) or self._tree(local)).where(frame, rows)
            if meter is not None:
                meter.add(number, perf_counter_ns() - began, len(rows))
            if true:
                yield number, true

    def _tree(self, local: int) -> Bound:
        _, _, route, tree, _ = self.members[local]
        assert not isinstance(tree, bool)
        bound = self._trees[local] = self._binder.bind(tree, route, quick=True)
        return bound

    def _candidates(self, frame: Frame, meter: Meter | None) -> Mapping[int, Sequence[int]]:
        """Rules worth evaluating, by their numbers here, and on which rows."""
        charge = None if meter is None else self._charge(meter)
        rows_of: dict[int, list[int]] = defaultdict(list)
        for name, index in self._columns:
            found = index.look_up(frame.column(name), charge)
            if any(found):
                _enter(enumerate(found), rows_of)
        if self._keywords is not None:
            _enter(self._keywords.of_rows(frame, charge), rows_of)
        return {**rows_of, **dict.fromkeys(self._always, range(len(frame)))}

    def _charge(self, meter: Meter) -> Charge:
        return lambda local, nanoseconds: meter.add(self.members[local].number, nanoseconds)


def _enter(found: Iterable[tuple[int, Candidates]], rows_of: dict[int, list[int]]) -> None:
    for row, candidates in found:
        for local in candidates:
            rows_of[local].append(row)
