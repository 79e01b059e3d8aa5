"""Batches of Events in, the detection rules that each fires out; and why a rule did or did not fire on an event. One event at a time:
correlations over several and what tuning hides are `soc.detect.ruleset`'s."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from collectors.event import Event
from soc.detect import Match
from soc.detect.sigma import ir
from soc.detect.sigma.explain import Part, explained, reasons
from soc.detect.sigma.group import Group
from soc.detect.sigma.index import Memory
from soc.detect.sigma.program import Binder, Bound, Row
from soc.detect.sigma.route import ROUTING
from soc.detect.sigma.routing import Kind, Routing, kind_of, known
from soc.detect.table import EventTable, Table, table_of


class Hit(NamedTuple):
    """An event that fires something: its place in the batch, the numbers of the rules, ascending, and by which route each reads it."""

    at: int
    fired: tuple[int, ...]
    routes: Mapping[int, int]


MAX_KINDS = 20_000
"""Kinds of events that are remembered; a source that invents event codes cannot fill the memory."""


class Matcher:
    """Detection rules ready to run; the same events give the same answers in any batches and any order."""

    def __init__(self, rules: Sequence[ir.Rule]) -> None:
        """`rules`: ids unique, in the order in which answers number them."""
        self._trees = [rule.tree for rule in rules]
        self._sources = [rule.logsource for rule in rules]
        self._routing = Routing(self._sources, self._trees)
        self._binder = Binder()
        self._memory = Memory()
        self._kinds: dict[Kind, Group | None] = {}
        self._groups: dict[tuple[tuple[int, int, tuple[bool, ...]], ...], Group] = {}
        self._whole: dict[tuple[int, int], Bound] = {}
        self._others: dict[tuple[int, int, int], tuple[Bound, ir.Node]] = {}  # the tree is kept: its id is the key

    def match(self, batch: Table | Sequence[Event]) -> list[Hit]:
        """The events that fire something, in the order of the batch."""
        table = table_of(batch)
        places: dict[Group, list[int]] = defaultdict(list)
        for at, key in enumerate(table.keys(ROUTING)):
            try:
                group = self._kinds[key]
            except (KeyError, TypeError):  # a kind not met yet; a list among the values
                group = self._group(kind_of(key))
            if group is not None:
                places[group].append(at)
        found = [Hit(at, fired, group.routes) for group, ats in places.items() for at, fired in group.match(table, ats)]
        found.sort(key=lambda hit: hit.at)
        return found

    def why(self, batch: Table | Sequence[Event], hit: Hit, number: int) -> tuple[Match, ...]:
        """Why a rule fired on the event of a hit; `batch`: as it was matched."""
        return reasons(self._tree(number, hit.routes[number]), Row(table_of(batch), hit.at))

    def columns(self, number: int, route: int, field: str) -> tuple[str, ...]:
        """The event fields that hold a Sigma field on one of a rule's routes (a value of `Hit.routes`)."""
        return self._routing.routes(self._sources[number])[route].columns(field)

    def holds(self, tree: ir.Node, batch: Table | Sequence[Event], hit: Hit, number: int) -> bool:
        """Whether another tree (a filter's) is true of the event of a hit, its fields read as the rule that fired reads them."""
        key = (id(tree), number, hit.routes[number])
        known = self._others.get(key)
        if known is None:
            route = self._routing.routes(self._sources[number])[hit.routes[number]]
            made = self._binder.bind(tree, route, {}, [])
            assert not isinstance(made, bool), "nothing is known, so nothing folds"
            known = self._others[key] = (made, tree)
        return known[0].holds(Row(table_of(batch), hit.at))

    def explain(self, number: int, event: Event) -> tuple[bool, Part]:
        """Whether a rule's logsource covers the event, and every part of it with its verdict and the event's values."""
        table = EventTable([event])
        bound, routed = self._bound(number, kind_of(table.keys(ROUTING)[0]))
        return routed, explained(bound, Row(table, 0))

    def _bound(self, number: int, kind: Kind) -> tuple[Bound, bool]:
        """A rule's whole tree on the route that takes events of a kind (else on its first), and whether one does."""
        at = self._routing.route(number, kind)
        return self._tree(number, at or 0), at is not None

    def _tree(self, number: int, at: int) -> Bound:
        bound = self._whole.get((number, at))
        if bound is None:
            route = self._routing.routes(self._sources[number])[at]
            made = self._binder.bind(self._routing.tree(number, at), route, {}, [])
            assert not isinstance(made, bool), "nothing is known, so nothing folds"
            bound = self._whole[number, at] = made
        return bound

    def _group(self, kind: Kind) -> Group | None:
        # only kinds of text are looked up as they are: as dictionary keys, true and 1 are the same
        key = kind if all(isinstance(value, str | None) for value in kind) else (repr(kind),)
        if key in self._kinds:
            return self._kinds[key]
        if len(self._kinds) >= MAX_KINDS:
            self._kinds.clear()
            self._groups.clear()
            self._memory = Memory()
        routes, trees, identity = {}, [], []
        values = known(kind)
        for number, at in self._routing.of(kind):
            decided: list[bool] = []
            route = self._routing.routes(self._sources[number])[at]
            tree = self._binder.bind(self._routing.tree(number, at), route, values, decided)
            if tree is not False:
                routes[number] = at
                trees.append(tree)
                identity.append((number, at, tuple(decided)))
        group = None
        if routes:
            group = self._groups.get(tuple(identity)) or self._groups.setdefault(
                tuple(identity), Group(routes, trees, self._memory)
            )
        self._kinds[key] = group
        return group
