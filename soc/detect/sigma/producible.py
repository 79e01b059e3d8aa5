"""A rule and what is collected in, whether it can fire out: does any source give its events, does any parser give its fields?

Sources of truth: the parsers' own declarations (`collectors.parse.format.Gives`), which tests hold to every golden line; the rules' routes
(.taxonomy). A format that carries what its sender names (JSON, Windows events) is open: it can give any field.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from collectors.parse.format import ANY, Gives
from collectors.parse.registry import formats, gives
from soc.detect.sigma.ir import And, Content, Correlation, Filter, Leaf, Logsource, Node, Not, Rule, leaves
from soc.detect.sigma.references import Loaded, Names
from soc.detect.sigma.route import ROUTING, Route
from soc.detect.sigma.taxonomy import routes


@dataclass(frozen=True, slots=True)
class Output:
    """Events of one kind that a parser gives. `routing`: the routing fields that they can have, with all values (lower case), None for any.

    `fields`: all that they can have; those that end with `*` stand for every name that begins so.
    """

    name: str
    routing: Mapping[str, frozenset[str] | None]
    fields: frozenset[str]

    def gives(self, column: str) -> bool:
        """Whether its events can have a field."""
        if column in self.fields or column in self.routing:
            return True
        return any(column.startswith(each[:-1]) for each in self.fields if each.endswith("*"))

    def takes(self, route: Route) -> bool:
        """Whether a route can read its events."""
        for name, accepted in route.where:
            if name not in self.routing:
                return False
            values = self.routing[name]
            if values is not None and accepted.isdisjoint(values):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule can fire on what is collected; `why` not, in words."""

    fires: bool
    why: str = ""


# --- What the parsers give ----------------------------------------------------------------------------------------------------------

_ALWAYS = (
    "host.name host.ip log.flags labels.* service.name source.as.* source.geo.* destination.as.* destination.geo.* client.as.* "
    "client.geo.* server.as.* server.geo.* threat.* user.email user.full_name"
)
"""What a record's context or enrichment can add to events of any kind."""
_MATCHED = "threat"
"""The category that an indicator adds."""


def outputs_of(format_name: str) -> tuple[Output, ...]:
    """What the parser of a format gives; nothing where there is none."""
    return tuple(map(_output, gives(format_name)))


@lru_cache
def own_outputs() -> tuple[Output, ...]:
    """What the SOC says about itself, whatever is collected."""
    named = {"event.dataset": frozenset({"soc.audit"}), "event.module": frozenset({"soc"}), "event.category": None}
    return (Output("soc.audit", named, frozenset({"*"})),)


@lru_cache
def _output(given: Gives) -> Output:
    named = given.dataset != ANY
    fields = frozenset(f"{_ALWAYS} {given.fields}".split())
    routing: dict[str, frozenset[str] | None] = {
        "event.dataset": frozenset({given.dataset}) if named else None,
        "event.module": frozenset({given.dataset.partition(".")[0]}) if named else None,
        "event.category": None if ANY in given.categories.split() else frozenset(given.categories.split()),
    }
    read = ROUTING if ANY in fields else [name for name in ROUTING if name in fields]
    return Output(given.dataset, dict.fromkeys(read) | routing, fields)


# --- Whether a rule can fire --------------------------------------------------------------------------------------------------------


class Reach:
    """What can fire on some outputs; asked for one rule after the other."""

    def __init__(self, outputs: Iterable[Output], content: Sequence[Loaded]) -> None:
        self._outputs = list({id(each): each for each in (*outputs, *own_outputs())}.values())
        self._names = Names(content)
        self._read: dict[Logsource, list[tuple[Output, Route]]] = {}
        self._known: dict[str, Verdict] = {}

    def verdict(self, content: Content) -> Verdict:
        """Whether a rule or correlation can fire; a filter hides, so it is said of none. The content's names are without fault."""
        if isinstance(content, Filter):
            return Verdict(True)
        found = self._known.get(content.id)
        if found is None:
            found = self._rule(content) if isinstance(content, Rule) else self._correlation(content)
            self._known[content.id] = found
        return found

    def _reads(self, logsource: Logsource) -> list[tuple[Output, Route]]:
        found = self._read.get(logsource)
        if found is None:
            made = routes(logsource)
            found = [(output, route) for output in self._outputs for route in made if output.takes(route)]
            self._read[logsource] = found
        return found

    def _rule(self, rule: Rule) -> Verdict:
        pairs = self._reads(rule.logsource)
        if not pairs:
            return Verdict(False, f"no source collects {rule.logsource}")
        lacking: list[str] = []
        for output, route in pairs:
            if can_be(rule.tree, True, output, route):
                return Verdict(True)
            lacking = lacking or _lacking(rule.tree, output, route)
        given = " and ".join(sorted({output.name for output, _ in pairs}))
        fields = ", ".join(lacking)
        return Verdict(
            False, f"no parser of {given} gives {fields}" if fields else "nothing that is collected can match it"
        )

    def _correlation(self, correlation: Correlation) -> Verdict:
        verdicts = {name: self.verdict(self._names.one(name)) for name in correlation.rules}
        silent = [f'"{name}" cannot fire: {verdict.why}' for name, verdict in verdicts.items() if not verdict.fires]
        if correlation.kind == "absence":
            fires = verdicts[correlation.rules[0]].fires
        elif correlation.expression is not None:
            fires = _can_hold(correlation.expression, True, verdicts)
        else:
            fires = any(verdict.fires for verdict in verdicts.values())
        return Verdict(True) if fires else Verdict(False, "; ".join(silent))


def can_be(node: Node, truth: bool, output: Output, route: Route) -> bool:
    """Whether a tree can have a truth value on events of an output, each leaf by itself."""
    if isinstance(node, Leaf):
        if not node.field or any(output.gives(column) for column in route.columns(node.field)):
            return True
        return truth is any(p.kind == "null" or (p.kind == "exists" and p.value is False) for p in node.patterns)
    if isinstance(node, Not):
        return can_be(node.item, not truth, output, route)
    every = all if isinstance(node, And) is truth else any
    return every(can_be(item, truth, output, route) for item in node.items)


def _lacking(tree: Node, output: Output, route: Route) -> list[str]:
    """The fields of a tree that an output does not give, in order, with the columns that were looked for."""
    found = {}
    for leaf in leaves(tree):
        if leaf.field:
            columns = route.columns(leaf.field)
            if not any(output.gives(column) for column in columns):
                found[leaf.field] = f"{leaf.field} ({', '.join(columns)})" if columns != (leaf.field,) else leaf.field
    return sorted(found.values())


def _can_hold(node: Node, truth: bool, verdicts: Mapping[str, Verdict]) -> bool:
    if isinstance(node, Leaf):
        return not truth or verdicts[node.where].fires
    if isinstance(node, Not):
        return _can_hold(node.item, not truth, verdicts)
    every = all if isinstance(node, And) is truth else any
    return every(_can_hold(item, truth, verdicts) for item in node.items)


# --- Groups that no hit would fall into -----------------------------------------------------------------------------------------------


def ungrouped(correlation: Correlation, names: Names) -> Iterator[tuple[int, str]]:
    """Places in group-by of fields that no event of the rules has, as our own parsers of their datasets go, with words."""
    bases = [(name, rule) for name in correlation.rules for _, rule in names.meant(name)[:1] if isinstance(rule, Rule)]
    for at, group in enumerate(correlation.group_by):
        fields = correlation.aliases.get(group, {})
        told = [_has(rule.logsource, fields.get(name, group)) for name, rule in bases]
        if told and all(has is False for has in told):
            sources = ", ".join(sorted({str(rule.logsource) for _, rule in bases}))
            yield at, f'no parser gives "{group}" in the events of {sources}: no hit falls into a group'


@lru_cache
def _by_dataset() -> Mapping[str, Sequence[Output]]:
    """What our parsers give of each dataset that one of them names."""
    found: dict[str, list[Output]] = defaultdict(list)
    for name in formats():
        for given in gives(name):
            if given.dataset != ANY:
                found[given.dataset].append(_output(given))
    return found


@lru_cache(4_096)
def _has(logsource: Logsource, field: str) -> bool | None:
    """Whether the events of a logsource can have a field; None where a dataset is read that none of our parsers makes."""
    closed = _by_dataset()
    for route in routes(logsource):
        datasets = next((values for name, values in route.where if name == "event.dataset"), None)
        if datasets is None or not any(dataset in closed for dataset in datasets):
            return None
        outputs = [output for each in datasets for output in closed.get(each, ())]
        if any(output.gives(column) for output in outputs for column in route.columns(field)):
            return True
    return False
