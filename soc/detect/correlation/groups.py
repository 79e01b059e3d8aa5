"""Keys in, the state of their groups out: bounded in number, and what was idle for a window is gone without anyone looking for it.

A correlation's groups are two generations. A group that is touched is in the young one; once a horizon (the window) has passed, the young
become the old and the old, untouched for a whole window, are let go: a few at each later step, so that nothing stops the world. Where
the set holds more groups than it may, the correlation that holds most loses its oldest: a flood of keys drives out nobody else's groups.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Generic, TypeVar

from soc.detect.correlation.hits import SHIFT

State = TypeVar("State")

Key = str | tuple[str, ...]
"""The values of group-by: one text, or a tuple of several (none: an empty one)."""

_FREED = 4
"""States of a bygone generation that are freed whenever a group is added."""
_RECHECK = 1_000
"""Evictions after which the largest correlation is looked for again."""


class Room:
    """What the groups of all correlations share: how many there are and may be. `evicted`: by correlation id."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.count = 0
        self.evicted: Counter[str] = Counter()
        self.stores: list[Groups] = []  # type: ignore[type-arg]
        self.bygone: list[dict] = []  # type: ignore[type-arg]
        self.largest: Groups | None = None  # type: ignore[type-arg]
        self._until_recheck = 0

    def discard(self, generation: dict) -> None:  # type: ignore[type-arg]
        """Free a generation, little by little."""
        if generation:
            self.bygone.append(generation)

    def sweep(self, states: int) -> None:
        """Free up to so many states of bygone generations."""
        while self.bygone and states > 0:
            generation = self.bygone[-1]
            for _ in range(min(states, len(generation))):
                generation.popitem()
            states -= 1_000 if generation else 1
            if not generation:
                self.bygone.pop()

    def evict(self) -> None:
        """Make place for one group."""
        if self.largest is None or self._until_recheck <= 0 or not len(self.largest):
            self.largest = max(self.stores, key=len)
            self._until_recheck = _RECHECK
        self._until_recheck -= 1
        self.evicted[self.largest.name] += self.largest.shed()


class Groups(Generic[State]):
    """The groups of one correlation. Look in `young` first, then `find`; what is not found is to `add`."""

    __slots__ = ("_now", "_old", "_old_left", "_order", "_room", "horizon", "name", "turn_at", "young")

    def __init__(self, name: str, horizon_us: int, room: Room) -> None:
        """`name`: the correlation's id. `horizon_us`: how long after its last hit a group still says something."""
        self.name, self.horizon, self._room = name, horizon_us, room
        self.young: dict[Key, State] = {}
        self._old: dict[Key, State | None] = {}
        self._old_left = 0
        self._order: Iterator[tuple[Key, State | None]] | None = None
        self._now = 0
        self.turn_at = -(1 << 200)
        """The hit from which on `turn` is due."""
        room.stores.append(self)

    def __len__(self) -> int:
        return len(self.young) + self._old_left

    def turn(self, hit: int) -> None:
        """A horizon has passed (or this is the first hit): the young become the old."""
        room, time = self._room, hit >> SHIFT
        idle = time - (self.turn_at >> SHIFT) >= self.horizon
        self.turn_at = time + self.horizon << SHIFT
        room.count -= self._old_left
        room.discard(self._old)
        if idle:
            room.count -= len(self.young)
            room.discard(self.young)
            self._take_old({})
        else:
            self._take_old(self.young)
        self.young = {}

    def _take_old(self, generation: dict[Key, State]) -> None:
        self._old = generation  # type: ignore[assignment]  # from here on its values may be None, for groups that left
        self._old_left = len(generation)
        self._order = None

    def find(self, key: Key) -> State | None:
        """A group of the old generation, young again from now on; None where there is none."""
        state = self._old.get(key)
        if state is not None:
            self._old[key] = None  # not deleted: eviction is walking through
            self._old_left -= 1
            self.young[key] = state
        return state

    def add(self, key: Key, state: State, hit: int) -> None:
        """A group that was not there."""
        room = self._room
        self._now = hit
        self.young[key] = state
        room.count += 1
        if room.bygone:
            room.sweep(_FREED)
        if room.count > room.limit:
            room.evict()

    def drop(self, key: Key) -> None:
        """A group that says nothing any more."""
        if self.young.pop(key, None) is not None:
            self._room.count -= 1
        elif self._old.get(key) is not None:
            self._old[key] = None
            self._old_left -= 1
            self._room.count -= 1

    def shed(self) -> int:
        """Let go of the oldest group; how many went (0 or 1)."""
        if not self._old_left:
            self._room.discard(self._old)
            self._take_old(self.young)
            self.young = {}
            self.turn_at = (self._now >> SHIFT) + self.horizon << SHIFT
        if self._order is None:
            self._order = iter(self._old.items())
        for key, state in self._order:
            if state is not None:
                self._old[key] = None
                self._old_left -= 1
                self._room.count -= 1
                return 1
        return 0

    def clear(self) -> None:
        """Let go of all."""
        self._room.count -= len(self)
        self._room.discard(self.young)
        self._room.discard(self._old)
        self.young = {}
        self._take_old({})

    def leave(self) -> None:
        """Let go of all, for good."""
        self.clear()
        self._room.stores.remove(self)
        self._room.largest = None

    def items(self) -> Iterator[tuple[Key, State]]:
        """Every group, oldest generation first."""
        for key, state in self._old.items():
            if state is not None:
                yield key, state
        yield from self.young.items()

    def generations(self) -> tuple[dict[Key, State], dict[Key, State]]:
        """Old and young, to be kept."""
        return {key: state for key, state in self._old.items() if state is not None}, self.young

    def load(self, old: dict[Key, State], young: dict[Key, State], turn_at: int) -> None:
        """Take up what `generations` and `turn_at` were."""
        self.clear()
        self._take_old(old)
        self.young, self.turn_at = young, turn_at
        self._room.count += len(self)
