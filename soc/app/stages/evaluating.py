"""One partition of the journal in, what single events give out: detections, and hits for the shares of the correlations."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from collectors.event import Event
from collectors.journal import JournalReader, frame
from collectors.journal.kafka_messages import Cursor, Read
from collectors.journal.kafka_stage import StageInput, StageOutput
from soc.app.reading import BATCH
from soc.app.stages.messages import Evaluated, Fed, Part, Topics, decode_evaluated, encode
from soc.detect import Detection
from soc.detect.split import Hit, Pulse, Singles, pulse_of
from soc.metrics import Metrics

LOOK_EVERY_S = 0.5
"""Between two looks of a partition where nothing comes whether the others went on."""


class SharedRules:
    """One rule set for all partitions that a process evaluates; one of them at a time."""

    def __init__(self, rules: Singles) -> None:
        self.rules = rules
        self._lock = threading.Lock()
        self._hidden: Counter[tuple[str, str]] = Counter()

    def spread(
        self, events: Sequence[Event], numbers: Sequence[int]
    ) -> tuple[list[Detection | tuple[int, Hit]], Counter[tuple[str, str]], int]:
        """What the events give, what filters hid of it, and the CPU time that it took, in nanoseconds."""
        with self._lock:
            began = time.thread_time_ns()
            given = [*self.rules.spread(events, numbers)]
            hidden = Counter(self.rules.stats().hidden)
            fresh, self._hidden = hidden - self._hidden, hidden
            return given, fresh, time.thread_time_ns() - began


class EvaluatingPartition:
    """One partition, by the one process that evaluates it."""

    def __init__(
        self, topics: Topics, partition: int, reader: JournalReader, rules: SharedRules, metrics: Metrics
    ) -> None:
        """Takes the work over. `reader`: of the journal. Raises: JournalError."""
        self._topics = topics
        self._partition = partition
        self._rules = rules
        self._metrics = metrics
        self._output = StageOutput(topics.journal, f"detect-{partition}")
        self._cursor = Cursor(topics.journal)
        self._reader = reader
        self._looked_at = 0.0
        written = StageInput(topics.found, partition)
        try:
            last = written.last()
        finally:
            written.close()
        before = decode_evaluated(last.content) if last else Evaluated(0, self._cursor.bounds(partition)[0])
        self._to, self._at = before.to, before.at

    def step(self) -> bool:
        """Evaluate the next messages; whether there were any. Raises: JournalError, after which it is to be opened anew."""
        messages = self._next()
        if not messages:
            self._look()
            return False
        pulses: list[Pulse] = []
        events: list[Event] = []
        numbers: list[int] = []
        for each in messages:
            if each.head.events:
                decoded = frame.WHOLE.decode(each.content).events
                pulses.append(pulse_of(decoded, each.head.next))
                events += decoded
                numbers += range(each.head.first, each.head.next)
        given, hidden, cpu_ns = self._rules.spread(events, numbers) if events else ([], Counter(), 0)
        self._to, self._at = max(self._to, messages[-1].head.next), messages[-1].at + 1
        hits: list[dict[int, list[Hit]]] = [{} for _ in range(self._topics.shares)]
        ends = iter(pulses)
        end = next(ends, None)
        found: list[Detection] = []
        for one in given:
            if isinstance(one, Detection):
                found.append(one)
                continue
            share, hit = one
            while end is not None and hit.number >= end.following:
                end = next(ends, None)
            assert end is not None, "every hit is of a message"
            hits[share].setdefault(end.following, []).append(hit)
        self._write(pulses, found, hits, _heard(events), [(*key, count) for key, count in hidden.items()])
        self._metrics.evaluated.inc(len(events))
        self._metrics.detect_seconds.inc(cpu_ns / 1e9)
        return True

    def close(self) -> None:
        """Leave the brokers."""
        self._cursor.close()
        self._output.close()

    def _next(self) -> list[Read]:
        """The messages that are there, up to about a batch of events."""
        found: list[Read] = []
        events = 0
        _, high = self._cursor.bounds(self._partition)
        at = self._at
        while events < BATCH and (message := self._cursor.read(self._partition, at, high)) is not None:
            found.append(message)
            events += message.head.events
            at = message.at + 1
        return found

    def _look(self) -> None:
        """Where nothing comes, everything up to where the others are is evaluated too: messages are seen in the order of their numbers."""
        if time.monotonic() - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        end = self._reader.end()
        if (
            end > self._to
            and self._cursor.read(self._partition, self._at, self._cursor.bounds(self._partition)[1]) is None
        ):
            self._to = end
            self._write([], [], [{} for _ in range(self._topics.shares)], [], [])

    def _write(
        self,
        pulses: list[Pulse],
        found: list[Detection],
        hits: Sequence[dict[int, list[Hit]]],
        heard: list[tuple[str, str, datetime]],
        hidden: list[tuple[str, str, int]],
    ) -> None:
        told = Evaluated(self._to, self._at, pulses, heard, found, hidden)
        messages = [(self._topics.found, self._partition, encode(told))]
        for share, of in enumerate(hits):
            fed = Fed(self._partition, self._to, [Part(pulse, of.get(pulse.following, [])) for pulse in pulses])
            messages.append((self._topics.hits, share, encode(fed)))
        self._output.write(messages)


def _heard(events: Sequence[Event]) -> list[tuple[str, str, datetime]]:
    """When each system last sent each kind of log, by time of receipt."""
    heard: dict[tuple[str, str], datetime] = {}
    for event in events:
        system = event.fields.get("service.name")
        if isinstance(system, str):
            heard[system, str(event.fields.get("event.dataset"))] = event.ingested
    return [(*key, at) for key, at in heard.items()]
