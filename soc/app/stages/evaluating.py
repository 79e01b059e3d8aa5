"""One partition of the journal in, what single events give out: detections, and hits for the shares of the correlations."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from collectors.event import Event
from collectors.journal import JournalReader, frame
from collectors.journal.kafka_messages import Cursor, Read, read_of
from collectors.journal.kafka_stage import StageInput, StageOutput
from soc.app.budget import Budget
from soc.app.clock import Clock
from soc.app.degradation import spent, why
from soc.app.evaluation import heard
from soc.app.gaps import Gap
from soc.app.reading import BATCH
from soc.app.stages.messages import MODEL_SHARE, Evaluated, Fed, Part, Topics, decode_evaluated, encode
from soc.detect import Detection
from soc.detect.anomaly import LogonModel, logon_of
from soc.detect.sigma.meter import Meter
from soc.detect.split import Hit, Pulse, Singles, pulse_of
from soc.metrics import Metrics

LOOK_EVERY_S = 0.5
"""Between two looks of a partition where nothing comes whether the others went on."""

WAIT_S = 0.2
"""For messages, where there are none."""

MOST = 4 * BATCH
"""Events whose findings are written at a time: the brokers take as long to answer for few, and nothing is evaluated meanwhile."""


class Spread(NamedTuple):
    """What a batch gave, what filters hid of it, its CPU time, and the rules that did not see it, by id: gaps without a place."""

    given: list[Detection | tuple[int, Hit]]
    hidden: Counter[tuple[str, str]]
    cpu_ns: int
    blind: Mapping[str, Gap]


class SharedRules:
    """One rule set for all partitions that a process evaluates, one of them at a time; it keeps the rules within their budget."""

    def __init__(self, rules: Singles, budget: timedelta, clock: Clock, metrics: Metrics) -> None:
        """`budget`: CPU time that a rule may take of an event; zero for no limit."""
        self.rules = rules
        self._budget = Budget(budget)
        self._clock = clock
        self._metrics = metrics
        self._lock = threading.Lock()
        self._hidden: Counter[tuple[str, str]] = Counter()
        self._blind: Mapping[str, Gap] = {}

    def spread(self, events: Sequence[Event], numbers: Sequence[int]) -> Spread:
        """What the events give."""
        with self._lock:
            now = self._clock()
            for rule in self._budget.ended(now):
                self._budget.resume(rule, now)
                self._suspend({each: gap for each, gap in self._blind.items() if each != rule})
            blind, meter = self._blind, Meter() if self._budget.due() else None
            self.rules.meter = meter
            began = time.thread_time_ns()
            given = [*self.rules.spread(events, numbers)]
            cpu_ns = time.thread_time_ns() - began
            self._budget.took(cpu_ns, len(events))
            for over in self._budget.sample(spent(self.rules, meter), now) if meter else ():
                gap = Gap(over.rule, self._version(over.rule), 0, None, why(over, self._budget), over.until)
                self._suspend({**self._blind, over.rule: gap})
            hidden = Counter(self.rules.stats().hidden)
            fresh, self._hidden = hidden - self._hidden, hidden
            return Spread(given, fresh, cpu_ns, blind)

    def go_on(self, gap: Gap) -> None:
        """What another process suspended is suspended here too, until it is to be tried again or if it was changed."""
        with self._lock:
            if gap.until > self._clock() and self._version(gap.rule) == gap.version:
                self._budget.go_on(gap.rule, gap.until)
                self._suspend({**self._blind, gap.rule: gap})

    def _version(self, rule_id: str) -> str:
        rule = self.rules.rule(rule_id)
        return rule.version if rule else ""

    def _suspend(self, blind: Mapping[str, Gap]) -> None:
        self._blind = blind
        self.rules.suspend(blind.keys())
        self._metrics.suspended.set(len(blind))


class EvaluatingPartition:
    """One partition, by the one process that evaluates it."""

    def __init__(
        self,
        topics: Topics,
        partition: int,
        reader: JournalReader,
        rules: SharedRules,
        model: LogonModel | None,
        metrics: Metrics,
    ) -> None:
        """Takes the work over. `reader`: of the journal; `model`: to which log-ons are handed on. Raises: JournalError."""
        self._topics = topics
        self._partition = partition
        self._rules = rules
        self._model = model.rule.version if model else ""
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
        self._gaps = {gap.rule: gap for gap in before.gaps if gap.end is None}
        for gap in self._gaps.values():
            rules.go_on(gap)

    def step(self) -> bool:
        """Evaluate what is there, or comes soon; whether there was anything. Raises: JournalError, after which it is to be opened anew."""
        given = _Given(self._topics.shares)
        wait_s = WAIT_S
        while given.events < MOST and (messages := self._next(wait_s)):
            self._evaluate(messages, given)
            wait_s = 0.0
        if wait_s:
            self._look()
            return False
        self._write(given)
        return True

    def close(self) -> None:
        """Leave the brokers."""
        self._cursor.close()
        self._output.close()

    def _next(self, wait_s: float) -> list[Read]:
        """The messages that are at hand, or come so soon, up to about a batch of events."""
        found: list[Read] = []
        events, at = 0, self._at
        while events < BATCH and (message := self._cursor.come(self._partition, at, wait_s)) is not None:
            found.append(read_of(message, self._topics.journal))
            events += found[-1].head.events
            at, wait_s = found[-1].at + 1, 0.0
        return found

    def _evaluate(self, messages: Sequence[Read], given: _Given) -> None:
        events: list[Event] = []
        numbers: list[int] = []
        ends: list[int] = []
        for each in messages:
            if each.head.events:
                decoded = frame.WHOLE.decode(each.content).events
                given.pulses.append(pulse_of(decoded, each.head.next))
                if self._model:
                    logons = [one for one in enumerate(decoded, each.head.first) if logon_of(one[1])]
                    given.logons[each.head.next] = logons
                events += decoded
                numbers += range(each.head.first, each.head.next)
                ends.append(each.head.next)
        start = self._to
        self._to, self._at = max(self._to, messages[-1].head.next), messages[-1].at + 1
        if not events:
            return
        spread = self._rules.spread(events, numbers)
        given.gaps += self._blind(spread.blind, start)
        at = 0
        for one in spread.given:
            if isinstance(one, Detection):
                given.found.append(one)
                continue
            share, hit = one
            while hit.number >= ends[at]:
                at += 1
            given.hits[share].setdefault(ends[at], []).append(hit)
        given.events += len(events)
        given.heard |= heard(events)
        given.hidden += spread.hidden
        self._metrics.evaluated.inc(len(events))
        self._metrics.detect_seconds.inc(spread.cpu_ns / 1e9)

    def _blind(self, blind: Mapping[str, Gap], start: int) -> list[Gap]:
        """Begin and end gaps, as of a batch that some rules did not see; those that ended."""
        over = [gap for rule, gap in self._gaps.items() if rule not in blind]
        for gap in over:
            del self._gaps[gap.rule]
        for rule, gap in blind.items():
            self._gaps.setdefault(rule, gap._replace(start=start, partition=self._partition))
        return [gap._replace(end=start) for gap in over]

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
            self._write(_Given(self._topics.shares))

    def _write(self, given: _Given) -> None:
        heard = [(*key, at) for key, at in given.heard.items()]
        hidden = [(*key, count) for key, count in given.hidden.items()]
        gaps = [*given.gaps, *self._gaps.values()]
        told = Evaluated(self._to, self._at, given.pulses, heard, given.found, hidden, gaps)
        messages = [(self._topics.found, self._partition, encode(told))]
        for share, of in enumerate(given.hits):
            logons = given.logons if share == MODEL_SHARE else {}
            parts = [Part(each, of.get(each.following, []), logons.get(each.following, [])) for each in given.pulses]
            messages.append((self._topics.hits, share, encode(Fed(self._partition, self._to, parts, self._model))))
        self._output.write(messages)


class _Given:
    """What some messages of the journal gave, until it is written. `hits` of each share, and `logons`: by where their message ends."""

    def __init__(self, shares: int) -> None:
        self.events = 0
        self.pulses: list[Pulse] = []
        self.found: list[Detection] = []
        self.hits: list[dict[int, list[Hit]]] = [{} for _ in range(shares)]
        self.logons: dict[int, list[tuple[int, Event]]] = {}
        self.heard: dict[tuple[str, str], datetime] = {}
        self.hidden: Counter[tuple[str, str]] = Counter()
        self.gaps: list[Gap] = []
