"""Some rules that read the same kinds of events, and rows of such events in; which rules fire on each row out.

The index over the values that must be present names few candidates, and only their trees are evaluated, each on all its rows at once.
What an event fires depends on nothing but the event and the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from time import perf_counter_ns
from typing import NamedTuple

from soc.detect.sigma.frame import KEYWORDS, Candidates, Charge, Frame
from soc.detect.sigma.index import ColumnIndex, Memory, Wanted
from soc.detect.sigma.ir import Leaf, Node
from soc.detect.sigma.keywords import Pieces
from soc.detect.sigma.meter import Meter
from soc.detect.sigma.plan import Plan
from soc.detect.sigma.program import Binder, Bound, Clause, reads
from soc.detect.sigma.route import Route
from soc.detect.table import Key

MakeIndex = Callable[[Wanted], ColumnIndex]

Fired = dict[int, list[int]]
"""A row -> numbers of the rules that fire on it, in any order."""


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

    def __init__(
        self,
        members: Sequence[Member],
        binder: Binder,
        index: MakeIndex,
        memory: Memory,
        suspended: Collection[int],
        *,
        wordy: bool = False,
    ) -> None:
        """`members` by ascending numbers; those `suspended` are never evaluated. `wordy`: whether they look for keywords, in texts that
        never come again."""
        self.members = tuple(members)
        self.wordy = wordy
        self._binder = binder
        self._trees: dict[int, Bound] = {}
        self._reads: dict[int, frozenset[str]] = {}
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
            name: index(tuple((leaf, tuple(rules)) for leaf, rules in those.values())) for name, those in wanted.items()
        }
        self._keywords = indexes.pop(KEYWORDS[0], None)
        self._columns = list(indexes.items())
        self._memory = memory
        self._plans: dict[tuple[Candidates, ...], Plan] = {}
        memory.add(self)

    @property
    def indexes(self) -> Sequence[tuple[str, ColumnIndex]]:
        """The fields that are looked up in every row, and by what."""
        return self._columns

    @property
    def pieces(self) -> Pieces | None:
        """What is looked for in every row's texts."""
        return None if self._keywords is None else self._keywords.pieces

    def match(self, frame: Frame, meter: Meter | None = None) -> Fired:
        """The rows of the frame on which rules fire, each with the rules' numbers in the rule set."""
        fired: Fired = {}
        waiting: dict[int, list[int]] = defaultdict(list)
        asked: list[tuple[Plan, dict[Key, list[int]]]] = []
        for plan, rows in self.plan(frame, meter).items():
            if self.wordy or not plan.pays:
                for local in plan.rules:
                    waiting[local] += rows
                continue
            keys = plan.keys(frame, rows)
            new: dict[Key, list[int]] = {}
            for row, key, known in zip(rows, keys, plan.recall(keys), strict=True):
                if known is None:
                    new.setdefault(key, []).append(row)
                elif known:
                    fired[row] = list(known)
            if new:
                asked.append((plan, new))
                first = [alike[0] for alike in new.values()]
                for local in plan.rules:
                    waiting[local] += first
        self._evaluate(frame, waiting, fired, meter)
        for plan, new in asked:
            for key, alike in new.items():
                numbers = fired.get(alike[0], ())
                plan.learn(key, tuple(numbers))
                if numbers:
                    fired.update([(row, list(numbers)) for row in alike])
        self._evaluate(frame, dict.fromkeys(self._always, range(len(frame))), fired, meter)
        return fired

    def age(self) -> None:
        """Forget what fired on which values."""
        self._plans = {}

    def _evaluate(self, frame: Frame, waiting: Mapping[int, Sequence[int]], fired: Fired, meter: Meter | None) -> None:
        for local, rows in waiting.items():
            number, _, _, tree, _ = self.members[local]
            true: Sequence[int] = rows
            if tree is not True:
                if len(rows) > 1 and rows.__class__ is list:
                    rows.sort()
                began = perf_counter_ns() if meter is not None else 0
                true = (self._trees.get(local) or self._tree(local)).where(frame, rows)
                if meter is not None:
                    meter.add(number, perf_counter_ns() - began, len(rows))
            for row in true:
                fired.setdefault(row, []).append(number)

    def _tree(self, local: int) -> Bound:
        _, _, route, tree, _ = self.members[local]
        assert not isinstance(tree, bool)
        bound = self._trees[local] = self._binder.bind(tree, route, quick=True)
        return bound

    def plan(self, frame: Frame, meter: Meter | None) -> Mapping[Plan, list[int]]:
        """Rules worth evaluating, and on which rows: each row at most once; asked once of a frame."""
        known = frame.plans.get(id(self))
        if known is None:
            known = frame.plans[id(self)] = self._plan(frame, meter)
        return known

    def _plan(self, frame: Frame, meter: Meter | None) -> Mapping[Plan, list[int]]:
        charge = None if meter is None else self._charge(meter)
        rows, columns = frame.named(self._columns, charge)
        if self._keywords is not None:
            words = self._keywords.of_rows(frame, charge)
            if words:
                rows, columns = _with(dict(words), rows, columns)
        rows_of: dict[Plan, list[int]] = defaultdict(list)
        plans = self._plans
        for row, combination in zip(rows, zip(*columns, strict=True), strict=True):
            if any(combination):
                rows_of[plans.get(combination) or self._new(combination)].append(row)
        return rows_of

    def _new(self, combination: tuple[Candidates, ...]) -> Plan:
        rules = sorted({local for candidates in combination for local in candidates})
        self._memory.spend(0)
        plan = self._plans[combination] = Plan(rules, self.reads(rules), self._memory)
        return plan

    def reads(self, rules: Iterable[int] | None = None) -> list[str]:
        """The columns that the trees of some members (default: all) read."""
        return sorted(frozenset().union(*map(self._read, range(len(self.members)) if rules is None else rules)))

    def _read(self, local: int) -> frozenset[str]:
        read = self._reads.get(local)
        if read is None:
            _, _, route, tree, _ = self.members[local]
            read = self._reads[local] = frozenset() if isinstance(tree, bool) else reads(tree, route)
        return read

    def _charge(self, meter: Meter) -> Charge:
        return lambda local, nanoseconds: meter.add(self.members[local].number, nanoseconds)


def _with(
    words: Mapping[int, Candidates], rows: Sequence[int], columns: Sequence[Sequence[Candidates]]
) -> tuple[Sequence[int], list[Sequence[Candidates]]]:
    """The rows and columns of `Frame.named` with candidates of some rows more."""
    every = sorted({*rows, *words})
    place = {row: at for at, row in enumerate(rows)}
    wider = [[column[place[row]] if row in place else () for row in every] for column in columns]
    return every, [*wider, [words.get(row, ()) for row in every]]
