"""One share of the hits in, what correlations over them find out; and, in one of the shares, what the log-on model finds.

What the partitions of the journal fed is put back into the order of the journal, as far as all of them have come: so what is found depends
on the journal alone. What is remembered is saved now and then; who takes a share over goes on from there, and what had been found by then
is not told again.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from collectors.event import Event
from collectors.journal import JournalReader
from collectors.journal.kafka_peer import KafkaPeer
from collectors.journal.kafka_stage import Message, StageInput, StageOutput, trim
from soc.app.audit import SOURCE
from soc.app.heartbeat import Heartbeat
from soc.app.models import warm_up
from soc.app.site import Site
from soc.app.stages.evaluating import WAIT_S
from soc.app.stages.messages import (
    MODEL_SHARE,
    Correlated,
    Fed,
    Found,
    Part,
    Remembered,
    Topics,
    decode_correlated,
    decode_fed,
    decode_remembered,
    encode,
)
from soc.detect import Detection
from soc.detect.correlation import Lateness
from soc.detect.correlation.recall import Keeper
from soc.detect.correlation.state import StateError
from soc.detect.split import Content, Correlations
from soc.metrics import Metrics
from soc.store.fetching import fetch

SAVE_EVERY_S = 60.0
"""Between two saved states: what who takes over correlates again."""

_PIECE_BYTES = 4 << 20
"""Of a state in one message."""
_READ = 1_000
"""Messages that are read at a time."""


_log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A part that is not correlated yet, and where its message stands."""

    at: int
    part: Part


class Recalled:
    """The events of hits: those that came lately are at hand, others are read from the journal."""

    def __init__(self, journal: JournalReader) -> None:
        self._journal = journal
        self._keeper = Keeper()
        self.keep = self._keeper.keep

    def __call__(self, numbers: Sequence[int]) -> list[Event]:
        """The events, in the order of their numbers."""
        found = {number: event for number in numbers for event in self._keeper.recall([number])}
        if len(found) < len(numbers):
            found.update(fetch(self._journal, [number for number in numbers if number not in found]))
        return [found[number] for number in numbers if number in found]


class CorrelatingShare:
    """One share, by the one process that correlates it."""

    def __init__(
        self, site: Site, topics: Topics, share: int, peer: KafkaPeer, content: Content, metrics: Metrics
    ) -> None:
        """Takes the work over. `peer`: the journal. Raises: JournalError, ModelError."""
        self._site = site
        self._topics = topics
        self._share = share
        self._metrics = metrics
        self._output = StageOutput(topics.journal, f"correlate-{share}")
        self._input = StageInput(topics.hits, share)
        self._peer = peer
        self._heartbeat = Heartbeat(lambda events: peer.append(events, {}, []), site.clock())
        self._told_to = self._last_told()
        self._rules, self._to, self._input.at = self._resumed(content)
        self._model = site.logon_model() if share == MODEL_SHARE else None
        warm_up([self._model] if self._model else [], peer, self._to)
        self._other_models: set[int] = set()
        self._progress = [self._to] * topics.partitions
        self._waiting: list[deque[_Waiting]] = [deque() for _ in range(topics.partitions)]
        self._saved_at = time.monotonic()

    def step(self) -> bool:
        """Correlate what all partitions have come to; whether anything was read. Raises: JournalError, then it is to be opened anew."""
        read = self._read()
        to = min(self._progress)
        found: list[Found] = []
        if to > self._to:
            for waiting in self._due(to):
                found += [Found(waiting.part.pulse.following, one) for one in self._correlate(waiting.part)]
            self._to = to
            self._tell(found)
        if not read:
            self._metrics.heartbeats.inc(self._heartbeat.beat(self._site.clock(), self._rules.due))
        if time.monotonic() - self._saved_at >= SAVE_EVERY_S:
            self.save()
        return read

    def save(self) -> None:
        """Save what is remembered, and let go of the hits that it makes needless. Raises: JournalError."""
        self._saved_at = time.monotonic()
        at = min((waiting[0].at for waiting in self._waiting if waiting), default=self._input.at)
        state = self._rules.state()
        pieces = [state[start : start + _PIECE_BYTES] for start in range(0, len(state), _PIECE_BYTES)]
        messages = [Remembered(self._to, at, len(pieces), piece) for piece in pieces]
        self._output.write([(self._topics.states, self._share, encode(message)) for message in messages])
        states = StageInput(self._topics.states, self._share)
        try:
            last = states.last()
        finally:
            states.close()
        below = {(self._topics.hits, self._share): at}
        if last is not None:
            below[self._topics.states, self._share] = last.at + 1 - len(pieces)
        trim(self._topics.journal, below)

    def close(self) -> None:
        """Leave the brokers."""
        self._input.close()
        self._output.close()

    def _last_told(self) -> int:
        """Up to which offset of the journal findings were told."""
        written = StageInput(self._topics.correlated, self._share)
        try:
            last = written.last()
        finally:
            written.close()
        return decode_correlated(last.content).to if last else 0

    def _resumed(self, content: Content) -> tuple[Correlations, int, int]:
        """The rules as they were saved last: as of which offset of the journal, and from where on hits are to be read."""
        states = StageInput(self._topics.states, self._share)
        try:
            last = states.last()
            if last is not None:
                kept = decode_remembered(last.content)
                states.at = last.at + 1 - kept.parts
                pieces = [decode_remembered(piece.content).state for piece in _all(states)]
                rules = self._rules_of(content)
                try:
                    rules.restore(b"".join(pieces))
                except StateError as error:
                    _log.warning("the saved state of correlations cannot be used", extra={"why": str(error)})
                    rules = self._rules_of(content)
                return rules, kept.to, kept.at
        finally:
            states.close()
        return self._rules_of(content), 0, self._input.low()

    def _rules_of(self, content: Content) -> Correlations:
        detect = self._site.config.detect
        recall = Recalled(self._peer)
        return Correlations(content, Lateness(detect.lateness, detect.lateness_of), recall, recall.keep)

    def _read(self) -> bool:
        """Take in what was fed, or is soon; whether there was anything."""
        wait_s = WAIT_S
        for count in range(_READ):
            message = self._input.come(wait_s)
            if message is None:
                return count > 0
            self._take(message)
            wait_s = 0.0
        return True

    def _take(self, message: Message) -> None:
        fed: Fed = decode_fed(message.content)
        if self._share == MODEL_SHARE and fed.model != (self._model.rule.version if self._model else ""):
            if fed.partition not in self._other_models:
                _log.error("who evaluates has another log-on model", extra={"partition": fed.partition})
            self._other_models.add(fed.partition)
        self._progress[fed.partition] = max(self._progress[fed.partition], fed.to)
        parts = (part for part in fed.parts if part.pulse.following > self._to)
        self._waiting[fed.partition].extend(_Waiting(message.at, part) for part in parts)

    def _due(self, to: int) -> list[_Waiting]:
        """What waits and ends up to an offset, in the order of the journal."""
        due = []
        for waiting in self._waiting:
            while waiting and waiting[0].part.pulse.following <= to:
                due.append(waiting.popleft())
        return sorted(due, key=lambda each: each.part.pulse.following)

    def _correlate(self, part: Part) -> Iterator[Detection]:
        for hit in part.hits:
            yield from self._rules.enter(hit)
        yield from self._rules.observe(part.pulse)
        if self._model:
            numbers = {event.id: number for number, event in part.logons}
            for found in self._model.detect([event for _, event in part.logons]):
                yield replace(found, numbers=tuple(numbers[event.id] for event in found.events))
        if part.pulse.source != SOURCE:
            self._heartbeat.heard_at(part.pulse.received)

    def _tell(self, found: list[Found]) -> None:
        """Tell what was found, and how far; what had been told before is not told again."""
        if self._to > self._told_to:
            fresh = [one for one in found if one.position > self._told_to]
            self._output.write([(self._topics.correlated, self._share, encode(Correlated(self._to, fresh)))])
            self._told_to = self._to
        self._metrics.held_back.set(self._rules.stats().held)


def _all(states: StageInput) -> list[Message]:
    found = []
    end = states.end()
    while (piece := states.read(end)) is not None:
        found.append(piece)
    return found
