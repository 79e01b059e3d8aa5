"""What an event's routing fields say in, the rules that read such events out: no other rule is ever looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from collectors.event import Value
from soc.detect.sigma.ir import And, Leaf, Logsource, Node, Not, Pattern
from soc.detect.sigma.leaf import text_of
from soc.detect.sigma.route import ROUTING, Route
from soc.detect.sigma.taxonomy import routes
from soc.detect.table import Values

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

    def __init__(self, sources: Sequence[Logsource], trees: Sequence[Node]) -> None:
        self._sources = sources
        self._trees = trees
        self._routes: dict[Logsource, tuple[Route, ...]] = {}
        self._rules: dict[Logsource, list[int]] = {}
        for number, source in enumerate(sources):
            self._rules.setdefault(source, []).append(number)
        self._entries: dict[tuple[str, str], list[tuple[Logsource, int]]] = {}
        self._required: dict[tuple[Logsource, int], tuple[Leaf, ...]] = {}
        self._by_code: dict[tuple[Logsource, int], tuple[dict[str, list[int]], list[int]]] = {}

    def routes(self, source: Logsource) -> tuple[Route, ...]:
        """The routes of a logsource."""
        found = self._routes.get(source)
        if found is None:
            found = self._routes[source] = routes(source)
        return found

    def of(self, kind: Kind) -> list[tuple[int, int]]:
        """Numbers of the rules that read events of a kind, ascending, each with the number of the first of its routes that takes them."""
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
        found = []
        for source, at in taken.items():
            coded, rest = self._coded(source, at)
            numbers = {number for code in named["event.code"] for number in coded.get(code, ())}
            found += [(number, at) for number in (*numbers, *rest)]
        return sorted(found)

    def _enter(self) -> None:
        """Enter each route under the values of its most telling field."""
        for source in self._rules:
            for at, route in enumerate(self.routes(source)):
                name, values = next((pair for pair in route.where if pair[0] == "winlog.channel"), route.where[0])
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

    def _coded(self, source: Logsource, at: int) -> tuple[dict[str, list[int]], list[int]]:
        """The rules of a source by the event codes that they insist on, and those that insist on none."""
        found = self._by_code.get((source, at))
        if found is None:
            coded: dict[str, list[int]] = {}
            rest: list[int] = []
            for number in self._rules[source]:
                codes = _codes(self._trees[number], self.routes(source)[at])
                for code in codes or ():
                    coded.setdefault(code, []).append(number)
                if codes is None:
                    rest.append(number)
            found = self._by_code[source, at] = (coded, rest)
        return found


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
