"""new_value and rarity (ours): a value that was not seen before, a value that few groups have. docs/rules.md, "Correlation".

What comes late counts as if it had come in time: it is known from then on.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from soc.detect.correlation.figures import shown
from soc.detect.correlation.groups import Key, Room
from soc.detect.correlation.hits import NEVER, SHIFT
from soc.detect.correlation.kind import MAX_EVENTS, Fired, Kind, Late, Look, Schedule, Value
from soc.detect.sigma import ir


class Learning:
    """When the first hit of a correlation was, and whether it has learned for long enough."""

    def __init__(self, span: int) -> None:
        self._span = span
        self.began: int | None = None

    def done(self, time: int) -> bool:
        """Whether the time of learning is over; the first call begins it."""
        if self.began is None:
            self.began = time
        return time - self.began >= self._span

    @property
    def until(self) -> int | None:
        """When it is over."""
        return None if self.began is None else self.began + self._span


def learning_us(spec: ir.Correlation) -> int:
    """How long a correlation learns, in microseconds."""
    return round(float(spec.options.get("learning_s", 0.0)) * 1_000_000)


class NewValue(Kind[int]):
    """Each value of a group fires once, and again where it was not seen for the timespan. Nothing fires while `learning_s` lasts.

    A group here is a group with one value of it; its state is the hit that had it last.
    """

    late = Late.MAIN

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        super().__init__(spec, room, schedule)
        self.learning = Learning(learning_us(spec))

    @property
    def needed(self) -> str:
        """A value that is not known."""
        return "a new value"

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups, floor, new = self.groups, self.floor(hit), []
        if hit >= groups.turn_at:
            groups.turn(hit)
        learned = self.learning.done(hit >> SHIFT)
        for value in values:
            plain = key.__class__ is str and value.__class__ is str
            known: Key = (key, value) if plain else (*texts(key), *texts(value))  # type: ignore[assignment]
            last = groups.young.get(known)
            if last is None:
                last = groups.find(known)
            if last is None:
                groups.add(known, hit, hit)
            elif hit > last:
                groups.young[known] = hit
            if last is None or last < floor:
                new.append(value)
        if new and learned:
            return Fired((hit,), len(new), ", ".join(map(written, new)))
        return None

    def look(self, state: int, now: int) -> Look:
        """Known until it was not seen for a timespan."""
        seen = state >= self.floor(now << SHIFT)
        return Look(int(seen), (state,) if seen else (), (state >> SHIFT) + self.span if seen else None)

    def extra(self) -> object:
        """When learning began."""
        return self.learning.began

    def take_extra(self, frozen: object) -> None:
        """As given."""
        self.learning.began = frozen if isinstance(frozen, int) else None


Seen = OrderedDict[Key, tuple[int, int]]
"""Group -> its latest hit with a value, and when it last fired; the longest unseen first."""


class Rarity(Kind[Seen]):
    """A group fires with a value that at most so many groups had in the timespan (the condition), among at least `minimum` groups.

    A group here is a value; its state is the groups that have it, no more of them than the condition can tell apart.
    """

    late = Late.MAIN

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        super().__init__(spec, room, schedule)
        self.learning = Learning(learning_us(spec))
        self._minimum = math.ceil(float(spec.options.get("minimum", 0.0)))
        self._all: OrderedDict[Key, int] = OrderedDict()
        highest = max((each.value for each in spec.conditions), default=0.0)
        self.most = math.ceil(highest) + 2

    @property
    def needed(self) -> str:
        """How few groups, of how many."""
        return f"{super().needed} of at least {self._minimum} groups"

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        time, rare, fewest = hit >> SHIFT, [], math.inf
        self.meet(hit, key, values)
        learned = self.learning.done(time) and (self._minimum <= 0 or len(self._all) >= self._minimum)
        for value in values:
            kept = texts(value)
            seen = (
                self.groups.young.get(kept) or self.groups.find(kept) or OrderedDict()
            )  # it may have been evicted at once
            count = len(seen)
            last, fired = seen.get(key, (hit, NEVER))
            holds = learned and self.holds(count)
            if holds and time - fired >= self.span:
                rare.append(value)
                fewest, fired = min(fewest, count), time
            if key in seen:
                seen[key] = (last, fired if holds else NEVER)
        return Fired((hit,), fewest, ", ".join(map(written, rare))) if rare else None

    def meet(self, hit: int, key: Key, values: Sequence[Value]) -> None:
        """Note that a group has the values; no more groups are kept than the condition and `minimum` can tell apart."""
        groups, floor = self.groups, self.floor(hit)
        if hit >= groups.turn_at:
            groups.turn(hit)
        if self._minimum > 0:
            every = self._all
            last = every.get(key, hit)
            every[key] = max(hit, last)
            if last <= hit:
                every.move_to_end(key)
            while next(iter(every.values())) < floor or len(every) > self._minimum:
                every.popitem(last=False)
        for value in values:
            kept = texts(value)
            seen = groups.young.get(kept)
            if seen is None:
                seen = groups.find(kept)
            if seen is None:
                seen = OrderedDict()
                groups.add(kept, seen, hit)
            last, fired = seen.get(key, (hit, NEVER))
            seen[key] = (max(hit, last), fired)
            if last <= hit:
                seen.move_to_end(key)
            while next(iter(seen.values()))[0] < floor or len(seen) > self.most:
                seen.popitem(last=False)

    def look(self, state: Seen, now: int) -> Look:
        """The groups that have the value."""
        floor = self.floor(now << SHIFT)
        hits = tuple(sorted(hit for hit, _ in state.values() if hit >= floor))
        return Look(len(hits), hits[-MAX_EVENTS:], (hits[0] >> SHIFT) + self.span if hits else None)

    def freeze(self, state: Seen) -> object:
        """[[group, hit, fired], ...]."""
        return [[key, *pair] for key, pair in state.items()]

    def thaw(self, frozen: Any) -> Seen:
        """As frozen."""
        return OrderedDict((_key(key), (hit, fired)) for key, hit, fired in _rows(frozen))

    def extra(self) -> object:
        """When learning began, and every group with its latest hit."""
        return [self.learning.began, [[key, hit] for key, hit in self._all.items()]]

    def take_extra(self, frozen: object) -> None:
        """As given."""
        began, every = _rows(frozen)
        self.learning.began = began
        self._all = OrderedDict((_key(key), hit) for key, hit in every)


def written(value: Value) -> str:
    """A value as a detection tells it."""
    return " / ".join(value) if isinstance(value, tuple) else value if isinstance(value, str) else shown(value)


def texts(value: Value | Key) -> tuple[str, ...]:
    """A value or a key as a tuple."""
    return value if isinstance(value, tuple) else (value if isinstance(value, str) else shown(value),)


def _key(kept: str | list[str]) -> Key:
    return kept if isinstance(kept, str) else tuple(kept)


def _rows(frozen: Any) -> Iterable:  # type: ignore[type-arg]
    if not isinstance(frozen, list):
        raise TypeError("a list")
    return frozen
