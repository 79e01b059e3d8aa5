"""Events as they are received in, the moment before which nothing more is waited for out. A function of the events alone, in any batches.

A source's mark is the newest effective time that it sent, less its allowed lateness; the watermark is the least mark of the sources that
count, and never goes back. A source counts while it was heard in the last 30 s (or its lateness, if longer) and lags no more than 5 min (or
its lateness) behind: one machine with a wrong clock, or a spool being drained, does not hold up the correlations of all others. Where
no source keeps up, those that were heard count. It is looked at anew whenever the time of receipt has gone on by a tenth of a second.
Where all sources are files that were read to their end, the SOC says so in an event of its own: then nothing that was sent is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from collectors.event import Event
from soc.detect.correlation.hits import microseconds

STEP_US = 100_000
"""The watermark moves in steps of this: hits are released, and sorted, a step at a time."""
_STEP = timedelta(microseconds=STEP_US)
_HEARD = timedelta(seconds=30)
"""A source that was silent for longer does not hold the others up."""
_LAG = timedelta(minutes=5)
"""Nor does one whose newest event is further behind than this."""
OWN_SOURCE = "soc"
"""Whose events are the SOC's own: no configured source has this name."""
READ_OUT = "sources-read-out"
"""`event.action` of the SOC's own event that every source has said all that it will say."""
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after its time an event may still come. `allowed` None: without end, everything waits for the end (a scan)."""

    allowed: timedelta | None = timedelta(seconds=10)
    of: Mapping[str, timedelta] = field(default_factory=dict)

    def source(self, name: str) -> timedelta:
        """The lateness of a source."""
        return self.of.get(name, self.allowed or timedelta())


ENDLESS = Lateness(None)
"""Hits are correlated at the end, in order of time, whatever the order in which they come."""


class Watermark:
    """`now_us` is the watermark in microseconds: a whole number of steps; None before the first event or with endless lateness."""

    def __init__(self, lateness: Lateness) -> None:
        self.lateness = lateness
        self.now_us: int | None = None
        self._newest: dict[str, datetime] = {}
        self._heard: dict[str, datetime] = {}
        self._received = _NO_TIME
        self._look_at = _NO_TIME
        self._latest = _NO_TIME

    @property
    def newest_us(self) -> int | None:
        """The latest effective time of all events."""
        return None if self._latest == _NO_TIME else microseconds(self._latest)

    def note(self, times: Iterable[datetime]) -> None:
        """See by effective times how late it is, and wait for nothing."""
        self._latest = max([self._latest, *times])

    def observe(self, events: Iterable[Event]) -> list[tuple[int, int]]:
        """The places in the batch after whose event the watermark moves, and to where."""
        if self.lateness.allowed is None:
            return []
        moves = []
        newest, heard, look_at, latest = self._newest, self._heard, self._look_at, self._latest
        for at, event in enumerate(events):
            time, received, source = event.time, event.ingested, event.source
            if received < time:  # noqa: PLR1730  a call to min takes as long as the rest
                time = received
            known = newest.get(source)
            if known is None or time > known:
                newest[source] = time
                if time > latest:  # noqa: PLR1730  a call to max takes as long as the rest
                    latest = time
            heard[source] = received
            if source == OWN_SOURCE and event.fields.get("event.action") == READ_OUT:
                self._read_out()
                moves.append((at, self.now_us or 0))
            elif received >= look_at:
                self._received = received
                look_at = self._look_at = received + _STEP if received < _NEAR_END else received
                if self._advance():
                    moves.append((at, self.now_us or 0))
        self._latest = latest
        return moves

    def jump(self, time_us: int) -> None:
        """Wait for nothing before this moment (rounded down to a step)."""
        stepped = time_us // STEP_US * STEP_US
        if self.now_us is None or stepped > self.now_us:
            self.now_us = stepped

    def _read_out(self) -> None:
        """Everything that sources sent is passed; what they send in another run may follow it."""
        times = [microseconds(time) for source, time in self._newest.items() if source != OWN_SOURCE]
        if times:
            self.jump(max(times) + STEP_US)

    def _advance(self) -> bool:
        now, received, lateness = self.now_us, self._received, self.lateness
        marks: list[int] = []
        lagging: list[int] = []
        for source, time in list(self._newest.items()):
            allowed = lateness.source(source)
            silent = received - self._heard[source]
            if silent > max(_HEARD, allowed):
                if silent > max(_FORGET, allowed):
                    del self._newest[source], self._heard[source]
                continue
            (marks if received - time <= max(_LAG, allowed) else lagging).append(microseconds(time) - allowed // _US)
        self.jump(min(marks or lagging))
        return self.now_us != now

    def dump(self) -> list[object]:
        """What `load` takes: plain values."""
        sources = [[name, _plain(time), _plain(self._heard[name])] for name, time in self._newest.items()]
        return [self.now_us, sources, _plain(self._received), _plain(self._look_at), _plain(self._latest)]

    def load(self, dumped: list[object]) -> None:
        """Raises: TypeError, ValueError where it is not what `dump` gave."""
        now, sources, received, look_at, latest = dumped
        if not isinstance(now, int | None) or not isinstance(sources, list):
            raise TypeError("a watermark")
        self.now_us = now
        self._newest = {name: _time(newest) for name, newest, _ in sources}
        self._heard = {name: _time(heard) for name, _, heard in sources}
        self._received, self._look_at, self._latest = _time(received), _time(look_at), _time(latest)


_US = timedelta(microseconds=1)
_FORGET = timedelta(days=1)
"""A source that was silent for longer begins anew."""
_NEAR_END = datetime(9999, 12, 31, tzinfo=UTC)


def _plain(time: datetime) -> str:
    return time.astimezone(UTC).isoformat()


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
