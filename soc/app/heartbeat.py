"""When nothing comes and correlations wait for time to go on: events of the SOC's own that say what time it is.

Detection knows no clock, so that a replay of the journal gives what the live run gave. What it waits for (an event that is still under way,
a source that fell silent) ends by time that stands in the journal; where no machine says anything, the SOC does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from collectors.event import Event
from soc.app.audit import audit_event

DATASET = "soc.heartbeat"

PAUSE = timedelta(seconds=31)
"""Of silence before the first: a source counts as silent after 30 s (soc.detect.correlation), so earlier would move nothing."""

LONGEST_PAUSE = timedelta(minutes=5)
"""Between two, in the end: each silent pause is twice the one before, for a rule may wait for hours."""


class Heartbeat:
    """Tells the time while something is held back and nothing else does."""

    def __init__(self, tell: Callable[[Sequence[Event]], object], now: datetime) -> None:
        """`tell`: puts own events into the journal. `now`: the time of a start is the time of the last sign of life."""
        self._tell = tell
        self._last = now
        self._pause = PAUSE

    def heard(self, event: Event) -> None:
        """An event went through, the newest of its batch; a heartbeat itself does not count."""
        if not is_heartbeat(event):
            self._last, self._pause = event.ingested, PAUSE

    def beat(self, now: datetime, held_back: int, *, at_once: bool = False) -> bool:
        """Tell the time if something waits for it, and if it is due or shall be told `at_once`; whether it was."""
        if not held_back or (now - self._last < self._pause and not at_once):
            return False
        self._tell([audit_event("heartbeat", {"event.dataset": DATASET, "soc.held_back": held_back}, now)])
        self._last, self._pause = now, min(2 * self._pause, LONGEST_PAUSE)
        return True


def is_heartbeat(event: Event) -> bool:
    """Whether the event only tells the time: it is in the journal for detection, and nothing to search for."""
    return event.source == "soc" and event.fields.get("event.dataset") == DATASET
