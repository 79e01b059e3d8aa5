"""What the partitions of the journal and the shares of the correlations found in, decisions out, in the order of the journal.

What all of them have come to is decided, written to the ledger, and only then are the positions committed: what is read again after a crash
is known by its id and adds nothing.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import NamedTuple

from collectors.event import Event
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.kafka_stage import Positions, StageInput, trim
from soc.app.deciding import Decider
from soc.app.degradation import GapBook
from soc.app.evaluation import CONSUMER, RECORD_EVERY_S, Progress
from soc.app.gaps import Gap
from soc.app.hidden import record_hidden
from soc.app.site import Site
from soc.app.stages.messages import Topics, decode_correlated, decode_evaluated
from soc.detect import Detection
from soc.detect.split import Pulse
from soc.metrics import Metrics

TRIM_EVERY_S = 60.0
"""Between two times that what was decided is let go."""
_READ = 200
"""Messages of one partition at a time."""


class _Due(NamedTuple):
    """A detection and its place in the order: after which events, single ones before correlations, these by time, then by share."""

    at: tuple[int, bool, datetime, int, int]
    detection: Detection


_ANY_TIME = datetime.min.replace(tzinfo=UTC)


class _Log:
    """One partition of what was found: how far it has come, and which of its messages are not decided to their end."""

    def __init__(
        self, topic: KafkaJournalConfig, partition: int, at: int | None, to: int, take: Callable[[bytes], int]
    ) -> None:
        """`at`: where to read on; None for the start. `take`: takes in what a message says, and gives the offset that it reaches."""
        self.place = topic, partition
        self.take = take
        self.input = StageInput(topic, partition)
        self.input.at = self.input.low() if at is None else at
        self.to = to
        self.last = -1
        """Where the last message stands that was read."""
        self.messages: list[tuple[int, int]] = []
        """(offset of the journal that a message reaches, where it stands)."""

    def settle(self, to: int) -> int:
        """Everything below an offset of the journal is decided; where to read on after a restart."""
        self.messages = [each for each in self.messages if each[0] > to]
        return self.messages[0][1] if self.messages else self.input.at


class Merging:
    """One consumer of the stages before it: `step`, `offset` and `progress` as Evaluation has them."""

    def __init__(
        self,
        site: Site,
        topics: Topics,
        metrics: Metrics,
        tell: Callable[[Sequence[Event]], object],
        titles: Mapping[str, str],
    ) -> None:
        """`tell`: hands events of the SOC's own to who writes the journal; `titles`: of rules by id. Raises: JournalError."""
        self._site = site
        self._topics = topics
        self._metrics = metrics
        self._decider = Decider(site, metrics)
        self._book = GapBook(site, metrics, tell)
        self._titles = titles
        self._positions = Positions(topics.journal, CONSUMER)
        found = [(topics.found, n) for n in range(topics.partitions)]
        correlated = [(topics.correlated, n) for n in range(topics.shares)]
        start, *ats = self._positions.load([(topics.journal, 0), *found, *correlated])
        self.offset = start or 0
        takes = [self._take_evaluated] * len(found) + [partial(self._take_correlated, share) for _, share in correlated]
        self._logs = [
            _Log(*place, at, self.offset, take)
            for place, at, take in zip((*found, *correlated), ats, takes, strict=True)
        ]
        self._due: list[_Due] = []
        self._gaps: deque[Gap] = deque()
        """Told, and not written down."""
        self._pulses: list[tuple[int, int, Pulse]] = []
        self._numbers = count()
        self._lock = threading.Lock()
        self._evaluated: Counter[str] = Counter()
        self._heard: dict[tuple[str, str], datetime] = {}
        self._hidden: Counter[tuple[str, str]] = Counter()
        self._hidden_told: Counter[tuple[str, str]] = Counter()
        self._recorded_at = self._trimmed_at = time.monotonic()

    def step(self) -> int:
        """Decide what all have come to; how many offsets that is. Raises: UnreachableError, JournalError: it is then worth a retry."""
        for log in self._logs:
            self._read(log)
        while self._gaps:
            self._note(self._gaps[0], self._site.clock())
            self._gaps.popleft()
        to = min(log.to for log in self._logs)
        if to == self.offset:
            self._record()
            return 0
        ready = []
        while self._due and self._due[0].at[0] <= to:
            ready.append(heapq.heappop(self._due))
        if ready:
            try:
                self._decide(ready)
            except BaseException:
                for due in ready:
                    heapq.heappush(self._due, due)
                raise
        self._positions.save({(self._topics.journal, 0): to} | {log.place: log.settle(to) for log in self._logs})
        done = to - self.offset
        self._count(to)
        self._record()
        return done

    @property
    def gaps(self) -> Sequence[Gap]:
        """What rules did not see; from any thread."""
        return self._book.gaps

    def progress(self) -> Progress:
        """How far it is, as of one moment; from any thread."""
        with self._lock:
            return Progress(self.offset, self._evaluated.copy(), dict(self._heard))

    def close(self) -> None:
        """Record what filters hid, and leave the brokers."""
        record_hidden(self._site, self._hidden, self._hidden_told, self._site.clock())
        for log in self._logs:
            log.input.close()
        self._positions.close()

    def _read(self, log: _Log) -> None:
        for _ in range(_READ):
            message = log.input.come(0.0)
            if message is None:
                return
            to = log.take(message.content)
            log.to, log.last = max(log.to, to), message.at
            log.messages.append((to, message.at))

    def _note(self, gap: Gap, now: datetime) -> None:
        """Write down what is not known of a gap; told again after a crash, it adds nothing."""
        known = {each.key: each for each in self._book.gaps}.get(gap.key)
        if known is None:
            known = gap._replace(end=None)
            self._book.begin(known, self._titles.get(gap.rule, gap.rule), now)
        if gap.end is not None and known.end is None:
            self._book.end(known, gap.end, now, "it is tried again, or was changed")

    def _take_evaluated(self, content: bytes) -> int:
        told = decode_evaluated(content)
        self._gaps += told.gaps
        for one in told.found:
            self._wait(one.numbers[-1] + 1, 0, one)
        for pulse in told.pulses:
            if pulse.following > self.offset:
                heapq.heappush(self._pulses, (pulse.following, next(self._numbers), pulse))
        if told.to > self.offset:
            for filter_id, rule, hits in told.hidden:
                self._hidden[filter_id, rule] += hits
                self._metrics.hidden.labels(filter_id).inc(hits)
            with self._lock:
                self._heard.update({(system, dataset): at for system, dataset, at in told.heard})
        return told.to

    def _take_correlated(self, share: int, content: bytes) -> int:
        told = decode_correlated(content)
        for one in told.found:
            self._wait(one.position, 1 + share, one.detection)
        return told.to

    def _wait(self, position: int, stage: int, detection: Detection) -> None:
        if position > self.offset:
            at = (position, bool(stage), detection.time if stage else _ANY_TIME, stage, next(self._numbers))
            heapq.heappush(self._due, _Due(at, detection))

    def _decide(self, ready: Sequence[_Due]) -> None:
        places: dict[str, int] = {}
        for due in ready:
            events, numbers = due.detection.events, due.detection.numbers
            if len(events) == len(numbers):
                places.update(zip((event.id for event in events), numbers, strict=True))
        self._decider.decide([due.detection for due in ready], places)

    def _count(self, to: int) -> None:
        """Everything below an offset is decided."""
        with self._lock:
            self.offset = to
            while self._pulses and self._pulses[0][0] <= to:
                *_, pulse = heapq.heappop(self._pulses)
                self._evaluated[pulse.source] += pulse.count
                self._metrics.evaluated.inc(pulse.count)

    def _record(self) -> None:
        """Now and then: what filters hid becomes a fact, and what was decided is let go."""
        now = time.monotonic()
        if now - self._recorded_at >= RECORD_EVERY_S:
            self._recorded_at = now
            record_hidden(self._site, self._hidden, self._hidden_told, self._site.clock())
        if now - self._trimmed_at >= TRIM_EVERY_S:
            self._trimmed_at = now  # the last message stays: whoever takes over goes on from it
            done = {log.place: min(log.settle(self.offset), log.last) for log in self._logs if log.last >= 0}
            trim(self._topics.journal, done)
