"""What several counted of measures in, one sample each out, and when which measure is to be counted again.

Who counts knows only its own numbers: the SOC how many playbooks there are, the register when the last exercise was, a person what no
machine sees. What they say of one measure over one period is put together here, and judged once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from iso27001.errors import MeasureError
from iso27001.ledger import Fact
from iso27001.ledger.store import Ledger
from iso27001.measures import SAMPLE, Number, Sample, measure, measures, read_sample, sample

ENGINE = "engine"
"""Who counted, where no person did."""

_LOOK_BACK = timedelta(days=10)
"""How far back the newest sample of a measure is looked for: longer than any is fresh; what is counted on change is told again after it."""


@dataclass(frozen=True, slots=True)
class Count:
    """Numbers of one measure that somebody counted. `population`: how many things were looked at; `query`: how; `stopped`: as of Sample."""

    measure_id: str
    numbers: Mapping[str, Number | None]
    population: int
    query: str
    stopped: tuple[str, ...] = ()
    by: str = ENGINE


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest sample of each measure, the newest that a person gave, and the oldest that was looked at, by measure id.

    `seq`: the place in the ledger up to which it was looked.
    """

    of_all: Mapping[str, Sample] = field(default_factory=dict)
    of_people: Mapping[str, Sample] = field(default_factory=dict)
    oldest: Mapping[str, Sample] = field(default_factory=dict)
    seq: int = -1

    def caught_up(self, ledger: Ledger, now: datetime) -> Newest:
        """The same with what was counted since. Raises: MeasureError, LedgerError."""
        of_all, of_people, oldest, seq = dict(self.of_all), dict(self.of_people), dict(self.oldest), self.seq
        for entry in ledger.entries(after=seq, kinds=[SAMPLE], since=now - _LOOK_BACK):
            found, seq = read_sample(entry), entry.seq
            of_all[found.measure_id] = found
            oldest.setdefault(found.measure_id, found)
            if entry.fact.actor != ENGINE:
                of_people[found.measure_id] = found
        return Newest(of_all, of_people, oldest, seq)


def newest(ledger: Ledger, now: datetime) -> Newest:
    """What was counted last. Raises: MeasureError, LedgerError."""
    return Newest().caught_up(ledger, now)


def due(before: Mapping[str, Sample], now: datetime) -> frozenset[str]:
    """The measures whose time has come: never counted, counted longer ago than they are to be, or counted when something changes."""
    return frozenset(
        of.id
        for of in measures().values()
        if of.every is None or of.id not in before or before[of.id].until + of.every <= now
    )


def samples(counts: Iterable[Count], known: Newest, *, since: datetime, until: datetime, time: datetime) -> list[Fact]:
    """One sample a measure of all that was counted of it, with what a person told of it and is still fresh.

    A number that machines counted goes before a person's. Of a measure that is counted on change, only a change is a sample.
    Raises: MeasureError for two that counted the same number differently.
    """
    by_measure: dict[str, list[Count]] = {}
    for count in counts:
        by_measure.setdefault(count.measure_id, []).append(count)
    found = []
    for measure_id, parts in by_measure.items():
        told = [*parts, *_of_people(measure_id, known, until)]
        numbers = _together(measure_id, told)
        before = known.of_all.get(measure_id)
        if measure(measure_id).every is None and before is not None and dict(before.numbers) == numbers:
            continue
        found.append(
            sample(
                measure_id,
                numbers,
                population=max(part.population for part in told),
                since=since,
                until=until,
                query="; ".join(dict.fromkeys(part.query for part in told)),
                time=time,
                stopped=[name for part in parts for name in part.stopped],
            )
        )
    return found


def told_by(actor: str, count: Count, *, since: datetime, until: datetime, time: datetime) -> Fact:
    """The sample of what a person counted or read elsewhere. `query`: where. Raises: MeasureError, also without where it is from."""
    if not count.query.strip():
        raise MeasureError(f"{count.measure_id}: say where the numbers are from")
    if actor == ENGINE:
        raise MeasureError(f'{count.measure_id}: "{ENGINE}" is no person')
    return sample(
        count.measure_id,
        count.numbers,
        population=count.population,
        since=since,
        until=until,
        query=count.query,
        time=time,
        computed_by=actor,
    )


def _of_people(measure_id: str, known: Newest, until: datetime) -> Sequence[Count]:
    told, fresh = known.of_people.get(measure_id), measure(measure_id).stale_after
    if told is None or (fresh is not None and until - told.until > fresh):
        return ()
    query = f"{told.computed_by} on {told.until:%Y-%m-%d}: {told.query}"
    return (Count(measure_id, told.numbers, told.population, query, by=told.computed_by),)


def _together(measure_id: str, parts: Sequence[Count]) -> dict[str, Number]:
    numbers: dict[str, Number] = {}
    for part in parts:
        for name, number in part.numbers.items():
            if number is None:
                continue
            if part.by == ENGINE and numbers.get(name, number) != number:
                raise MeasureError(f"{measure_id}: {name} was counted as {numbers[name]} and as {number}")
            numbers.setdefault(name, number)
    return numbers
