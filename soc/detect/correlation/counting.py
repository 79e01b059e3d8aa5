"""event_count and value_count: hits of a group in the window, or distinct values of fields in them. Sigma specification 2.1.

Both forget their oldest beyond what their conditions can tell apart (figures.most), so a flood fills no memory and changes no answer.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from soc.detect.correlation.figures import least
from soc.detect.correlation.groups import Key, Room
from soc.detect.correlation.hits import NEVER, NO_HIT, SHIFT
from soc.detect.correlation.kind import MAX_EVENTS, Fired, Kind, Look, Schedule, Value
from soc.detect.sigma import ir


class EventCount(Kind[int | list[int]]):
    """An event counts once, also where several rules of the correlation fire on it.

    A group is its one hit, or a list: when it last fired, then its hits, oldest first.
    """

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        super().__init__(spec, room, schedule)
        self._one_is_enough = self.holds(1)
        self._least = least(spec.conditions)

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key)
        if state is None:
            state = groups.find(key)
            if state is None:
                groups.add(key, [hit >> SHIFT, hit] if self._one_is_enough else hit, hit)
                return Fired((hit,), 1) if self._one_is_enough else None
        if isinstance(state, int):
            if state == hit:
                return None
            if state < self.floor(hit):
                groups.young[key] = [hit >> SHIFT, hit] if self._one_is_enough else hit
                return Fired((hit,), 1) if self._one_is_enough else None
            state = groups.young[key] = [NEVER, state]
        elif state[-1] == hit:
            return None
        state.append(hit)
        size = len(state)
        if size <= self._least and size & (size - 1):
            # too few in any case; what has left the window is let go at sizes that are powers of two
            state[0] = NEVER
            return None
        return self._judge(state, hit, key)

    def _judge(self, hits: list[int], hit: int, key: Key) -> Fired | None:
        """Let go of what left the window, and see whether the group fires."""
        floor, time = self.floor(hit), hit >> SHIFT
        if hits[1] < floor:
            del hits[1 : bisect_left(hits, floor, 1)]
        elif len(hits) > self.most + 1:
            del hits[1]
        count = len(hits) - 1
        if not self.holds(count):
            hits[0] = NEVER
            if count == 1:
                self.groups.young[key] = hit
        elif time - hits[0] >= self.span:
            hits[0] = time
            return Fired(tuple(hits[max(1, count + 1 - MAX_EVENTS) :]), count)
        return None

    def look(self, state: int | list[int], now: int) -> Look:
        """Complete while the oldest hit is in the window."""
        hits = [state] if isinstance(state, int) else state[1:]
        window = tuple(hits[bisect_left(hits, self.floor(now << SHIFT)) :])
        return Look(len(window), window, (window[0] >> SHIFT) + self.span if window else None)


class Distinct:
    """The distinct values of one group: when it last fired, and each value with its latest hit, the longest unseen first.

    `newest`: the last hit; `oldest`: no value's latest hit is before it.
    """

    __slots__ = ("fired", "latest", "newest", "oldest")

    def __init__(self, fired: int, latest: OrderedDict[Value, int]) -> None:
        self.fired = fired
        self.latest = latest
        self.newest = next(reversed(latest.values()), NO_HIT)
        self.oldest = next(iter(latest.values()), NO_HIT)

    def forget(self, floor: int, most: int) -> None:
        """Let go of values before a hit, and of the longest unseen beyond so many."""
        latest = self.latest
        while (oldest := next(iter(latest.values()))) < floor or len(latest) > most:
            latest.popitem(last=False)
        self.oldest = oldest


class ValueCount(Kind[tuple[int, Value] | Distinct]):
    """Values are told apart as texts, case counts; of several fields each combination is a value; a list in an event is several values.

    A group is its one value with its hit, or Distinct. A detection shows the latest hit of each value.
    """

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        state = groups.young.get(key)
        if state is None:
            state = groups.find(key)
        if not isinstance(state, Distinct):
            state = self._few(state, hit, key, values)
            if state is None:
                return None
        latest = state.latest
        if state.newest == hit:
            values = [value for value in values if latest.get(value) != hit]
            if not values:
                return None
        state.newest = hit
        for value in values:
            latest[value] = hit
            latest.move_to_end(value)
        if hit - state.oldest > self._below or len(latest) > self.most:
            state.forget(self.floor(hit), self.most)
        count, time = len(latest), hit >> SHIFT
        if not self.holds(count):
            state.fired = NEVER
        elif time - state.fired >= self.span:
            state.fired = time
            return Fired(tuple(sorted(set(latest.values())))[-MAX_EVENTS:], count)
        return None

    def _few(self, state: tuple[int, Value] | None, hit: int, key: Key, values: Sequence[Value]) -> Distinct | None:
        """A group of no value or one: None where it still is of one that is too few, else the group of several to go on with."""
        groups = self.groups
        if len(values) == 1 and (state is None or state[1] == values[0]) and not self.holds(1):
            if state is None:
                groups.add(key, (hit, values[0]), hit)
            else:
                groups.young[key] = (hit, values[0])
            return None
        found = Distinct(NEVER, OrderedDict([(state[1], state[0])] if state is not None else []))
        if state is None:
            groups.add(key, found, hit)
        else:
            groups.young[key] = found
        return found

    def look(self, state: tuple[int, Value] | Distinct, now: int) -> Look:
        """Complete while the value that was longest unseen is in the window."""
        floor = self.floor(now << SHIFT)
        seen = [state[0]] if isinstance(state, tuple) else list(state.latest.values())
        seen = [hit for hit in seen if hit >= floor]
        return Look(len(seen), tuple(sorted(set(seen))), (seen[0] >> SHIFT) + self.span if seen else None)

    def freeze(self, state: tuple[int, Value] | Distinct) -> object:
        """[None, hit, value] of one value; [fired, hit, value, hit, value, ...] of several."""
        if isinstance(state, tuple):
            return [None, *state]
        return [state.fired, *[item for value, hit in state.latest.items() for item in (hit, value)]]

    def thaw(self, frozen: Any) -> tuple[int, Value] | Distinct:
        """As frozen."""
        fired, *rest = frozen
        if fired is None:
            return rest[0], thawed(rest[1])
        return Distinct(fired, OrderedDict(zip(map(thawed, rest[1::2]), rest[::2], strict=True)))


def thawed(value: Value | list[str]) -> Value:
    """A value as it was before it was kept: lists were tuples."""
    return tuple(value) if isinstance(value, list) else value
