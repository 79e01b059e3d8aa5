"""absence (ours): a hit of the first rule that no hit of the second follows in its group within the timespan. docs/rules.md, "Correlation".

It fires when the watermark passes that moment. A group waits for its earliest unanswered hit: later ones before that moment would only say
the same again. An answer must be a later event than what it answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from soc.detect.correlation.groups import Key
from soc.detect.correlation.hits import SHIFT
from soc.detect.correlation.kind import Fired, Kind, Late, Look, Value


class Absence(Kind[int]):
    """A group is the hit that waits for its answer."""

    late = Late.NONE

    @property
    def needed(self) -> str:
        """What is missing."""
        return f"{self.spec.rules[0]} without {self.spec.rules[-1]}"

    def on(self, hit: int, key: Key, at: Sequence[int], values: Sequence[Value]) -> Fired | None:  # noqa: ARG002
        """A hit of a group."""
        groups = self.groups
        if hit >= groups.turn_at:
            groups.turn(hit)
        waiting = groups.young.get(key)
        if waiting is None:
            waiting = groups.find(key)
        if waiting is not None and at[-1] > 0 and waiting < hit:
            groups.drop(key)
            waiting = None
        if waiting is None and at[0] == 0:
            groups.add(key, hit, hit)
            self.schedule((hit >> SHIFT) + self.span, key)
        return None

    def awaits(self, hit: int, key: Key) -> bool:
        """Whether it is the one that waits."""
        return self.groups.young.get(key) == hit

    def due(self, time_us: int, key: Key) -> Fired | None:
        """Nothing has come, or the group waits for another by now."""
        waiting = self.groups.young.get(key)
        if waiting is None:
            waiting = self.groups.find(key)
        if waiting is None or (waiting >> SHIFT) + self.span != time_us:
            return None
        self.groups.drop(key)
        return Fired((waiting,), 0)

    def look(self, state: int, now: int) -> Look:  # noqa: ARG002
        """Waiting."""
        return Look(0, (state,), (state >> SHIFT) + self.span)
