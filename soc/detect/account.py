"""One rule and one event in, the account of its whole path out: source, fields, leaves, filters, and the least that is missing.

Every verdict is the engine's own: parts are evaluated by the bound tree that runs, and whether the rule fires in the end is what a
`RuleSet` of the rule and its filters detects (docs/architecture.md, "one engine").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from collectors.event import Event, Value
from soc.detect import Rule
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import Part, ir
from soc.detect.sigma.leaf import text_of
from soc.detect.sigma.references import Names, within
from soc.detect.sigma.route import ROUTING, WRITTEN, Route
from soc.detect.sigma.routing import kind_of, said, takes
from soc.detect.sigma.taxonomy import routes
from soc.detect.table import EventTable

_MODULE = "event.module"


@dataclass(frozen=True, slots=True)
class Claim:
    """One condition of a route: the values of which the field must have one, and what the event has ("" where it is absent)."""

    field: str
    wanted: tuple[str, ...]
    value: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Way:
    """One route of the rule's logsource. The rule reads the event where all claims of one way hold."""

    claims: tuple[Claim, ...]
    takes: bool


@dataclass(frozen=True, slots=True)
class FilterAccount:
    """One filter that is for the rule. `matches`: it is for events like this; `hides`: it keeps the rule from firing on this one."""

    id: str
    title: str
    path: str
    reason: str
    owner: str
    expires: str
    matches: bool
    hides: bool
    tree: Part


@dataclass(frozen=True, slots=True)
class Account:
    """Why a rule fires on an event, or not.

    `ways`, `routed`: where its logsource looks, and whether the event is there. `tree`: every part with its verdict, also where the rule
    does not read the event. `short_by`: the fewest leaves that would have to be otherwise for the tree to hold; empty where it does.
    """

    rule: Rule
    ways: tuple[Way, ...]
    routed: bool
    tree: Part
    short_by: tuple[Part, ...]
    filters: tuple[FilterAccount, ...]
    fires: bool

    @property
    def hidden_by(self) -> tuple[FilterAccount, ...]:
        """The filters that keep it from firing."""
        return tuple(each for each in self.filters if each.hides)


class Accountant:
    """Accounts of one rule, with the filters that are for it. Built once, asked for each event."""

    def __init__(self, path: str, rule: ir.Rule, content: Sequence[tuple[str, ir.Content]]) -> None:
        """`content`: all that is loaded, the rule among it."""
        self._rule = rule
        self._alone = RuleSet([(path, rule)])
        names = Names(content)
        self._filters = [
            (where, each) for where, each in content if isinstance(each, ir.Filter) and _is_for(each, rule, names)
        ]
        self._set = RuleSet([(path, rule), *(_for_this(pair, rule) for pair in self._filters)])
        self._with = [RuleSet([(path, rule), _for_this(pair, rule)]) for pair in self._filters]

    def fires(self, events: Sequence[Event]) -> set[str]:
        """The ids of the events that the rule fires on."""
        return {found.events[-1].id for found in self._set.detect(events)}

    def of(self, event: Event) -> Account:
        """The account of one event."""
        found = self._alone.explain(self._rule.id, event)
        filters = [self._filtered(number, event, fires=found.fires) for number in range(len(self._filters))]
        return Account(
            rule=found.rule,
            ways=_ways(self._rule.logsource, event),
            routed=found.routed,
            tree=found.tree,
            short_by=() if found.tree.holds else least(found.tree),
            filters=tuple(filters),
            fires=bool(self._set.detect([event])),
        )

    def _filtered(self, number: int, event: Event, *, fires: bool) -> FilterAccount:
        path, each = self._filters[number]
        as_rule = msgspec.structs.replace(self._rule, tree=each.tree)
        tree = RuleSet([(path, as_rule)]).explain(self._rule.id, event).tree
        hides = fires and not self._with[number].detect([event])
        about = (each.id, each.title, path, each.reason, each.owner, each.expires)
        return FilterAccount(*about, matches=not tree.holds, hides=hides, tree=tree)


def least(tree: Part) -> tuple[Part, ...]:
    """The fewest leaves whose verdict would have to be otherwise for a tree that is false to be true; of several ways the first."""
    return tuple(dict.fromkeys(_turned(tree, to=True)))


def _turned(part: Part, *, to: bool) -> list[Part]:
    if part.holds is to:
        return []
    if part.kind == "leaf":
        return [part]
    if part.kind == "not":
        return _turned(part.parts[0], to=not to)
    if (part.kind == "and") is to:
        return [leaf for each in part.parts for leaf in _turned(each, to=to)]
    return min((_turned(each, to=to) for each in part.parts), key=len, default=[])


def _ways(source: ir.Logsource, event: Event) -> tuple[Way, ...]:
    named = said(kind_of(EventTable([event]).keys(ROUTING)[0]))
    return tuple(_way(route, event, takes=takes(route, named)) for route in routes(source))


def _way(route: Route, event: Event, *, takes: bool) -> Way:
    claims = []
    for name, accepted in (*route.where, *route.require):
        value = _text(event.get(name) or (_module(event) if name == _MODULE else None))
        held = not accepted.isdisjoint(text.lower() for text in value)
        claims.append(Claim(name, tuple(sorted(WRITTEN.get(each, each) for each in accepted)), ", ".join(value), held))
    return Way(tuple(claims), takes and all(claim.holds for claim in claims))


def _module(event: Event) -> Value:
    """What routing takes for the module where an event has none."""
    dataset = _text(event.get("event.dataset"))
    return dataset[0].partition(".")[0] if dataset else None


def _text(value: Value) -> list[str]:
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [text_of(item) for item in items]


def _is_for(each: ir.Filter, rule: ir.Rule, names: Names) -> bool:
    named = {found.id for name in each.rules for _, found in names.meant(name)}
    return (not each.rules or rule.id in named) and within(rule.logsource, each.logsource)


def _for_this(pair: tuple[str, ir.Filter], rule: ir.Rule) -> tuple[str, ir.Filter]:
    """The filter over this rule alone, so that no other needs to be loaded."""
    return pair[0], msgspec.structs.replace(pair[1], rules=(rule.id,))
