"""One correlation, one event and what happened around it in, the account out: its rules on the event, its group, what that is short of.

The events around it run through two `RuleSet`s of the correlation, what it is made of, and the filters over that: one with the site's
lateness, in the order of receipt, which finds what the site's engine finds; one in order of time up to the event, which shows the groups
as they stood then. A group that had fired before the first of these events may fire again a little earlier than it did.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from collectors.event import Event, effective
from soc.detect import Detection, Rule
from soc.detect.account import Account, Accountant
from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.ruleset import OpenGroup, RuleSet
from soc.detect.sigma import Matcher, ir
from soc.detect.sigma.references import Loaded, Names, within
from soc.detect.table import EventTable

_FIRINGS = 20
"""Detections around the event that an account tells of."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One correlation of the chain as it stood at the event: the groups that the event is in. `ungrouped`: a group-by field is absent."""

    id: str
    title: str
    kind: str
    timespan_s: float
    group_by: tuple[str, ...]
    groups: tuple[OpenGroup, ...]
    ungrouped: bool


@dataclass(frozen=True, slots=True)
class Firing:
    """A detection of the correlation around the event. `with_it`: the event is one of those it shows; `completes`: the last of them."""

    time: datetime
    group: Mapping[str, str]
    events: int
    reason: str
    completes: bool
    with_it: bool


@dataclass(frozen=True, slots=True)
class CorrelationAccount:
    """Why a correlation fires with an event, or not.

    `time`: of the event. `bases`: each detection rule that it is made of, on the event. `layers`: the correlations below it first, itself
    last. `firings`: of groups that the event is in. `seen`: how many events were looked at, received from `since` to `to`. `late`: the
    event came after the watermark had passed it, so it counts only among what came late.
    """

    rule: Rule
    time: datetime
    bases: tuple[Account, ...]
    layers: tuple[Layer, ...]
    firings: tuple[Firing, ...]
    seen: int
    since: datetime
    to: datetime
    late: bool

    @property
    def fires(self) -> bool:
        """Whether the event is part of a detection."""
        return any(firing.with_it for firing in self.firings)


class CorrelationAccountant:
    """Accounts of one correlation. `before`, `after`: what has to be known around an event, in event time."""

    def __init__(self, rule: ir.Correlation, content: Sequence[Loaded], lateness: Lateness) -> None:
        """`content`: all that is loaded, the correlation among it."""
        names = Names(content)
        chain = list(_chain(rule, names))
        ids = {each.id for each in chain}
        self._rule, self._lateness = rule, lateness
        self._correlations = [each for each in chain if isinstance(each, ir.Correlation)][::-1]
        self._bases = [(path, each) for path, each in content if isinstance(each, ir.Rule) and each.id in ids]
        self._loaded = [pair for pair in content if pair[1].id in ids] + list(_filters(self._bases, content, names))
        self._accountants = [Accountant(path, each, content) for path, each in self._bases]
        written = {name: names.one(name).title for each in self._correlations for name in each.rules}
        self._titles = written
        self._names = re.compile("|".join(re.escape(name) for name in sorted(written, key=len, reverse=True)))
        spans = sum(each.timespan_s for each in self._correlations)
        learned = [float(v) for each in self._correlations for k, v in each.options.items() if k in _LEARNING]
        self.before = timedelta(seconds=2 * spans + max(learned, default=0.0))
        self.after = timedelta(seconds=spans)

    def hit(self, event: Event) -> bool:
        """Whether one of the rules below fires on the event."""
        return any(accountant.of(event).fires for accountant in self._accountants)

    def of(self, event: Event, around: Iterable[Sequence[Event]], until: datetime | None = None) -> CorrelationAccount:
        """`around`: in the order of receipt, the event among them. `until`: when what is known ends (default: with the last event)."""
        live = RuleSet(self._loaded, lateness=self._lateness)
        then = RuleSet(self._loaded, lateness=ENDLESS)
        happened = effective(event)
        found: list[Detection] = []
        seen, known, number, known_as, late = 0, 0, -1, -1, False
        since = last = event.ingested
        ungrouped: Mapping[str, int] = {}
        for batch in around:
            since, last = (min(since, batch[0].ingested), max(last, batch[-1].ingested)) if batch else (since, last)
            at = next((at for at, each in enumerate(batch) if each.id == event.id), None) if number < 0 else None
            for part in (batch,) if at is None else (batch[:at], batch[at : at + 1], batch[at + 1 :]):
                its_own = at is not None and part[:1] == [event]
                counted = sum(live.stats().late.values())
                found += live.detect(part, seen)
                earlier = [
                    each for each in part if effective(each) < happened or (number < 0 and effective(each) == happened)
                ]
                before = then.stats().ungrouped
                then.detect(earlier, known)
                if its_own:
                    late = sum(live.stats().late.values()) > counted
                    after = then.stats().ungrouped
                    ungrouped = {key: count - before.get(key, 0) for key, count in after.items()}
                    number, known_as = seen, known
                seen, known = seen + len(part), known + len(earlier)
        found += live.finish(until)
        then.finish()
        layers = tuple(self._layers(event, then, known_as, ungrouped)) if number >= 0 else ()
        groups = [dict(group.key) for layer in layers for group in layer.groups]
        firings = [self._firing(each, number) for each in found if each.rule.id == self._rule.id]
        return CorrelationAccount(
            rule=_public(live, self._rule.id),
            time=happened,
            bases=tuple(accountant.of(event) for accountant in self._accountants),
            layers=layers,
            firings=tuple(each for each in firings if each.with_it or any(_same(each.group, one) for one in groups))[
                -_FIRINGS:
            ],
            seen=seen,
            since=since,
            to=last,
            late=late,
        )

    def _layers(self, event: Event, ruleset: RuleSet, number: int, ungrouped: Mapping[str, int]) -> Iterator[Layer]:
        for each in self._correlations:
            values = {name: set(self._values(each, name, event)) for name in each.group_by}
            groups = [
                replace(
                    group,
                    needed=self._told(group.needed),
                    detail=self._told(group.detail) if each.kind.startswith("temporal") else group.detail,
                )
                for group in ruleset.groups(each.id)
                if number in group.numbers or _is_of(group, values)
            ]
            yield Layer(
                each.id,
                each.title,
                each.kind,
                each.timespan_s,
                each.group_by,
                tuple(groups),
                ungrouped.get(each.id, 0) > 0,
            )

    def _values(self, each: ir.Correlation, name: str, event: Event) -> Iterator[str]:
        """What the event has of a group-by field, under any name that it has in the rules that fire on it."""
        matcher, table = Matcher([rule for _, rule in self._bases]), EventTable([event])
        fields = [name, *(field for by_rule in [each.aliases.get(name, {})] for field in by_rule.values())]
        for hit in matcher.match(table):
            for rule in hit.fired:
                for field in fields:
                    for column in matcher.columns(rule, hit.routes[rule], field):
                        value = event.get(column)
                        yield from map(str, value if isinstance(value, list) else [] if value is None else [value])

    def _told(self, words: str) -> str:
        """What the engine says of rules by id or name, with their titles."""
        return self._names.sub(lambda match: f'"{self._titles[match[0]]}"', words)

    def _firing(self, found: Detection, number: int) -> Firing:
        figure = found.matched[-1]
        return Firing(
            time=found.time,
            group=dict(zip(self._rule.group_by, found.group, strict=False)),
            events=len(found.events),
            reason=f"{figure.value} ({self._told(figure.pattern)})",
            completes=found.numbers[-1:] == (number,),
            with_it=number in found.numbers,
        )


_LEARNING = frozenset({"learning_s", "baseline_s"})


def _chain(rule: ir.Correlation, names: Names) -> Iterator[ir.Rule | ir.Correlation]:
    """The correlation, then what it names, then what that names; each once."""
    waiting: list[ir.Rule | ir.Correlation] = [rule]
    seen = {rule.id}
    for each in waiting:
        yield each
        for name in each.rules if isinstance(each, ir.Correlation) else ():
            part = names.one(name)
            if part.id not in seen:
                seen.add(part.id)
                waiting.append(part)


def _filters(bases: Sequence[tuple[str, ir.Rule]], content: Sequence[Loaded], names: Names) -> Iterator[Loaded]:
    """The filters over these rules, and over no others."""
    for path, each in content:
        if isinstance(each, ir.Filter):
            named = {names.one(name).id for name in each.rules}
            over = [
                rule.id
                for _, rule in bases
                if (not named or rule.id in named) and within(rule.logsource, each.logsource)
            ]
            if over:
                yield path, msgspec.structs.replace(each, rules=tuple(over))


def _public(ruleset: RuleSet, rule_id: str) -> Rule:
    rule = ruleset.rule(rule_id)
    assert rule is not None, "it was loaded"
    return rule


def _is_of(group: OpenGroup, values: Mapping[str, Container[str]]) -> bool:
    """Whether an event with these values of group-by falls in a group."""
    named = [value in values[name] for name, value in group.key if name in values]
    return bool(named) and all(named)


def _same(some: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two groups agree in every name that both have, and have one."""
    return bool(some.keys() & other.keys()) and all(other.get(name, value) == value for name, value in some.items())
