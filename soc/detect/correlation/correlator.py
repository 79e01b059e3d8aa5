"""Hits of detection rules in, findings of correlations out: in order of event time, once the watermark has passed them.

`observe` a batch, then `correlate` its hits; `finish` at the end.
The same events give the same findings in the same order, in any batches; within the allowed lateness, in any order of arrival.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, SupportsIndex

from collectors.event import Event, effective
from soc.detect.correlation.groups import Key, Room
from soc.detect.correlation.hits import EPOCH, NEVER, SHIFT, microseconds, sequence_of
from soc.detect.correlation.kind import Fired, Kind, Late, Look, Value
from soc.detect.correlation.kinds import KINDS, TIMED
from soc.detect.correlation.lanes import Lane, LateKinds
from soc.detect.correlation.network import MEASURING, Network
from soc.detect.correlation.reading import Above, Columns, Item, Reader, Unread, items_above, reader, together
from soc.detect.correlation.waiting import Waiting
from soc.detect.correlation.watermark import STEP_US, Lateness, Watermark

MAX_GROUPS = 1_000_000
"""Groups of all correlations together."""
MAX_HELD = 1_000_000
"""Hits that wait for the watermark; beyond it the earlier half no longer waits, and what comes for it is late."""
_SWEPT = 2_000
"""States of bygone groups that are freed with each move of the watermark."""


class Finding(NamedTuple):
    """A correlation that fired: its number, its group, and the hit at which it did. `timed`: nothing happened then, a time was over."""

    correlation: int
    key: Key
    fired: Fired
    hit: int
    late: bool = False
    timed: bool = False


class Kinds(Protocol):
    """The groups of each correlation by its number; None where its hits are only counted."""

    def __getitem__(self, at: SupportsIndex, /) -> Kind[Any] | None:
        """Of one correlation."""
        ...


class Correlator:
    """All correlations of a rule set. Its attributes tell how it stands; state.py keeps and restores them."""

    def __init__(
        self,
        network: Network,
        lateness: Lateness,
        rules: Sequence[str],
        locate: Callable[[int, int, str], Columns],
        *,
        max_groups: int = MAX_GROUPS,
        max_held: int = MAX_HELD,
    ) -> None:
        """`rules`: ids of the detection rules by their number in the matcher. `locate`: the columns of a field for rule and route."""
        self.network = network
        self.watermark = Watermark(lateness)
        self.waiting = Waiting(endless=lateness.allowed is None)
        self.room = Room(max_groups)
        self.passed_us: int | None = None
        """How far was released: within a batch the watermark is ahead, as its moves are known before its hits are taken."""
        self.late: Counter[str] = Counter()
        self.early = 0
        """Items that were correlated before what is late for them could have come, as too many waited."""
        self.unread = Unread(Counter(), Counter(), Counter())
        self.timers: list[tuple[int, int, int, Key]] = []
        """A heap of: when (microseconds), running number, correlation, group."""
        self.scheduled = 0
        self.lanes: dict[str, Lane] = {}
        self.carried: dict[tuple[int, Key], tuple[Above, ...]] = {}
        self._rules, self._locate = rules, locate
        self._max_held = max_held
        self._readers: list[dict[int, list[Reader]]] = [{} for _ in rules]
        """Of each detection rule, by route."""
        self.kinds = [self.kind(at) for at in range(len(network.correlations))]
        self._tell = [kind.on for kind in self.kinds]
        self._keeps = [
            spec.kind in TIMED and bool(over) for spec, over in zip(network.correlations, network.over, strict=True)
        ]
        self._times = any(spec.kind in TIMED for spec in network.correlations)
        self._longest = max((kind.groups.horizon for kind in self.kinds), default=0)
        self.feeding = frozenset(number for number, rule in enumerate(rules) if rule in network.under)
        """Numbers of the detection rules whose hits are to be correlated; those of others change nothing."""

    def kind(self, at: int) -> Kind[Any]:
        """New groups for a correlation."""

        def schedule(time_us: int, key: Key) -> None:
            self.scheduled += 1
            heapq.heappush(self.timers, (time_us, self.scheduled, at, key))

        spec = self.network.correlations[at]
        return KINDS[spec.kind](spec, self.room, schedule)

    # --- Events in ----------------------------------------------------------------------------------------------------------------

    def observe(self, events: Iterable[Event]) -> list[tuple[int, int]]:
        """The places in a batch after whose event the watermark moves, and to where."""
        if self.watermark.lateness.allowed is not None:
            return self.watermark.observe(events)
        if self._times:
            self.watermark.note(map(effective, events))
        return []

    def correlate(  # noqa: C901, PLR0912, PLR0915  one loop: calls would cost as much as the rest
        self,
        event_at: Callable[[int], Event],
        hits: Iterable[tuple[int, Sequence[int], Mapping[int, int]]],
        first: int,
        moves: Iterable[tuple[int, int]],
    ) -> list[tuple[int, list[Finding]]]:
        """The hits of a batch: each its place, the rules that it fires, and by which routes; ascending. `event_at`: the event of a place.
        `first`: the sequence number of place 0; later batches have higher ones. `moves`: what `observe` gave for the batch.

        Gives findings with the place after whose event they came, ascending: what the watermark released, and what came late.
        """
        told: list[tuple[int, list[Finding]]] = []
        waiting, readers, feeding = self.waiting, self._readers, self.feeding
        slots, endless = waiting.slots, waiting.endless
        passed = NEVER if self.passed_us is None else self.passed_us
        following = iter(moves)
        move, to = next(following, _NO_MOVE)
        for at, fired, routes in hits:
            items: list[Item] = []
            alone = len(fired) == 1  # a rule feeds a correlation once
            get = None
            for number in fired:
                if number not in feeding:
                    continue
                if get is None:
                    while move < at:
                        self._note(told, move, self.release(to))
                        move, to = next(following, _NO_MOVE)
                        passed = NEVER if self.passed_us is None else self.passed_us
                    event = event_at(at)
                    get, time, received = event.fields.get, event.time, event.ingested
                    since = (received if received < time else time) - EPOCH  # noqa: FURB136  a call to min costs as much as the rest
                    time_us = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
                    hit = time_us << SHIFT | first + at
                route = routes[number]
                for feed, column, single, wanted, read in readers[number].get(route) or self._reader(number, route):
                    cell = get(column)
                    if cell.__class__ is str:
                        if wanted is None:
                            items.append((hit, feed, cell, (), None))
                            continue
                        value = get(single)
                        kind = value.__class__
                        if kind is wanted:
                            items.append((hit, feed, cell, (value,), None))  # type: ignore[arg-type]  # it is wanted
                            continue
                        if kind is int:  # wanted as a text
                            items.append((hit, feed, cell, (str(value),), None))
                            continue
                    read(event, hit, items)
                    alone = False
            if not items:
                continue
            if not alone:
                items = together(items)
            if time_us < passed:
                self._note(told, at, self._late(event.source, items))
                continue
            number = 0 if endless else time_us // STEP_US
            held, ids = slots.get(number) or waiting.open(number)
            event_id = event.id
            if event_id in ids:
                waiting.duplicates += 1
                continue
            ids.add(event_id)
            held.extend(items)
            waiting.held += len(items)
            if waiting.held > self._max_held:
                self._note(told, at, self._release_half())
                passed = self.passed_us or 0
        while move is not _NO_PLACE:
            self._note(told, move, self.release(to))
            move, to = next(following, _NO_MOVE)
        return told

    @staticmethod
    def _note(told: list[tuple[int, list[Finding]]], at: int, findings: list[Finding]) -> None:
        if findings:
            told.append((at, findings))

    def take(self, event: Event, sequence: int, fired: Sequence[int], routes: Mapping[int, int]) -> list[Finding]:
        """`correlate` one event between two moves of the watermark."""
        told = self.correlate(lambda _: event, ((0, fired, routes),), sequence, ())
        return [finding for _, findings in told for finding in findings]

    def items(self, event: Event, sequence: int, fired: Sequence[int], routes: Mapping[int, int]) -> list[Item]:
        """What an event that fires rules has for the groups of correlations, which `enter` takes, here or elsewhere."""
        items: list[Item] = []
        hit = microseconds(effective(event)) << SHIFT | sequence
        for number in fired:
            if number in self.feeding:
                route = routes[number]
                for *_, read in self._readers[number].get(route) or self._reader(number, route):
                    read(event, hit, items)
        return together(items)

    def enter(self, event_id: str, source: str, items: Sequence[Item]) -> list[Finding]:
        """The items of one event, as `correlate` takes them."""
        time_us, waiting = items[0][0] >> SHIFT, self.waiting
        if self.passed_us is not None and time_us < self.passed_us:
            return self._late(source, items)
        held, ids = waiting.slots.get(time_us // STEP_US) or waiting.open(time_us // STEP_US)
        if event_id in ids:
            waiting.duplicates += 1
            return []
        ids.add(event_id)
        held.extend(items)
        waiting.held += len(items)
        return self._release_half() if waiting.held > self._max_held else []

    def _release_half(self) -> list[Finding]:
        """Too many wait: the earlier half goes on."""
        after_half = (self.waiting.middle() // STEP_US + 1) * STEP_US
        self.watermark.jump(after_half)
        before = self.waiting.held
        found = self.release(after_half)
        self.early += before - self.waiting.held
        return found

    def _reader(self, number: int, route: int) -> list[Reader]:
        plans = self.network.plans(self._rules[number], lambda field: self._locate(number, route, field))
        made = self._readers[number][route] = [reader(plan, self.unread) for plan in plans]
        return made

    def release(self, watermark_us: int) -> list[Finding]:
        """What the watermark has passed is correlated; findings in order of time."""
        self.passed_us = watermark_us if self.passed_us is None else max(self.passed_us, watermark_us)
        found: list[Finding] = []
        for items in self.waiting.before(watermark_us):
            self._run(items, found)
        self._tick(watermark_us, found)
        self.room.sweep(_SWEPT)
        for source, lane in list(self.lanes.items()):
            if watermark_us - lane.touched > self._longest:
                self._leave(self.lanes.pop(source))
        return _ordered(found)

    @property
    def due_us(self) -> int | None:
        """The watermark at which the next thing comes out that is held back or was scheduled; None where there is nothing."""
        moments = [self.waiting.first_us, self.timers[0][0] if self.timers else None]
        return min((moment for moment in moments if moment is not None), default=None)

    def finish(self, until_us: int | None = None) -> list[Finding]:
        """No more events come: everything is correlated, and what was to happen by then (default: the last event) has or has not."""
        end = max((time for time in (until_us, self.watermark.newest_us) if time is not None), default=0)
        self.watermark.jump(end + STEP_US)
        self.passed_us = self.watermark.now_us
        found: list[Finding] = []
        for items in self.waiting.before(_NO_END):
            self._run(items, found)
        self._tick(end, found)
        return _ordered(found)

    def read_by(self, locate: Callable[[int, int, str], tuple[str, ...]]) -> None:
        """The same rules are matched by another matcher from here on."""
        self._locate = locate
        self._readers = [{} for _ in self._rules]

    def looks(self, at: int) -> Iterator[tuple[Key, Look, str, str]]:
        """The groups of a correlation: key, how it stands, what is needed, and the source whose late hits it has ("" of the others)."""
        main = self.kinds[at]
        now = self.watermark.now_us if self.watermark.now_us is not None else self.watermark.newest_us or 0
        for key, look in main.looks(now):
            yield key, look, main.needed, ""
        for source, lane in self.lanes.items():
            kind = lane.kinds.own.get(at)
            for key, look in kind.looks(lane.newest) if kind is not None else ():
                yield key, look, main.needed, source

    def trimmed(self) -> dict[str, int]:
        """Numbers that groups had no room for, by correlation id."""
        return {kind.spec.id: kind.trimmed for kind in self.kinds if kind.trimmed}

    # --- Correlation --------------------------------------------------------------------------------------------------------------

    def _run(self, items: Sequence[Item], found: list[Finding]) -> None:
        """Items in order of their hits."""
        timers, tell = self.timers, self._tell
        same: list[Item] = []
        for hit, feed, key, values, above in items:
            if same and same[0][0] != hit:
                self._event(same[0][0], same, self.kinds, found)
                same = []
            if timers and timers[0][0] <= hit >> SHIFT:
                self._tick(hit >> SHIFT, found)
            if above is not None:
                same.append((hit, feed, key, values, above))
                continue
            fired = tell[feed.correlation](hit, key, feed.at, values)
            if fired is not None:
                found.append(Finding(feed.correlation, key, fired, hit))
        if same:
            self._event(same[0][0], same, self.kinds, found)

    def _event(
        self,
        hit: int,
        items: Iterable[Item],
        kinds: Kinds,
        found: list[Finding],
        *,
        late: bool = False,
        timed: bool = False,
    ) -> None:
        """One event, or one correlation that fired: each group that it reaches is told once, those of correlations below first, so
        that an event which fires several rules stands for all of them at once."""
        order = self.network.order
        waiting: dict[int, dict[Key, tuple[Sequence[int], Sequence[Value], tuple[Above, ...]]]] = {}
        rest: list[tuple[int, int]] = []

        def tell(items: Iterable[Item]) -> None:
            for _, feed, key, values, above in items:
                groups = waiting.get(feed.correlation)
                if groups is None:
                    groups = waiting[feed.correlation] = {}
                    heapq.heappush(rest, (order[feed.correlation], feed.correlation))
                known = groups.get(key)
                if known is None:
                    groups[key] = (feed.at, values, above or ())
                else:  # a number counts once an event
                    more = () if self.network.correlations[feed.correlation].kind in MEASURING else values
                    groups[key] = _joined(known, feed.at, more)

        tell(items)
        while rest:
            _, at = heapq.heappop(rest)
            kind, groups = kinds[at], waiting.pop(at)
            if kind is None:
                continue
            for key, (_, values, _) in groups.items() if len(groups) > 1 else ():
                kind.meet(hit, key, values)
            for key, (places, values, above) in groups.items():
                fired = kind.on(hit, key, places, values)
                if above and self._keeps[at] and kind.awaits(hit, key):
                    self._carry(at, key, above)
                if fired is not None:
                    found.append(Finding(at, key, fired, hit, late, timed))
                    for one in above:
                        tell(items_above(one, hit, key, numeric=self._numeric(one)))

    def _numeric(self, above: Above) -> bool:
        return self.network.correlations[above.feed.correlation].kind in MEASURING

    def _tick(self, time_us: int, found: list[Finding]) -> None:
        """What was scheduled up to a moment. What fires for one event at one moment reaches those above together, as of one event."""
        timers = self.timers
        while timers and timers[0][0] <= time_us:
            moment = timers[0][0]
            reached: dict[int, list[Item]] = {}
            while timers and timers[0][0] == moment:
                _, _, at, key = heapq.heappop(timers)
                fired = self.kinds[at].due(moment, key)
                if fired is not None:
                    hit = moment << SHIFT | sequence_of(
                        fired.hits[-1]
                    )  # its last event, as of the moment at which it fired
                    found.append(Finding(at, key, fired, hit, timed=True))
                    for one in self.carried.get((at, key), ()):
                        reached.setdefault(hit, []).extend(items_above(one, hit, key, numeric=self._numeric(one)))
            for hit in sorted(reached):
                self._event(hit, reached[hit], self.kinds, found, timed=True)

    def _carry(self, at: int, key: Key, above: tuple[Above, ...]) -> None:
        """Remember what correlations over one that fires without a hit need to know of its group."""
        self.carried[at, key] = above
        if len(self.carried) > _CARRIED and len(self.carried) > 2 * self.room.count:
            groups = {(number, key) for number, kind in enumerate(self.kinds) for key, _ in kind.groups.items()}
            self.carried = {place: over for place, over in self.carried.items() if place in groups}

    # --- What comes late ----------------------------------------------------------------------------------------------------------

    def _late(self, source: str, items: Sequence[Item]) -> list[Finding]:
        """A lane of its own for each source, of the hits that a correlation counts: in order of arrival, one that is a little too early
        counts as of the latest before it, and one from before that begins the lane anew (another spool)."""
        self.late[source] += 1
        found: list[Finding] = []
        time = items[0][0] >> SHIFT
        lane = self.lanes.get(source)
        allowed = self.watermark.lateness.source(source) // _US
        if lane is not None and time < lane.newest - allowed:
            self._leave(lane)
            lane = None
        if lane is None:
            lane = self.lanes[source] = Lane(LateKinds(self.kinds, self.kind), time, 0)
        lane.newest = max(lane.newest, time)
        lane.touched = self.passed_us or 0
        hit = items[0][0]
        counted = lane.newest << SHIFT | sequence_of(hit)
        own = [item for item in items if self.kinds[item[1].correlation].late is Late.OWN]
        self._event(counted, own, lane.kinds, found, late=True)
        self._event(hit, [item for item in items if item not in own], lane.kinds, found, late=True)
        return _ordered(found)

    def _leave(self, lane: Lane) -> None:
        for kind in lane.kinds.own.values():
            kind.groups.leave()


def _joined(
    known: tuple[Sequence[int], Sequence[Value], tuple[Above, ...]], at: Sequence[int], values: Sequence[Value]
) -> tuple[Sequence[int], Sequence[Value], tuple[Above, ...]]:
    """One group that an event reaches by two rules."""
    places, others, above = known
    return sorted({*places, *at}), list(dict.fromkeys((*others, *values))) if values else others, above


def _ordered(found: list[Finding]) -> list[Finding]:
    """By time and sequence number, then by rule; what fires because a time is over comes before the events of that moment."""
    if len(found) > 1:
        found.sort(key=lambda one: (one.hit >> SHIFT, not one.timed, one.hit, one.correlation))
    return found


_NO_END = 1 << 62
_NO_PLACE = sys.maxsize
_NO_MOVE = (_NO_PLACE, 0)
_CARRIED = 10_000
_US = timedelta(microseconds=1)
