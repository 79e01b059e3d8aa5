"""The rules and correlations of a set in, who feeds whom out: the graph over which hits travel, and which rules are silenced by it.

Source of truth: Sigma specification 2.1: names, aliases, `generate`; a correlation over correlations reads its own group-by, from the key
of the group below where it has that field, else from the event that completed it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from soc.detect.correlation.reading import Columns, Feed, Plan
from soc.detect.sigma import ir
from soc.detect.sigma.references import Loaded, Names, faults
from soc.errors import FaultsError

MEASURING = frozenset({"value_sum", "value_avg", "value_percentile", "value_median"})
"""Kinds whose values are numbers."""

Locate = Callable[[str], Columns]
"""Sigma's name of a field -> the event fields that hold it, on one route."""


class Network:
    """`correlations`: ordered by id, so their numbers are theirs. `under`: a rule's or correlation's id -> what it feeds.

    `silenced`: id of a rule or correlation that does not alert by itself -> ids of the correlations that say so. `signatures`: of each
    correlation, the same as long as it and all that is below it are unchanged.
    """

    def __init__(self, content: Sequence[Loaded]) -> None:
        """Raises: FaultsError where a name means nothing, several things or leads in a circle."""
        names = Names(content)
        wrong = list(faults(content, names))
        if wrong:
            raise FaultsError(wrong)
        self.correlations = sorted(
            (each for _, each in content if isinstance(each, ir.Correlation)), key=lambda each: each.id
        )
        self.numbers = {each.id: number for number, each in enumerate(self.correlations)}
        self.below: list[dict[str, list[int]]] = []
        """Of each correlation: id of what feeds it -> its places in `rules`."""
        known: dict[str, ir.Rule | ir.Correlation] = {}
        for each in self.correlations:
            places: dict[str, list[int]] = {}
            for place, name in enumerate(each.rules):
                meant = names.one(name)
                known[meant.id] = meant
                places.setdefault(meant.id, []).append(place)
            self.below.append(places)
        self.under: dict[str, list[Feed]] = {}
        pairs = ((number, rule, tuple(at)) for number, below in enumerate(self.below) for rule, at in below.items())
        # of one event, a rule that stands later in a correlation is told first: an event does not answer itself
        for number, (at, rule, places_) in enumerate(sorted(pairs, key=lambda pair: (pair[0], -pair[2][-1]))):
            self.under.setdefault(rule, []).append(Feed(number, at, rule, places_))
        self.order = self._order()
        """Of each correlation its place in an order in which those below come first."""
        self.over = [self.under.get(each.id, []) for each in self.correlations]
        self.silenced = self._silenced()
        versions = {each.id: each.version for each in known.values()}
        self.signatures = self._signatures(versions)

    def _order(self) -> list[int]:
        depth: dict[int, int] = {}

        def of(number: int) -> int:
            if number not in depth:
                lower = [self.numbers[rule] for rule in self.below[number] if rule in self.numbers]
                depth[number] = 1 + max(map(of, lower), default=0)
            return depth[number]

        return [of(number) for number in range(len(self.correlations))]

    def _silenced(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for rule, feeds in self.under.items():
            users = [self.correlations[feed.correlation] for feed in feeds]
            if not any(each.generate for each in users):
                found[rule] = tuple(each.id for each in users)
        return found

    def _signatures(self, versions: Mapping[str, str]) -> list[str]:
        made: dict[str, str] = {}

        def of(each: ir.Correlation) -> str:
            if each.id not in made:
                number = self.numbers[each.id]
                parts = [each.id, each.version]
                for rule in sorted(self.below[number]):
                    at = self.numbers.get(rule)
                    parts.append(f"{rule} {versions[rule] if at is None else of(self.correlations[at])}")
                made[each.id] = blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
            return made[each.id]

        return [of(each) for each in self.correlations]

    def plans(self, rule: str, locate: Locate) -> list[Plan]:
        """How the hits of a detection rule are read for all that it feeds, directly or through others."""
        return [self._plan(feed, rule, locate, []) for feed in self.under.get(rule, ())]

    def _plan(self, feed: Feed, rule: str, locate: Locate, path: list[int]) -> Plan:
        """`path`: the correlations between the rule and this one, the lowest first."""
        spec = self.correlations[feed.correlation]

        def part(field: str) -> Columns | int:
            name = self._renamed(feed, field)
            for lower in reversed(path):
                keys = self.correlations[lower].group_by
                if lower == path[-1] and name in keys:
                    return keys.index(name)
                following = self._entry(lower, rule, path)
                name = self._renamed(following, name)
            return locate(name)

        return Plan(
            feed,
            tuple(map(part, spec.group_by)),
            tuple(map(part, spec.fields)),
            spec.kind in MEASURING,
            tuple(self._plan(above, rule, locate, [*path, feed.correlation]) for above in self.over[feed.correlation]),
        )

    def _entry(self, correlation: int, rule: str, path: list[int]) -> Feed:
        """Through which feed a correlation on the path is reached."""
        place = path.index(correlation)
        below = rule if place == 0 else self.correlations[path[place - 1]].id
        return next(feed for feed in self.under[below] if feed.correlation == correlation)

    def _renamed(self, feed: Feed, field: str) -> str:
        """A name in group-by as the feeding rule calls it."""
        spec = self.correlations[feed.correlation]
        by_rule = spec.aliases.get(field)
        if by_rule is None:
            return field
        for place in feed.at:
            if spec.rules[place] in by_rule:
                return by_rule[spec.rules[place]]
        return by_rule.get(feed.rule, field)
