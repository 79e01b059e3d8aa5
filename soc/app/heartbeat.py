"""When nothing comes and correlations wait for time to go on: events of the SOC's own that say what time it is.

Detection knows no clock, so that a replay of the journal gives what the live run gave. What it waits for (an event that is still under way,
a source that fell silent) ends by time that stands in the journal; where no machine says anything, the SOC does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from collectors.event import Event
from soc.app.audit import HEARTBEAT, audit_event, is_heartbeat
from soc.detect.correlation.watermark import READ_OUT

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
            self.heard_at(event.ingested)

    def heard_at(self, received: datetime) -> None:
        """Something other than the SOC was heard then."""
        self._last, self._pause = received, PAUSE

    def beat(self, now: datetime, due: datetime | None) -> bool:
        """Tell the time if something waits for it (`due`: until when; None for nothing) and nothing else did; whether it was told."""
        if due is None or now < due or now - self._last < self._pause:
            return False
        self._tell([_event("heartbeat", now)])
        self._last, self._pause = now, min(2 * self._pause, LONGEST_PAUSE)
        return True

    def read_out(self, now: datetime) -> None:
        """Tell that every source has said all that it will say."""
        self._tell([_event(READ_OUT, now)])


def _event(action: str, now: datetime) -> Event:
    return audit_event(action, {"event.dataset": HEARTBEAT}, now)
