"""What each batch became in, told in any order; counts by source in the order of the journal out, so that they end at one offset.

Sources append side by side and tell afterwards: at any moment a batch may be durable and not yet told. Counts that end where the journal
is told without a gap can be held against the journal itself, event by event (soc.app.auditing).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from collectors.intake import Taken

COUNTS = ("received", "parsed", "dead", "dropped")


def no_counts() -> dict[str, Counter[str]]:
    """A counter by source for each of COUNTS."""
    return {name: Counter() for name in COUNTS}


@dataclass(slots=True)
class Books:
    """`to`: every event below this offset is in `counts`, no other one is. Batches beyond a gap wait for what fills it."""

    to: int
    counts: dict[str, Counter[str]] = field(default_factory=no_counts)
    _waiting: dict[int, Taken] = field(default_factory=dict)

    def add(self, taken: Taken) -> None:
        """Count a batch; one without events counts at once."""
        if not taken.parsed:
            self._count(taken)
            return
        self._waiting[taken.following - taken.parsed] = taken
        while (following := self._waiting.pop(self.to, None)) is not None:
            self._count(following)
            self.to = following.following

    def _count(self, taken: Taken) -> None:
        for name in COUNTS:
            self.counts[name][taken.source] += getattr(taken, name)

    @property
    def waiting(self) -> bool:
        """Whether batches were told that stand beyond what nobody told of."""
        return bool(self._waiting)
