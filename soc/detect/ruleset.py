"""Rule files in, the detector of a site out: detection rules, correlations over them, and filters that hide what was found benign."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from collectors.event import Event
from collectors.record import Position
from soc.detect import Detection, Level, Match, Rule
from soc.detect.correlation import Correlator, Finding, Keeper, Lateness, Network, Recall, state
from soc.detect.correlation.correlator import MAX_GROUPS
from soc.detect.correlation.figures import shown
from soc.detect.correlation.groups import Key
from soc.detect.correlation.hits import microseconds, moment, sequence_of, time_of
from soc.detect.filters import Filters
from soc.detect.sigma import Matcher, Part, ir
from soc.detect.sigma import load as load_content
from soc.detect.sigma.matcher import Hit
from soc.detect.sigma.meter import Cost, Meter
from soc.detect.sigma.references import Names
from soc.detect.table import Table, table_of


def load(
    paths: Sequence[Path],
    *,
    cache: Path | None = None,
    placeholders: Mapping[str, list[str]] | None = None,
    lateness: Lateness | None = None,
    recall: Recall | None = None,
    max_groups: int = MAX_GROUPS,
) -> RuleSet:
    """All rules under the paths, ready to run; faults are those of `soc.detect.sigma.load`, other arguments those of RuleSet."""
    content = load_content(paths, cache=cache, placeholders=placeholders)
    return RuleSet(content, lateness=lateness, recall=recall, max_groups=max_groups)


@dataclass(frozen=True, slots=True)
class Stats:
    """What a rule set left out, and how much it holds. All counts are since it was made.

    `late`: events by source whose hits came after the watermark had passed them. `early`: hits that were correlated before the allowed
    lateness was over, as too many waited. `evicted`: groups that gave way, by correlation id.
    `hidden`: hits by (filter id, rule id). `ungrouped`, `valueless`, `not_numbers`: hits by correlation id without a group-by field,
    without a value to count or measure, with one that is no number. `trimmed`: numbers that groups had no room for, by correlation id.
    `duplicates`: events that had come before. `held`: hits that wait for the watermark. `groups`: open ones. `forgotten`: events that
    the default memory let go before a detection needed them or not. `below`: detections by level that are less than was asked for.
    """

    late: Mapping[str, int]
    early: int
    evicted: Mapping[str, int]
    hidden: Mapping[tuple[str, str], int]
    ungrouped: Mapping[str, int]
    valueless: Mapping[str, int]
    not_numbers: Mapping[str, int]
    trimmed: Mapping[str, int]
    duplicates: int
    held: int
    groups: int
    forgotten: int
    below: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class OpenGroup:
    """One group of a correlation as it stands. `key`: names of group-by with their values; `figure`: how far it is; `needed`: in words.

    `since`, `until`: the earliest hit in its window, and the end of the time in which that still counts; None where nothing does.
    `numbers`: sequence numbers of its hits (some, of many). `detail`: which rules, which value. `late`: the source whose late hits it has.
    """

    key: tuple[tuple[str, str], ...]
    figure: float
    needed: str
    since: datetime | None
    until: datetime | None
    numbers: tuple[int, ...]
    detail: str = ""
    late: str = ""


class Base(NamedTuple):
    """An event that fires rules which feed correlations. `number`: its sequence number; `fired`: the rules' numbers; `routes`: by which
    route each of them, others may be there too, reads the event."""

    number: int
    event: Event
    fired: Sequence[int]
    routes: Mapping[int, int]


class RuleSet:
    """Rules ready to run. Implements `soc.detect.Detector`; the same events give the same detections in any batches."""

    def __init__(
        self,
        content: Iterable[tuple[str, ir.Content]],
        *,
        lateness: Lateness | None = None,
        recall: Recall | None = None,
        max_groups: int = MAX_GROUPS,
        after: RuleSet | None = None,
        reasons: bool = True,
        least: Level = Level.INFORMATIONAL,
    ) -> None:
        """`content`: path and rule, ids unique. `lateness`: of events, for correlations (default: 10 s). `recall`: gives the events of
        sequence numbers; default: a bounded memory of the events that fired rules. `max_groups`: that correlations hold open together.
        `after`: a set that ran before (in this thread); what both have in common is not compiled again. See `adopt` for what it knows.
        `reasons`: whether detections of single events say why; for who shows it to nobody. `least`: detections of lower levels are counted
        and not made; correlations over them are as ever.

        Raises: FaultsError where a correlation or filter names what is not there, or correlations lead in a circle.
        """
        loaded = sorted(content, key=lambda pair: pair[1].id)
        bases = [rule for _, rule in loaded if isinstance(rule, ir.Rule)]
        named = [(path, rule) for path, rule in loaded if isinstance(rule, ir.Rule | ir.Correlation)]
        self.warnings: tuple[str, ...] = tuple(
            f"{path}:{rule.line}: {rule.title}: {warning}" for path, rule in loaded for warning in rule.warnings
        )
        network = Network(loaded)
        self._network = network
        self._matcher: Matcher = Matcher(bases) if after is None else after._matcher.replaced(bases)
        self.reads = self._matcher.reads
        sources = _logsources(network, {rule.id: str(rule.logsource) for rule in bases})
        self.rules: tuple[Rule, ...] = tuple(_public(path, rule, sources) for path, rule in named)
        """Detection rules and correlations, by id."""
        self.silenced: Mapping[str, tuple[str, ...]] = network.silenced
        """Ids of rules that do not alert by themselves -> ids of the correlations that use them without `generate`."""
        self._numbers = {rule.id: number for number, rule in enumerate(self.rules)}
        self._matched = {rule.id: number for number, rule in enumerate(bases)}
        self._public = [self.rules[self._numbers[rule.id]] for rule in bases]
        self._alerts = [rule.id not in network.silenced for rule in bases]
        self._filters = Filters(
            [each for _, each in loaded if isinstance(each, ir.Filter)], bases, Names(loaded), self._matcher
        )
        keeper = Keeper()
        self._keeper = keeper if recall is None else None
        self._recall: Recall = recall or keeper.recall
        self._correlator = Correlator(
            network, lateness or Lateness(), [rule.id for rule in bases], self._matcher.columns, max_groups=max_groups
        )
        self._following = 0
        self._reasons = reasons
        low = {level for level in Level if level.rank < least.rank}
        self._low = {rule.id: rule.level for rule in self.rules if rule.level in low}
        self._below: Counter[str] = Counter()
        self.meter: Meter | None = None
        """Where one is set it is charged with what the rules of each batch cost; see `costs`."""

    def __len__(self) -> int:
        return len(self.rules)

    def rule(self, rule_id: str) -> Rule | None:
        """The rule of an id, or None."""
        number = self._numbers.get(rule_id.lower())
        return None if number is None else self.rules[number]

    def filters_of(self, rule_id: str) -> tuple[str, ...]:
        """The ids of the filters that act on a rule."""
        number = self._matched.get(rule_id.lower())
        return () if number is None else self._filters.of(number)

    # --- Detection ----------------------------------------------------------------------------------------------------------------

    def detect(self, batch: Sequence[Event] | Table, first: int | None = None) -> list[Detection]:
        """What the batch lets be decided, in the order of its events: for each, its own detections by rule id, then those of correlations
        that the watermark has passed, by time. `first`: sequence number of its first event (default: that after the last batch)."""
        table = table_of(batch)
        first = self._following if first is None else first
        self._following = first + len(table)
        correlator = self._correlator
        moves = self._observed(batch, table)
        hits = [hit for hit in self._left(table) if hit.fired]
        told = iter(correlator.correlate(table.event, hits, first, moves) if correlator.feeding else ())
        at, findings = next(told, _NOTHING)
        found: list[Detection] = []
        for hit in hits:
            while at < hit.at:
                found += self._detections(findings)
                at, findings = next(told, _NOTHING)
            found += self._own(table, hit, first)
            if self._keeper is not None and not correlator.feeding.isdisjoint(hit.fired):
                self._keeper.keep(first + hit.at, table.event(hit.at))
        while findings:
            found += self._detections(findings)
            at, findings = next(told, _NOTHING)
        return found

    def single(self, batch: Sequence[Event] | Table, first: int) -> Iterator[Detection | Base]:
        """What the batch gives by single events alone, in their order: detections, and what `take` of another set of the same rules
        is to be given for correlations; for a scan in several processes. `first`: sequence number of its first event."""
        table = table_of(batch)
        self._observed(batch, table)
        feeding = self._correlator.feeding
        for hit in self._left(table):
            yield from self._own(table, hit, first)
            if feeding and not feeding.isdisjoint(hit.fired):
                feeds = tuple([rule for rule in hit.fired if rule in feeding])
                yield Base(first + hit.at, table.event(hit.at), feeds, hit.routes)

    def take(self, base: Base) -> list[Detection]:
        """An event for the correlations, later than those before in sequence; what that lets be decided."""
        if self._keeper is not None:
            self._keeper.keep(base.number, base.event)
        return self._detections(self._correlator.take(base.event, base.number, base.fired, base.routes))

    def _observed(self, batch: Sequence[Event] | Table, table: Table) -> Sequence[tuple[int, int]]:
        """Where the watermark moves, as far as correlations have to know; a scan is only asked for the latest event, and by few of them."""
        if not self._correlator.feeding:
            return ()
        if self._correlator.watermark.lateness.allowed is None:
            return self._correlator.observe(table.latest() for _ in range(min(1, len(table))))
        return self._correlator.observe(batch if isinstance(batch, Sequence) else map(batch.event, range(len(batch))))

    def _left(self, table: Table) -> Iterator[Hit]:
        """The hits of a batch with the rules that no filter hides."""
        hits = self._matcher.match(table, self.meter)
        table.expect([hit.at for hit in hits])
        for hit in hits:
            fired = self._filters.left(table, hit)
            yield hit if fired is hit.fired else hit._replace(fired=tuple(fired))

    def _own(self, table: Table, hit: Hit, first: int) -> Iterator[Detection]:
        """The detections of one event, by rule id."""
        for rule in hit.fired:
            if self._alerts[rule] and not self._is_below(self._public[rule].id):
                why = self._matcher.why(table, hit, rule) if self._reasons else ()
                yield Detection(self._public[rule], (table.event(hit.at),), why, numbers=(first + hit.at,))

    def _is_below(self, rule_id: str) -> bool:
        """Whether a detection of a rule is less than was asked for; if so it is counted."""
        level = self._low.get(rule_id)
        if level is None:
            return False
        self._below[level.value] += 1
        return True

    @property
    def newest(self) -> datetime | None:
        """The latest time of all events, as far as correlations have to know it."""
        newest_us = self._correlator.watermark.newest_us
        return None if newest_us is None else moment(newest_us)

    def went_on_until(self, time: datetime) -> None:
        """There were events until then, which were looked at elsewhere."""
        self._correlator.watermark.note([time])

    def finish(self, until: datetime | None = None) -> list[Detection]:
        """No more events come: what is still held back. `until`: when the time of observation ends (default: at the last event), for
        what fires because something did not happen by then."""
        return self._detections(self._correlator.finish(None if until is None else microseconds(until)))

    @property
    def held_back(self) -> bool:
        """Whether correlations wait for time to go on: a heartbeat is needed where no events come."""
        return self._correlator.due_us is not None

    @property
    def due(self) -> datetime | None:
        """An event with this time (a heartbeat) lets the next thing come out that is held back; None where nothing is."""
        due = self._correlator.due_us
        allowed = self._correlator.watermark.lateness.allowed
        return None if due is None else moment(due) + (allowed or timedelta())

    def suspend(self, rule_ids: Collection[str]) -> None:
        """Evaluate all detection rules but these, until the next call; ids that are none of ours change nothing."""
        self._matcher.suspend([self._matched[rule_id] for rule_id in rule_ids if rule_id in self._matched])

    def costs(self, meter: Meter) -> Iterator[tuple[Rule, Cost]]:
        """What a meter was charged with, by rule; rules that saw no event are left out."""
        for number, rule in enumerate(self._public):
            cost = meter.cost(number)
            if cost.events:
                yield rule, cost

    @property
    def correlates(self) -> bool:
        """Whether anything looks at several events, so that what came before matters."""
        return bool(self._network.correlations)

    @property
    def looks_back(self) -> timedelta:
        """How long ago an event may have happened that still counts for what fires now."""
        horizon_us = max((kind.horizon() for kind in self._correlator.kinds), default=0)
        return moment(horizon_us) - moment(0) + (self._correlator.watermark.lateness.allowed or timedelta())

    # --- What is kept -------------------------------------------------------------------------------------------------------------

    def state(self) -> bytes:
        """What correlations have open, waiting and learned, to go on with after a restart or with changed rules."""
        return state.dump(self._correlator, self._following)

    def restore(self, kept: bytes) -> None:
        """Go on from a state; for a rule set that has seen nothing yet. Correlations that changed since, themselves or below, begin
        anew. Raises: StateError where the state is damaged or foreign; the set is then not to be used."""
        self._following = state.load(self._correlator, kept)

    def adopt(self, other: RuleSet) -> None:
        """Go on from where another set is, which must not be used any more; as `restore` of its state, and at once where only rules
        changed that no correlation is over."""
        mine, theirs = self._correlator, other._correlator
        if list(self._matched) == list(other._matched) and mine.network.signatures == theirs.network.signatures:
            theirs.read_by(self._matcher.columns)
            self._correlator, self._following = theirs, other._following
        elif self.correlates:
            self.restore(other.state())

    def stats(self) -> Stats:
        """What was left out, and how much is held."""
        correlator, ids = self._correlator, [each.id for each in self._network.correlations]
        unread = correlator.unread
        return Stats(
            late=dict(correlator.late),
            early=correlator.early,
            evicted=dict(correlator.room.evicted),
            hidden=dict(self._filters.hidden),
            ungrouped={ids[at]: count for at, count in unread.ungrouped.items()},
            valueless={ids[at]: count for at, count in unread.valueless.items()},
            not_numbers={ids[at]: count for at, count in unread.not_numbers.items()},
            trimmed=correlator.trimmed(),
            duplicates=correlator.waiting.duplicates,
            held=correlator.waiting.held,
            groups=correlator.room.count,
            forgotten=self._keeper.forgotten if self._keeper is not None else 0,
            below=dict(self._below),
        )

    # --- Explanation --------------------------------------------------------------------------------------------------------------

    def groups(self, rule_id: str) -> Iterator[OpenGroup]:
        """The open groups of a correlation, as of the watermark. Raises: KeyError where no correlation has the id."""
        at = self._network.numbers[rule_id.lower()]
        spec = self._network.correlations[at]
        for key, look, needed, late in self._correlator.looks(at):
            yield OpenGroup(
                self._named(spec, key),
                look.figure,
                needed,
                moment(time_of(look.hits[0])) if look.hits else None,
                None if look.until_us is None else moment(look.until_us),
                tuple(sequence_of(hit) for hit in look.hits),
                look.value,
                late,
            )

    def explain(self, rule_id: str, event: Event) -> Explanation:
        """Every part of a detection rule with its verdict and the event's values. Raises: KeyError where none has the id."""
        number = self._matched[rule_id.lower()]
        return Explanation(self._public[number], *self._matcher.explain(number, event))

    @staticmethod
    def _named(spec: ir.Correlation, key: Key) -> tuple[tuple[str, str], ...]:
        """The parts of a key by name; those that a kind adds to it are values of its fields."""
        values = key if isinstance(key, tuple) else (key,)
        names = spec.fields if spec.kind == "rarity" else (*spec.group_by, *spec.fields)
        return tuple(zip(names, values, strict=False))

    # --- Detections of correlations -----------------------------------------------------------------------------------------------

    def _detections(self, findings: Sequence[Finding]) -> list[Detection]:
        named = [(one, self._network.correlations[one.correlation].id) for one in findings]
        return [self._detection(one) for one, name in named if name not in self.silenced and not self._is_below(name)]

    def _detection(self, finding: Finding) -> Detection:
        spec = self._network.correlations[finding.correlation]
        fired = finding.fired
        numbers = [sequence_of(hit) for hit in fired.hits]
        events = self._recall(numbers) or [_stand_in(fired.hits[-1])]
        key = finding.key if isinstance(finding.key, tuple) else (finding.key,)
        group = key if spec.group_by else ()
        needed = f"{self._correlator.kinds[finding.correlation].needed} in {timedelta(seconds=spec.timespan_s)}"
        matched = [
            Match("correlation/group-by", name, "", value) for name, value in zip(spec.group_by, group, strict=True)
        ]
        value = fired.value or shown(fired.figure)
        matched.append(Match(f"correlation/{spec.kind}", ", ".join(spec.fields), needed, value))
        at = moment(time_of(finding.hit)) if finding.timed else None
        rule = self.rules[self._numbers[spec.id]]
        return Detection(rule, tuple(events), tuple(matched), numbers=tuple(numbers), group=group, at=at)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a rule fires on an event or not. `routed`: whether its logsource covers the event at all; the tree is evaluated either way."""

    rule: Rule
    routed: bool
    tree: Part

    @property
    def fires(self) -> bool:
        """Whether the rule fires on the event."""
        return self.routed and self.tree.holds

    def __str__(self) -> str:
        source = f"{'PASS' if self.routed else 'FAIL'}  logsource {self.rule.logsource}"
        return "\n".join(
            (
                f"{self.rule.title} ({self.rule.id}): {'fires' if self.fires else 'does not fire'}",
                source,
                *self.tree.lines(),
            )
        )


_NOTHING: tuple[int, list[Finding]] = (sys.maxsize, [])
"""No more findings in a batch."""


def _stand_in(hit: int) -> Event:
    """An event that is gone by the time its detection is made: its time and number are what is known."""
    number, when = sequence_of(hit), moment(time_of(hit))
    return Event(f"{number:032x}", when, {}, b"", "", Position("", "", number, number), when)


def _logsources(network: Network, bases: Mapping[str, str]) -> dict[str, str]:
    """The logsource of each correlation: that of the rules below it where they have one, else none."""
    found: dict[str, str] = {}

    def of(rule: str) -> set[str]:
        if rule in bases:
            return {bases[rule]}
        return {source for lower in network.below[network.numbers[rule]] for source in of(lower)}

    for each in network.correlations:
        sources = of(each.id)
        found[each.id] = sources.pop() if len(sources) == 1 else ""
    return found


def _public(path: str, rule: ir.Rule | ir.Correlation, sources: Mapping[str, str]) -> Rule:
    return Rule(
        id=rule.id,
        title=rule.title,
        level=Level(rule.level),
        version=rule.version,
        tags=rule.tags,
        logsource=sources[rule.id] if isinstance(rule, ir.Correlation) else str(rule.logsource),
        path=path,
        kind="correlation" if isinstance(rule, ir.Correlation) else "sigma",
        description=rule.description,
        falsepositives=rule.falsepositives,
    )
