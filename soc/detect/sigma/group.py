"""Events of one kind in, the rules that fire on them out. A kind is what the routing fields say: Sysmon's event 1, Security's 4688.

The rules of a kind are bound to its columns once; the index over the values that must be present names few candidates, and only their
trees are evaluated. What an event fires depends on nothing but the event and the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from soc.detect.sigma.index import Candidates, ColumnIndex, Memory
from soc.detect.sigma.program import KEYWORDS, Bound, Check, Clause, Row, clause
from soc.detect.table import Table


class Group:
    """The rules that may fire on one kind of event.

    `routes`: numbers of the rule set, ascending, each with the number of the route that takes such events; `trees` in the same order.
    """

    def __init__(self, routes: Mapping[int, int], trees: Sequence[Bound | bool], memory: Memory) -> None:
        self.routes = routes
        self.rules = tuple(routes)
        self._trees = tuple(trees)
        self._always: list[int] = []
        wanted: dict[str, dict[int, tuple[Check, list[int]]]] = defaultdict(dict)
        for number, tree in enumerate(self._trees):
            needed = None if isinstance(tree, bool) else clause(tree)
            if needed is None:
                self._always.append(number)
            else:
                _want(wanted, needed, number)
        of_keywords = wanted.pop(KEYWORDS[0], None)
        self._keywords = ColumnIndex(of_keywords.values(), memory, keywords=True) if of_keywords else None
        self._columns = [(name, ColumnIndex(checks.values(), memory)) for name, checks in wanted.items()]

    def match(self, table: Table, places: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
        """For each of these rows that fires something: its place and the numbers of the rules in the rule set, ascending."""
        found = []
        for at, candidates in self._candidates(table, places):
            row = Row(table, at)
            trees = self._trees
            fired = []
            for number in candidates:
                tree = trees[number]
                if tree is True or (tree is not False and tree.holds(row)):
                    fired.append(self.rules[number])
            if fired:
                found.append((at, tuple(fired)))
        return found

    def _candidates(self, table: Table, places: Sequence[int]) -> list[tuple[int, Candidates]]:
        """Each row with rules worth evaluating, and those rules."""
        columns = [index.look_up(table.column(name, places)) for name, index in self._columns]
        if self._keywords is not None:
            columns.append([self._keywords.of_texts(table, place) for place in places])
        rows = zip(*columns, strict=True) if columns else [()] * len(places)
        if self._always:
            everything = tuple(self._always)
            return [(at, _union((everything, *row))) for at, row in zip(places, rows, strict=True)]
        return [(at, _union(row)) for at, row in zip(places, rows, strict=True) if any(row)]


def _want(wanted: dict[str, dict[int, tuple[Check, list[int]]]], needed: Clause, number: int) -> None:
    for check in needed.checks:
        for name in check.columns:
            rules = wanted[name].setdefault(check.id, (check, []))[1]
            if not rules or rules[-1] != number:
                rules.append(number)


def _union(row: tuple[Candidates, ...]) -> Candidates:
    filled = [candidates for candidates in row if candidates]
    if len(filled) == 1:
        return filled[0]
    return tuple(sorted({number for candidates in filled for number in candidates}))
