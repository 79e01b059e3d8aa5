"""What an event's routing fields say in, the rules that read such events out: no other rule is ever looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from collectors.event import Value
from soc.detect.sigma.ir import And, Leaf, Logsource, Node, Not, Pattern
from soc.detect.sigma.leaf import Test, text_of
from soc.detect.sigma.program import Clause, clause, fold, refers
from soc.detect.sigma.route import ROUTING, Route
from soc.detect.sigma.taxonomy import routes
from soc.detect.sigma.unit import Member
from soc.detect.table import Values

_TELLING = ("event.module", "event.category", "event.code", "event.dataset", "winlog.provider_name", "winlog.channel")
"""Routing fields, the most telling last: a route is looked up by one."""

Kind = tuple[Value | tuple[Value, ...], ...]
"""The values of the ROUTING fields, lists as tuples."""

_DATASET, _MODULE, _CODE = (ROUTING.index(name) for name in ("event.dataset", "event.module", "event.code"))


def kind_of(values: Values) -> Kind:
    """The kind of an event by the values of its routing fields: hashable whatever they hold."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in values)


def known(kind: Kind) -> dict[str, Value]:
    """The routing fields of a kind by name, as its events hold them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in zip(ROUTING, kind, strict=True)}  # type: ignore[misc]


class Routing:
    """The rules of a set by the routes of their logsources."""

    def __init__(
        self,
        sources: Sequence[Logsource],
        trees: Sequence[Node],
        tests: Callable[[Leaf], Test] = lambda leaf: Test(leaf.patterns),
        after: Routing | None = None,
    ) -> None:
        """`after`: that of an earlier set; what it knows of the trees that both have is not found out again."""
        self._sources = sources
        self._trees = trees
        self._tests = tests
        self._routes: dict[Logsource, tuple[Route, ...]] = {}
        self._rules: dict[Logsource, list[int]] = {}
        for number, source in enumerate(sources):
            self._rules.setdefault(source, []).append(number)
        self._entries: dict[tuple[str, str], list[tuple[Logsource, int]]] = {}
        self._required: dict[tuple[Logsource, int], tuple[Leaf, ...]] = {}
        self._by_kind: dict[tuple[Logsource, int], _Sorted] = {}
        # trees by their ids, each kept beside its id
        self._clauses: dict[int, tuple[Node, Clause | None]] = {}
        self._insisted: dict[tuple[Logsource, int], dict[int, _Insisted]] = {}
        self._folds: dict[tuple[int, Logsource, int, str], _Folded] = {}
        self._before = (
            _Known() if after is None else _Known(after._routes, after._clauses, after._insisted, after._folds)
        )

    def routes(self, source: Logsource) -> tuple[Route, ...]:
        """The routes of a logsource."""
        found = self._routes.get(source)
        if found is None:
            found = self._routes[source] = self._before.routes.get(source) or routes(source)
        return found

    def taken(self, kind: Kind) -> list[tuple[Logsource, int]]:
        """The logsources whose rules read events of a kind, each with the number of the first of its routes that takes them."""
        named = said(kind)
        if not self._entries:
            self._enter()
        taken: dict[Logsource, int] = {}
        for source, at in (
            entry
            for name, values in named.items()
            for value in values
            for entry in self._entries.get((name, value), ())
        ):
            if at < taken.get(source, at + 1) and takes(self.routes(source)[at], named):
                taken[source] = at
        return list(taken.items())

    def of(self, kind: Kind) -> list[tuple[int, int]]:
        """Numbers of the rules that read events of a kind, ascending, each with the number of the first of its routes that takes them."""
        codes = said(kind)["event.code"]
        found = []
        for source, at in self.taken(kind):
            sorted_ = self._sorted(source, at)
            found += [(number, at) for number in (*(member.number for member in sorted_.plain), *sorted_.on(codes))]
        return sorted(found)

    def plain(self, source: Logsource, at: int) -> tuple[Member, ...]:
        """The rules of a logsource, as one of its routes reads them, of which no kind decides anything."""
        return self._sorted(source, at).plain

    def folded(self, source: Logsource, at: int, kind: Kind) -> list[tuple[Member, tuple[bool, ...]]]:
        """The other rules of a logsource, without what a kind decides, as far as it does not rule them out; with what it decided."""
        found = []
        sorted_ = self._sorted(source, at)
        numbers = sorted_.on(said(kind)["event.code"] if sorted_.coded else frozenset())
        shown = repr(kind) if numbers else ""  # as keys, 1 and true are the same
        for number in numbers:
            folded = self._folded(number, at, kind, shown)
            if folded.tree is not False:
                member = Member(number, at, self.routes(source)[at], folded.tree, folded.needed)
                found.append((member, folded.decided))
        return found

    def _folded(self, number: int, at: int, kind: Kind, shown: str) -> _Folded:
        written, source = self._trees[number], self._sources[number]
        key = (id(written), source, at, shown)
        folded = self._folds.get(key)
        if folded is None:
            folded = self._before.folds.get(key)
            if folded is None:
                decided: list[bool] = []
                decide = partial(self._decide, self.routes(source)[at], known(kind))
                tree = fold(self.tree(number, at), decide, decided)
                needed = None if isinstance(tree, bool) else clause(tree)
                folded = _Folded(written, tree, needed, tuple(decided))
            if len(self._folds) >= _FOLDS_KEPT:
                self._folds.clear()
            self._folds[key] = folded
        return folded

    def _decide(self, route: Route, values: Mapping[str, Value], leaf: Leaf) -> bool | None:
        if not _routed(leaf, route):
            return None
        present = [values[name] for name in route.columns(leaf.field) if values[name] is not None]
        test = self._tests(leaf)
        return any(test.holds(value) for value in present) if present else test.absent

    def _enter(self) -> None:
        """Enter each route under the values of its most telling field."""
        for source in self._rules:
            for at, route in enumerate(self.routes(source)):
                name, values = max(route.where, key=lambda pair: _TELLING.index(pair[0]) if pair[0] in _TELLING else -1)
                for value in values:
                    self._entries.setdefault((name, value), []).append((source, at))

    def route(self, number: int, kind: Kind) -> int | None:
        """The number of the first route of a rule that takes events of a kind; None where none does."""
        return self._first(self._sources[number], said(kind))

    def tree(self, number: int, at: int) -> Node:
        """The tree of a rule on one of its routes, with what the route requires besides the routing fields."""
        source = self._sources[number]
        route = self.routes(source)[at]
        if not route.require:
            return self._trees[number]
        required = self._required.get((source, at))
        if required is None:
            required = self._required[source, at] = tuple(_requirement(*pair) for pair in route.require)
        return And((*required, self._trees[number]))

    def _first(self, source: Logsource, named: Mapping[str, frozenset[str]]) -> int | None:
        return next((at for at, route in enumerate(self.routes(source)) if takes(route, named)), None)

    def _sorted(self, source: Logsource, at: int) -> _Sorted:
        found = self._by_kind.get((source, at))
        if found is None:
            route = self.routes(source)[at]
            routed: dict[str, bool] = {"": False}
            before = self._before.insisted.get((source, at), {})
            insisted = self._insisted[source, at] = {}
            plain: list[Member] = []
            coded: dict[str, list[int]] = {}
            rest: list[int] = []
            for number in self._rules[source]:
                written = self._trees[number]
                seen = before.get(id(written))
                if seen is None:
                    kinds = _any_routed(self.tree(number, at), route, routed)
                    seen = _Insisted(written, not kinds, _codes(written, route) if kinds else None)
                insisted[id(written)] = seen
                if seen.plain:
                    tree = self.tree(number, at)
                    plain.append(Member(number, at, route, tree, self._clause(number, tree)))
                    continue
                for code in seen.codes or ():
                    coded.setdefault(code, []).append(number)
                if seen.codes is None:
                    rest.append(number)
            found = self._by_kind[source, at] = _Sorted(tuple(plain), coded, tuple(rest))
        return found

    def _clause(self, number: int, tree: Node) -> Clause | None:
        """What a plain tree needs; the same by each route that adds nothing to it."""
        if tree is not self._trees[number]:
            return clause(tree)
        found = self._clauses.get(id(tree))
        if found is None:
            found = self._clauses[id(tree)] = self._before.clauses.get(id(tree)) or (tree, clause(tree))
        return found[1]


class _Insisted(NamedTuple):
    """What a tree asks of routing fields on a route: nothing, or one of some event codes, or (None) what codes do not tell."""

    tree: Node
    plain: bool
    codes: frozenset[str] | None


class _Folded(NamedTuple):
    """What a kind leaves of a rule's tree `written`, what that needs, and what the kind decided."""

    written: Node
    tree: Node | bool
    needed: Clause | None
    decided: tuple[bool, ...]


_FOLDS_KEPT = 50_000
"""A source that invents kinds cannot fill the memory."""


class _Known(NamedTuple):
    """What an earlier set has found out of its logsources and trees."""

    routes: Mapping[Logsource, tuple[Route, ...]] = {}
    clauses: Mapping[int, tuple[Node, Clause | None]] = {}
    insisted: Mapping[tuple[Logsource, int], Mapping[int, _Insisted]] = {}
    folds: Mapping[tuple[int, Logsource, int, str], _Folded] = {}


class _Sorted(NamedTuple):
    """The rules of a logsource on a route: those that ask nothing of routing fields, those that insist on event codes, other ones."""

    plain: tuple[Member, ...]
    coded: Mapping[str, list[int]]
    rest: tuple[int, ...]

    def on(self, codes: frozenset[str]) -> list[int]:
        """Those that ask for routing fields and may fire on events of these codes."""
        return [*{number for code in codes for number in self.coded.get(code, ())}, *self.rest]


_NAMES = frozenset(ROUTING)


def _any_routed(node: Node, route: Route, known: dict[str, bool]) -> bool:
    """Whether a kind decides a leaf of a tree; `known`: of which fields that may be, for rules name few."""
    if isinstance(node, Leaf):
        found = known.get(node.field)
        if found is None:
            found = known[node.field] = _NAMES.issuperset(route.columns(node.field))
        return found and not refers(node)
    if isinstance(node, Not):
        return _any_routed(node.item, route, known)
    for item in node.items:  # noqa: SIM110  `any` over a generator takes twice as long, on every part of every rule
        if _any_routed(item, route, known):
            return True
    return False


def _routed(leaf: Leaf, route: Route) -> bool:
    """Whether a kind decides a leaf: it reads routing fields only."""
    return bool(leaf.field) and _NAMES.issuperset(route.columns(leaf.field)) and not refers(leaf)


def takes(route: Route, named: Mapping[str, frozenset[str]]) -> bool:
    """Whether a route takes events that say this in their routing fields."""
    return all(not accepted.isdisjoint(named[name]) for name, accepted in route.where)


def _requirement(name: str, values: frozenset[str]) -> Leaf:
    patterns = tuple(Pattern("equals", value, value) for value in sorted(values))
    return Leaf(f"logsource/{name}", name, patterns, key=f"{name} {sorted(values)}".encode())


def said(kind: Kind) -> dict[str, frozenset[str]]:
    """The routing values, lower case; the module from the dataset where the event has none."""
    texts = []
    for value in kind:
        items = value if isinstance(value, tuple) else () if value is None else (value,)
        texts.append(frozenset(text_of(item).lower() for item in items))
    if not texts[_MODULE]:
        texts[_MODULE] = frozenset(dataset.partition(".")[0] for dataset in texts[_DATASET])
    return dict(zip(ROUTING, texts, strict=True))


def _codes(node: Node, route: Route) -> frozenset[str] | None:
    """The event codes of which a tree needs one, lower case; None where any code will do."""
    if isinstance(node, Not):
        return None
    if isinstance(node, Leaf):
        if route.columns(node.field or "-") != (ROUTING[_CODE],):
            return None
        codes = [_plain(pattern) for pattern in node.patterns]
        return None if None in codes else frozenset(code for code in codes if code is not None)
    found = [_codes(item, route) for item in node.items]
    if isinstance(node, And):
        return min((one for one in found if one is not None), key=len, default=None)
    if any(one is None for one in found):
        return None
    return frozenset(code for one in found if one is not None for code in one)


def _plain(pattern: Pattern) -> str | None:
    return pattern.literal if pattern.kind in ("equals", "number") else None
