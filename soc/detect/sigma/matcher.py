"""Batches of events in, the detection rules that each fires out; and why a rule did or did not fire on an event. One event at a time:
correlations over several and what tuning hides are `soc.detect.ruleset`'s."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

from collectors.event import Event, Value
from soc.detect import Match
from soc.detect.sigma import ir
from soc.detect.sigma.explain import Part, Reasons, explained
from soc.detect.sigma.frame import Frame, tells
from soc.detect.sigma.group import NOTHING, Group
from soc.detect.sigma.index import ColumnIndex
from soc.detect.sigma.keywords import Pieces
from soc.detect.sigma.meter import Meter
from soc.detect.sigma.program import Binder, Bound
from soc.detect.sigma.route import ROUTING
from soc.detect.sigma.routing import Kind, Routing, kind_of
from soc.detect.sigma.row import frame_of
from soc.detect.sigma.store import Store
from soc.detect.sigma.unit import Member, Unit
from soc.detect.table import ColumnTable, EventTable, Table, table_of


class Hit(NamedTuple):
    """An event that fires something: its place in the batch, the numbers of the rules, ascending, and by which route each reads it."""

    at: int
    fired: tuple[int, ...]
    routes: Mapping[int, int]


MAX_KINDS = 20_000
"""Kinds of events that are remembered; a source that invents event codes cannot fill the memory."""


_FEW = 64
"""Rules of a logsource up to which indexing them again with those that other kinds decide costs less than asking two indexes."""


class Matcher:
    """Detection rules ready to run; the same events give the same answers in any batches and any order."""

    def __init__(self, rules: Sequence[ir.Rule], *, after: Matcher | None = None) -> None:
        """`rules`: ids unique, in the order in which answers number them. `after`: a matcher of other rules, whose work is used again."""
        self._rules = tuple(rules)
        self._sources = [rule.logsource for rule in rules]
        self._store: Store = Store() if after is None else after._store.next()
        trees = [rule.tree for rule in rules]
        self._routing: Routing = Routing(
            self._sources, trees, self._store.tests.of, None if after is None else after._routing
        )
        self._binder = Binder(self._store.tests.of)
        self._wordy: dict[int, bool] = {}
        self._suspended: frozenset[int] = frozenset()
        self._whole: dict[tuple[int, int], Bound] = {}
        self._reasons = Reasons()
        self._others: dict[tuple[int, int, int], tuple[Bound, ir.Node]] = {}  # the tree is kept: its id is the key
        self._forget()

    def _forget(self) -> None:
        self._kinds: dict[object, Group | None] = {}
        self._groups: dict[tuple[int, ...], Group] = {}
        self._parts: dict[object, list[Unit]] = {}

    def match(self, batch: Table | Sequence[Event], meter: Meter | None = None) -> list[Hit]:
        """The events that fire something, in the order of the batch. `meter`: is charged with what each rule costs."""
        table = table_of(batch)
        work = [(group, frame_of(table, at), at) for group, at in self._grouped(table) if group is not None]
        if isinstance(table, ColumnTable):
            table.load({name for group, frame, _ in work for name in group.asks(frame, meter)})
        found: list[Hit] = []
        for group, frame, places in work:
            found += _hits(group, frame, places, meter)
        found.sort(key=lambda hit: hit.at)
        return found

    def _grouped(self, table: Table) -> Collection[tuple[Group | None, list[int]]]:
        """The rows of a table, ascending, by what events of their kinds meet."""
        places: dict[int, tuple[Group | None, list[int]]] = {}
        if isinstance(table, ColumnTable):
            for key, some in table.kinds(ROUTING):
                group = self._group_of(key)
                places.setdefault(id(group), (group, []))[1].extend(some.tolist())
            indexes: dict[tuple[str, ColumnIndex], None] = {}
            words: dict[Pieces, list[int]] = {}
            for group, rows in places.values():
                rows.sort()
                for unit in group.units if group is not None else ():
                    indexes.update(dict.fromkeys(unit.indexes))
                    if unit.pieces is not None:
                        words.setdefault(unit.pieces, []).extend(rows)
            table.prepare({name for name, _ in indexes}, words)
            table.load({name for name, index in indexes if tells(table, name, index)})
            return places.values()
        adds: dict[int, Callable[[int], None]] = {}  # by the identity of keys: rows of one kind may share theirs
        keys = table.keys(ROUTING)
        for at, key in enumerate(keys):
            add = adds.get(id(key))
            if add is None:
                group = self._group_of(key)
                add = adds[id(key)] = places.setdefault(id(group), (group, []))[1].append
            add(at)
        return places.values()

    def reads(self, values: Mapping[str, Value]) -> Sequence[str] | None:
        """The fields that are all that the rules read of events of a kind, but for keywords; None where that is not asked for yet. The same
        object each time, which `Table.values` is asked with. `values`: of the ROUTING fields."""
        group = self._group_of(tuple(map(values.get, ROUTING)))
        return NOTHING if group is None else group.columns

    def why(self, batch: Table | Sequence[Event], hit: Hit, number: int) -> tuple[Match, ...]:
        """Why a rule fired on the event of a hit; `batch`: as it was matched."""
        return self._reasons.of(self._tree(number, hit.routes[number]), table_of(batch), hit.at)

    def columns(self, number: int, route: int, field: str) -> tuple[str, ...]:
        """The event fields that hold a Sigma field on one of a rule's routes (a value of `Hit.routes`)."""
        return self._routing.routes(self._sources[number])[route].columns(field)

    def holds(self, tree: ir.Node, batch: Table | Sequence[Event], hit: Hit, number: int) -> bool:
        """Whether another tree (a filter's) is true of the event of a hit, its fields read as the rule that fired reads them."""
        key = (id(tree), number, hit.routes[number])
        known = self._others.get(key)
        if known is None:
            route = self._routing.routes(self._sources[number])[hit.routes[number]]
            known = self._others[key] = (self._binder.bind(tree, route), tree)
        return bool(known[0].where(frame_of(table_of(batch), (hit.at,)), (0,)))

    def explain(self, number: int, event: Event) -> tuple[bool, Part]:
        """Whether a rule's logsource covers the event, and every part of it with its verdict and the event's values."""
        table = EventTable([event])
        at = self._routing.route(number, kind_of(table.keys(ROUTING)[0]))
        tree = self._tree(number, at or 0)  # where no route takes the event, it is read by the first
        return at is not None, explained(tree, frame_of(table, (0,)), 0)

    def suspend(self, numbers: Collection[int]) -> None:
        """Evaluate all rules but these, nor ask what only these need, until the next call."""
        if frozenset(numbers) != self._suspended:
            self._suspended = frozenset(numbers)
            self._meet_again()

    def replaced(self, rules: Sequence[ir.Rule]) -> Matcher:
        """A matcher of other rules that is ready for the kinds of events that this one has met; what both have in common is kept.

        Nothing is suspended in it.
        """
        other = Matcher(rules, after=self)
        other._kinds = self._kinds
        other._meet_again()
        return other

    def _meet_again(self) -> None:
        kinds = [kind for kind in self._kinds if isinstance(kind, tuple) and len(kind) == len(ROUTING)]
        self._forget()
        for kind in kinds:
            self._group(kind)

    def _tree(self, number: int, at: int) -> Bound:
        """A rule's whole tree on one of its routes."""
        bound = self._whole.get((number, at))
        if bound is None:
            route = self._routing.routes(self._sources[number])[at]
            bound = self._whole[number, at] = self._binder.bind(self._routing.tree(number, at), route)
        return bound

    def _group_of(self, key: tuple[Value, ...]) -> Group | None:
        try:
            return self._kinds[key]
        except (KeyError, TypeError):  # a kind not met yet; a list among the values
            return self._group(kind_of(key))

    def _group(self, kind: Kind) -> Group | None:
        # only kinds of text are looked up as they are: as dictionary keys, true and 1 are the same
        key = kind if all(isinstance(value, str | None) for value in kind) else (repr(kind),)
        if key in self._kinds:
            return self._kinds[key]
        if len(self._kinds) >= MAX_KINDS:
            self._forget()
        units: list[Unit] = []
        variants: list[tuple[Member, tuple[bool, ...]]] = []
        for source, at in self._routing.taken(kind):
            members = self._routing.plain(source, at)
            if len(members) > _FEW:
                units += self._split((source, at), members)
            else:
                variants += [(member, ()) for member in members]
            variants += self._routing.folded(source, at, kind)
        if variants:
            variants.sort(key=lambda pair: pair[0].number)
            identity = tuple((member.number, member.at, decided) for member, decided in variants)
            units += self._split(identity, [member for member, _ in variants])
        group = None
        if units:
            ids = tuple(map(id, units))
            group = self._groups.get(ids)
            if group is None:
                group = self._groups[ids] = Group(units, self._store.memory)
        self._kinds[key] = group
        return group

    def _split(self, identity: object, members: Sequence[Member]) -> list[Unit]:
        """The members as units: those that look for keywords apart."""
        parts = self._parts.get(identity)
        if parts is None:
            parts = self._parts[identity] = []
            for wordy in (False, True):
                part = [member for member in members if self._is_wordy(member.number) is wordy]
                if part:
                    index, memory = self._store.index, self._store.memory
                    parts.append(Unit(part, self._binder, index, memory, self._suspended, wordy=wordy))
        return parts

    def _is_wordy(self, number: int) -> bool:
        """Whether a rule looks for keywords."""
        found = self._wordy.get(number)
        if found is None:
            found = self._wordy[number] = not all(leaf.field for leaf in ir.leaves(self._rules[number].tree))
        return found


def _hits(group: Group, frame: Frame, places: Sequence[int], meter: Meter | None) -> list[Hit]:
    """The hits among rows of one kind."""
    fired = group.match(frame, meter)
    if meter is not None:
        meter.saw(group.routes, len(places))
        meter.fired(chain.from_iterable(fired.values()))
    return [Hit(places[row], numbers, group.routes) for row, numbers in fired.items()]
