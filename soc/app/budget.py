"""What rules cost in sampled batches in, which of them are suspended and until when out; pure, time is an argument.

A rule is over its budget where it takes more CPU time of an event of its kind than soc.yaml allows, in most of many samples (one pause of
the machine falls into one). It is then suspended, tried again after a while, and suspended for twice as long where it is as costly.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

EVERY = 256
"""Batches of which one is metered: metering one costs about twice its detection, so this is under 1 % (measured, bench/cost.py)."""

HURRY = 8
"""The same while an event costs more than a single rule may: then it matters to find out soon which rule it is."""

WINDOW = 32
"""Newest samples that count."""

MIN_SAMPLES = 12
MIN_EVENTS = 100
"""Before that nothing is said about a rule."""

MOST = 0.75
"""The part of the samples that must be over the budget, and not only their mean."""

FIRST_PAUSE = timedelta(minutes=15)
LONGEST_PAUSE = timedelta(days=1)
FORGIVEN = timedelta(days=1)
"""After so long without a suspension the next one is a first one again."""


class Spent(NamedTuple):
    """What a rule took of one metered batch: CPU nanoseconds, over how many events of its kind."""

    cpu_ns: int
    events: int


class Suspension(NamedTuple):
    """A rule that is over its budget: what it took of an event, on average, and until when it does not run."""

    rule: str
    mean_us: float
    until: datetime


@dataclass(slots=True)
class _Account:
    samples: deque[Spent] = field(default_factory=lambda: deque(maxlen=WINDOW))
    pause: timedelta = FIRST_PAUSE
    resumed: datetime | None = None


class Budget:
    """Accounts of rules by id, kept for those that were ever near their budget."""

    def __init__(self, budget: timedelta) -> None:
        """`budget`: CPU time an event; zero for no limit."""
        self._budget_ns = budget // timedelta(microseconds=1) * 1_000
        self._accounts: dict[str, _Account] = {}
        self._suspended: dict[str, datetime] = {}
        self._since_metered = 0

    @property
    def budget_us(self) -> float:
        """Microseconds an event; 0 for no limit."""
        return self._budget_ns / 1_000

    def due(self) -> bool:
        """Whether the next batch shall be metered."""
        return self._budget_ns > 0 and self._since_metered >= EVERY

    def took(self, cpu_ns: int, events: int) -> None:
        """What a batch took of all rules together; a slow one brings the next sample nearer."""
        slow = cpu_ns > self._budget_ns * events
        self._since_metered += EVERY // HURRY if slow else 1

    def sample(self, spent: Mapping[str, Spent], now: datetime) -> list[Suspension]:
        """The rules that this sample of a batch brings over their budget; they count as suspended from here on."""
        self._since_metered = 0
        return [found for rule, took in spent.items() if took.events and (found := self._judge(rule, took, now))]

    def _judge(self, rule: str, took: Spent, now: datetime) -> Suspension | None:
        account = self._accounts.get(rule)
        if account is None:
            if took.cpu_ns <= self._budget_ns * took.events:
                return None  # not kept: most rules are never near
            account = self._accounts[rule] = _Account()
        account.samples.append(took)
        samples = account.samples
        over = sum(each.cpu_ns > self._budget_ns * each.events for each in samples)
        if not over:
            if account.resumed is None:
                del self._accounts[rule]
            return None
        events = sum(each.events for each in samples)
        if len(samples) < MIN_SAMPLES or events < MIN_EVENTS or over < MOST * len(samples):
            return None
        worst = max(samples, key=lambda each: each.cpu_ns / each.events)
        mean_ns = (sum(each.cpu_ns for each in samples) - worst.cpu_ns) / max(1, events - worst.events)
        return self._suspend(rule, account, mean_ns, now) if mean_ns > self._budget_ns else None

    def _suspend(self, rule: str, account: _Account, mean_ns: float, now: datetime) -> Suspension:
        if account.resumed is not None:
            again = now - account.resumed < FORGIVEN
            account.pause = min(2 * account.pause, LONGEST_PAUSE) if again else FIRST_PAUSE
        account.samples.clear()
        until = self._suspended[rule] = now + account.pause
        return Suspension(rule, mean_ns / 1_000, until)

    @property
    def suspended(self) -> frozenset[str]:
        """Ids of rules that do not run."""
        return frozenset(self._suspended)

    def go_on(self, rule: str, until: datetime) -> None:
        """A suspension of before a restart."""
        self._suspended[rule] = until

    def ended(self, now: datetime) -> list[str]:
        """The rules whose suspension is over; `resume` each."""
        return [rule for rule, until in self._suspended.items() if until <= now]

    def resume(self, rule: str, now: datetime, *, changed: bool = False) -> None:
        """A rule runs again; one that was `changed` with a clean account."""
        del self._suspended[rule]
        if changed:
            self._accounts.pop(rule, None)
        else:
            self._accounts.setdefault(rule, _Account()).resumed = now
