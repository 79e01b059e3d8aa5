"""What every kind of correlation is: hits of a group in, `Fired` out where its condition has become true. The noun of this room."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Generic, NamedTuple

from soc.detect.correlation.figures import holds, most, written
from soc.detect.correlation.groups import Groups, Key, Room, State
from soc.detect.correlation.hits import SHIFT, span_us
from soc.detect.sigma import ir

Value = str | int | float | tuple[str, ...]
"""What is counted, measured or remembered of a hit: a text, a number, or a tuple where several fields are read."""

MAX_EVENTS = 100
"""Events that one detection shows: the latest."""


class Fired(NamedTuple):
    """A condition that has become true. `hits`: ascending, what its detection shows. `value`: what is new or rare, else ""."""

    hits: tuple[int, ...]
    figure: float
    value: str = ""


class Look(NamedTuple):
    """A group as it stands: its figure, its hits still in the window, when it last fired, and until when it can go on (microseconds)."""

    figure: float
    hits: tuple[int, ...]
    until_us: int | None
    value: str = ""


class Late(StrEnum):
    """What becomes of hits that are older than the watermark when they come."""

    OWN = "own"
    """They are correlated among themselves."""
    MAIN = "main"
    """They count as if they had come in time: what is known does not become unknown by coming late."""
    NONE = "none"
    """They are only counted: that something is missing cannot be seen in what comes late."""


Schedule = Callable[[int, Key], None]
"""Asks for `due` of a group at a moment (microseconds)."""


class Kind(ABC, Generic[State]):
    """The groups of one correlation and the one way in which they fire."""

    late = Late.OWN
    trimmed = 0
    """Values in the window that a group had no room for."""

    def __init__(self, spec: ir.Correlation, room: Room, schedule: Schedule) -> None:
        self.spec = spec
        self.span = span_us(spec.timespan_s)
        self._below = (self.span - 1) << SHIFT
        self.holds = holds(spec.conditions)
        self.most = most(spec.conditions)
        self.schedule = schedule
        self.groups: Groups[State] = Groups(spec.id, self.horizon(), room)

    def horizon(self) -> int:
        """How long after its last hit a group still says something, in microseconds."""
        return self.span

    def floor(self, hit: int) -> int:
        """The first hit that is in the window which ends with this one: later than its time less the timespan."""
        return (hit >> SHIFT << SHIFT) - self._below

    @property
    def needed(self) -> str:
        """What the figure must be, in words."""
        return written(self.spec.conditions)

    @abstractmethod
    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:
        """A hit of a group, later than all before it. `at`: the places of its rule in the correlation. `values`: of the fields."""

    def meet(self, hit: int, key: Key, values: Sequence[Value]) -> None:
        """An event reaches several groups: each is told so before any of them has its hit."""

    def due(self, time_us: int, key: Key) -> Fired | None:  # noqa: ARG002
        """The moment that was scheduled for a group has come."""
        return None

    def awaits(self, hit: int, key: Key) -> bool:  # noqa: ARG002
        """Whether `due` would show this hit, the latest of its group, as its last."""
        return True

    @abstractmethod
    def look(self, state: State, now: int) -> Look:
        """A group as it stands at a moment (microseconds)."""

    def looks(self, now: int) -> Iterator[tuple[Key, Look]]:
        """All groups as they stand."""
        for key, state in self.groups.items():
            yield key, self.look(state, now)

    def freeze(self, state: State) -> Any:
        """A state as ints, texts, lists and tuples; those that are so already stay."""
        return state

    def thaw(self, frozen: Any) -> State:
        """The state that was frozen; tuples come back as lists."""
        return frozen  # type: ignore[no-any-return]

    def extra(self) -> object:
        """What the kind knows besides its groups."""
        return None

    def take_extra(self, frozen: object) -> None:
        """Take up what `extra` gave."""
