"""Batches of Events in, Detections out, by all Sigma rules that were loaded; and why a rule did or did not fire on an event."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import itemgetter

from collectors.event import Event
from soc.detect import Detection, Level, Rule
from soc.detect.sigma import ir
from soc.detect.sigma.explain import Explanation, explained, reasons
from soc.detect.sigma.group import Group
from soc.detect.sigma.index import Memory
from soc.detect.sigma.program import Binder, Bound, Row
from soc.detect.sigma.route import ROUTING
from soc.detect.sigma.routing import Kind, Routing, kind_of, known

MAX_KINDS = 20_000
"""Kinds of events that are remembered; a source that invents event codes cannot fill the memory."""


class RuleSet:
    """Rules ready to run. Implements `soc.detect.Detector`; the same events give the same detections in any batches and any order."""

    def __init__(self, rules: Iterable[tuple[str, ir.Rule]], warnings: Sequence[str] = ()) -> None:
        """`rules`: path and rule, ids unique. `warnings`: what was found on loading."""
        loaded = sorted(rules, key=lambda pair: pair[1].id)
        self.rules: tuple[Rule, ...] = tuple(_public(path, rule) for path, rule in loaded)
        self.warnings: tuple[str, ...] = tuple(warnings)
        self._numbers = {rule.id: number for number, rule in enumerate(self.rules)}
        self._trees = [rule.tree for _, rule in loaded]
        self._sources = [rule.logsource for _, rule in loaded]
        self._routing = Routing(self._sources, self._trees)
        self._binder = Binder()
        self._memory = Memory()
        self._kinds: dict[Kind, Group | None] = {}
        self._groups: dict[tuple[tuple[int, int, tuple[bool, ...]], ...], Group] = {}
        self._whole: dict[tuple[int, int], Bound] = {}

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of an id, or None."""
        number = self._numbers.get(rule_id.lower())
        return None if number is None else self.rules[number]

    def detect(self, batch: Sequence[Event]) -> list[Detection]:
        """All detections of the batch, ordered by the event's place in it and then by rule id."""
        found = []
        for at, fired, group in self._found(batch):
            event = batch[at]
            row = Row(event)
            for number in fired:
                why = reasons(self._tree(number, group.routes[number]), row)
                found.append(Detection(self.rules[number], (event,), why))
        return found

    def match(self, batch: Sequence[Event]) -> list[tuple[int, tuple[int, ...]]]:
        """For each event that fires something, its place in the batch and the places of the rules in `rules`; both ascending."""
        return [(at, fired) for at, fired, _ in self._found(batch)]

    def _found(self, batch: Sequence[Event]) -> list[tuple[int, tuple[int, ...], Group]]:
        places: dict[Group, list[int]] = defaultdict(list)
        for at, event in enumerate(batch):
            fields = event.fields
            try:
                group = self._kinds[tuple([fields.get(name) for name in ROUTING])]
            except (KeyError, TypeError):  # a kind not met yet; a list among the values
                group = self._group(kind_of(event))
            if group is not None:
                places[group].append(at)
        found = []
        for group, ats in places.items():
            events = batch if len(ats) == len(batch) else [batch[at] for at in ats]
            found += [(ats[at], fired, group) for at, fired in group.match(events)]
        found.sort(key=itemgetter(0))
        return found

    def explain(self, rule_id: str, event: Event) -> Explanation:
        """Every part of a rule with its verdict and the event's values. Raises: KeyError where no rule has the id."""
        number = self._numbers[rule_id.lower()]
        bound, routed = self._bound(number, kind_of(event))
        return Explanation(self.rules[number], routed, explained(bound, Row(event)))

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


def _public(path: str, rule: ir.Rule) -> Rule:
    return Rule(
        id=rule.id,
        title=rule.title,
        level=Level(rule.level),
        version=rule.version,
        tags=rule.tags,
        logsource=str(rule.logsource),
        path=path,
        description=rule.description,
        falsepositives=rule.falsepositives,
    )
