"""Events of one kind in, the rules that fire on them out. A kind is what the routing fields say: Sysmon's event 1, Security's 4688.

The rules of a kind are bound to its columns once; the index over the values that must be present names few candidates, and only their
trees are evaluated. What an event fires depends on nothing but the event and the rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from collectors.event import ENVELOPE, Event, Value
from soc.detect.sigma.index import Candidates, ColumnIndex, Memory
from soc.detect.sigma.program import KEYWORDS, Bound, Check, Clause, Row, clause, texts


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

    def match(self, events: Sequence[Event]) -> list[tuple[int, tuple[int, ...]]]:
        """For each event that fires something: its place in `events` and the numbers of the rules in the rule set, ascending."""
        found = []
        for at, candidates in self._candidates(events):
            row = Row(events[at])
            trees = self._trees
            fired = []
            for number in candidates:
                tree = trees[number]
                if tree is True or (tree is not False and tree.holds(row)):
                    fired.append(self.rules[number])
            if fired:
                found.append((at, tuple(fired)))
        return found

    def _candidates(self, events: Sequence[Event]) -> list[tuple[int, Candidates]]:
        """Each event with rules worth evaluating, and those rules."""
        getters = [event.fields.get for event in events]
        columns = [index.look_up(_column(name, events, getters)) for name, index in self._columns]
        if self._keywords is not None:
            columns.append([self._keywords.of_texts(texts(event)) for event in events])
        if self._always:
            everything = tuple(self._always)
            return [
                (at, _union((everything, *row)))
                for at, row in enumerate(zip(*columns, strict=True) if columns else [()] * len(events))
            ]
        return [(at, _union(row)) for at, row in enumerate(zip(*columns, strict=True)) if any(row)]


def _want(wanted: dict[str, dict[int, tuple[Check, list[int]]]], needed: Clause, number: int) -> None:
    for check in needed.checks:
        for name in check.columns:
            rules = wanted[name].setdefault(check.id, (check, []))[1]
            if not rules or rules[-1] != number:
                rules.append(number)


def _column(name: str, events: Sequence[Event], getters: Sequence) -> list[Value]:  # type: ignore[type-arg]
    if name in ENVELOPE:
        return [event.get(name) for event in events]
    return [get(name) for get in getters]


def _union(row: tuple[Candidates, ...]) -> Candidates:
    filled = [candidates for candidates in row if candidates]
    if len(filled) == 1:
        return filled[0]
    return tuple(sorted({number for candidates in filled for number in candidates}))
