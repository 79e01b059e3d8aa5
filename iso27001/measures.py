"""Counted numbers in, samples out: what a measure says of its controls at a moment, judged against its pass line.

Who counts hands over numbers; ratios, the pass line and the verdict on them are made here, the same for everyone. What cannot be
judged (a number that is missing, a ratio over nothing) is no data, and no data is never a pass.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from iso27001.catalogue.reading import read
from iso27001.errors import MeasureError
from iso27001.language import Language
from iso27001.ledger import Entry, Fact, canonical, rfc3339
from iso27001.verifier.verdict import Integrity, Verdict

SAMPLE = "measure.sample"
"""The kind of a sample's fact."""

Number = int | float

_OPERATORS: Mapping[str, Callable[[Number, Number], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    ">=": operator.ge,
    ">": operator.gt,
}
_SIGNS = {"<=": "≤", ">=": "≥", "==": "="}
_UNITS: Mapping[str, Mapping[Language, str]] = {
    unit: {Language.ENGLISH: english, Language.VIETNAMESE: vietnamese}
    for unit, english, vietnamese in (
        ("ratio", "%", "%"),
        ("count", "", ""),
        ("seconds", "s", "giây"),
        ("minutes", "min", "phút"),
        ("hours", "h", "giờ"),
        ("days", "d", "ngày"),
        ("months", "months", "tháng"),
    )
}
_COLLECT = {"hourly": "1h", "daily": "1d", "weekly": "7d", "on change": "-"}
_VIETNAMESE_POINTS = str.maketrans(",.", ".,")


class Indicator(StrEnum):
    """What a measure says at a moment. Not an implementation status, and not an auditor's conclusion."""

    MET = "met"
    NOT_MET = "not met"
    STALE = "stale"
    NO_DATA = "no data"


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a measure: a number as counted, or the ratio of two. Without `op` and `limit` it is only tracked.

    `may_be_empty`: a ratio over nothing is normal here and leaves the value out; elsewhere it is no data.
    """

    name: str
    unit: str
    title_en: str
    title_vi: str
    number: str = ""
    ratio: tuple[str, str] | None = None
    op: str = ""
    limit: Number = 0
    may_be_empty: bool = False

    def title(self, language: Language) -> str:
        """What it counts, in a few words."""
        return self.title_vi if language is Language.VIETNAMESE else self.title_en

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the numbers it is made of."""
        return self.ratio or (self.number,)

    def of(self, numbers: Mapping[str, Number]) -> Number | None:
        """The value, or None where a number is missing or it would be a ratio over nothing."""
        parts = [numbers.get(name) for name in self.numbers]
        if self.ratio is None:
            return parts[0]
        above, below = parts
        return None if above is None or not below else above / below

    def is_empty(self, numbers: Mapping[str, Number]) -> bool:
        """Whether both numbers are there and there was nothing to count."""
        return self.ratio is not None and self.ratio[0] in numbers and numbers.get(self.ratio[1]) == 0

    def passes(self, value: Number) -> bool:
        """Whether a value is on the right side of the pass line."""
        return _OPERATORS[self.op](value, self.limit)

    def text(self, value: Number, language: Language = Language.ENGLISH) -> str:
        """A value as people read it: `98.5 %`, `25 h`. Never rounded across the pass line: 0.97996 is not 98 %."""
        if self.unit == "flag":
            return "✓" if value else "✗"
        if self.unit == "ratio":
            digits = next((d for d in (1, 2, 3) if self._survives(value, round(value, d + 2))), 6)
            figure = f"{value * 100:,.{digits}f}".rstrip("0").rstrip(".")
        else:
            figure = f"{value:,.12g}"
        if language is Language.VIETNAMESE:
            figure = figure.translate(_VIETNAMESE_POINTS)
        return f"{figure} {_UNITS[self.unit][language]}".rstrip()

    def _survives(self, value: Number, rounded: Number) -> bool:
        """Whether rounding leaves a value on its side of the pass line, and not at nothing."""
        return (rounded != 0 or value == 0) and (not self.op or self.passes(rounded) == self.passes(value))

    def line(self, language: Language) -> str:
        """The pass line as people read it: `sources heard ≥ 98 %`."""
        if not self.op or self.unit == "flag":
            return self.title(language)
        at_the_edge = (self.unit == "ratio" and self.op == ">=" and self.limit == 1) or (
            self.op == "<=" and self.limit == 0
        )
        return f"{self.title(language)} {'=' if at_the_edge else _SIGNS.get(self.op, self.op)} {self.text(self.limit, language)}"


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of the catalogue. `owner`: the role that answers for it. `collect`: how often it is to be counted, as written.

    `stale_after`: how long a sample speaks for its controls; None: until the next change.
    """

    id: str
    controls: tuple[str, ...]
    title_en: str
    title_vi: str
    owner: str
    source: str
    values: tuple[Value, ...]
    collect: str
    stale_after: timedelta | None
    effectiveness: str
    population: str
    on_fail: str
    basis: str

    def title(self, language: Language) -> str:
        """Its short title."""
        return self.title_vi if language is Language.VIETNAMESE else self.title_en

    @property
    def formula(self) -> str:
        """How each value is made of what is counted: `coverage = sources_seen / sources_expected`."""
        return "; ".join(f"{value.name} = {' / '.join(value.numbers)}" for value in self.values)

    @property
    def every(self) -> timedelta | None:
        """How often it is to be counted; None: when something changes."""
        return _duration(_COLLECT.get(self.collect, self.collect))

    def target(self, language: Language = Language.ENGLISH) -> str:
        """All pass lines as one text."""
        return "; ".join(value.line(language) for value in self.values if value.op)

    def judge(self, numbers: Mapping[str, Number]) -> tuple[bool | None, str]:
        """Whether all pass lines are met, None where that cannot be said; and the reason where it is not True."""
        failed, unknown, passed = [], [], 0
        for value in self.values:
            if not value.op:
                continue
            found = value.of(numbers)
            if found is not None:
                if value.passes(found):
                    passed += 1
                else:
                    failed.append(f"{value.name} is {value.text(found)}")
            elif not value.is_empty(numbers):
                unknown.append(
                    f"{value.name} needs {' and '.join(name for name in value.numbers if name not in numbers)}"
                )
            elif not value.may_be_empty:
                unknown.append(f"{value.name}: nothing to count ({value.numbers[1]} is 0)")
        if failed:
            return False, "; ".join(failed)
        if unknown or not passed:
            return None, "; ".join(unknown) or "nothing to count"
        return True, ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was counted once. `population`: how many things were looked at; `query`: how, so that it can be counted again.

    `values`: those that could be made, by name; `target`: the pass lines at that time; `met`: None is no data, with the `reason`.
    `stopped`: sources that it rests on and that no longer spoke, each with since when: what it says is not of them.
    `result_hash`: SHA-256 over measure, period, query, population, numbers and stopped sources. `seq`: its place in the ledger, -1 before.
    """

    measure_id: str
    since: datetime
    until: datetime
    numbers: Mapping[str, Number]
    values: Mapping[str, Number]
    population: int
    target: str
    met: bool | None
    reason: str
    query: str
    result_hash: str
    computed_by: str
    stopped: tuple[str, ...] = ()
    seq: int = -1


@lru_cache(maxsize=1)
def measures() -> Mapping[str, Measure]:
    """The measures that this package ships, by id; read once a process."""
    data = read("measures.yaml", "soc-measures/2")
    found = {}
    for item in data["measures"]:
        values = tuple(
            Value(**{**value, "ratio": tuple(value["ratio"]) if "ratio" in value else None}) for value in item["values"]
        )
        stale_after = _duration(item["stale_after"])
        found[item["id"]] = Measure(
            **{**item, "controls": tuple(item["controls"]), "values": values, "stale_after": stale_after}
        )
    return MappingProxyType(found)


def measure(measure_id: str) -> Measure:
    """The measure of an id. Raises: MeasureError with the nearest known id."""
    found = measures().get(measure_id)
    if found is None:
        raise MeasureError(f'unknown measure "{measure_id}"{_hint(measure_id, measures())}')
    return found


def sample(
    measure_id: str,
    numbers: Mapping[str, Number | None],
    *,
    population: int,
    since: datetime,
    until: datetime,
    query: str,
    time: datetime,
    computed_by: str = "engine",
    stopped: Iterable[str] = (),
) -> Fact:
    """The ledger fact of one sample, judged. A number that is None or absent was not counted. `stopped`: as Sample has it.

    The same numbers over the same period give the same fact id, whenever they are counted.
    Raises: MeasureError for an unknown measure or number, what is no number, a period that ends before it begins or is not over.
    """
    of = measure(measure_id)
    if until <= since:
        raise MeasureError(f"{measure_id}: the period ends ({rfc3339(until)}) before it begins ({rfc3339(since)})")
    if time < until:
        raise MeasureError(f"{measure_id}: counted ({rfc3339(time)}) before the period was over ({rfc3339(until)})")
    if population < 0:
        raise MeasureError(f"{measure_id}: a population of {population}")
    counted = _checked(of, numbers)
    met, reason = of.judge(counted)
    period = [rfc3339(since), rfc3339(until)]
    result: dict[str, Any] = {
        "measure": measure_id,
        "period": period,
        "query": query,
        "population": population,
        "numbers": counted,
    }
    if silent := sorted(set(stopped)):
        result["stopped"] = silent
    result_hash = sha256(canonical(result)).hexdigest()
    body = {
        **result,
        "values": {value.name: found for value in of.values if (found := value.of(counted)) is not None},
        "target": of.target(),
        "met": met,
        "reason": reason,
        "result_hash": result_hash,
        "computed_by": computed_by,
    }
    return Fact(f"{SAMPLE}/{measure_id}/{period[1]}/{result_hash[:16]}", SAMPLE, time, computed_by, body)


def ledger_sample(verdict: Verdict, *, since: datetime, until: datetime, time: datetime) -> Fact:
    """LOG-04, which this package counts itself: whether the ledger verifies, and how old its last anchored head is.

    A ledger without any signed head, and one that was checked without an anchor, are no data.
    """
    anchored = verdict.last_anchored
    numbers: dict[str, Number | None] = {
        "verify_ok": None if verdict.integrity is Integrity.UNPROVEN else int(verdict.sound),
        "anchor_age_h": None if anchored is None else max(0.0, round((time - anchored.time) / timedelta(hours=1), 2)),
    }
    query = f"verify {verdict.size} entries of {verdict.origin} against {verdict.heads} heads under key {verdict.key}"
    return sample("LOG-04", numbers, population=verdict.heads, since=since, until=until, query=query, time=time)


def read_sample(entry: Entry) -> Sample:
    """The sample of a ledger entry. Raises: MeasureError where the entry holds none."""
    body = entry.fact.body
    try:
        since, until = (datetime.fromisoformat(moment) for moment in body["period"])
        return Sample(
            measure_id=body["measure"],
            since=since,
            until=until,
            numbers=body["numbers"],
            values=body["values"],
            population=body["population"],
            target=body["target"],
            met=body["met"],
            reason=body["reason"],
            query=body["query"],
            result_hash=body["result_hash"],
            computed_by=body["computed_by"],
            stopped=tuple(body.get("stopped", ())),
            seq=entry.seq,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MeasureError(f"entry {entry.seq} is no sample: {error}") from error


def indicator(of: Measure, newest: Sample | None, at: datetime) -> Indicator:
    """What a measure says at a moment, by its newest sample until then. What is met of some sources is stale where others have stopped."""
    if newest is None or newest.met is None:
        return Indicator.NO_DATA
    if of.stale_after is not None and at - newest.until > of.stale_after:
        return Indicator.STALE
    if not newest.met:
        return Indicator.NOT_MET
    return Indicator.STALE if newest.stopped else Indicator.MET


def _checked(of: Measure, numbers: Mapping[str, Number | None]) -> dict[str, Number]:
    known = {name for value in of.values for name in value.numbers}
    for name, number in numbers.items():
        if name not in known:
            raise MeasureError(f'{of.id}: unknown number "{name}"{_hint(name, known)}')
        if number is not None and (not isinstance(number, int | float) or not math.isfinite(number)):
            raise MeasureError(f"{of.id}: {name} is {number!r}, which is no number")
        if number is not None and number < 0:
            raise MeasureError(f"{of.id}: {name} is {number}, and nothing here is counted below 0")
    return {name: number for name, number in numbers.items() if number is not None}


def _duration(text: str) -> timedelta | None:
    if text == "-":
        return None
    unit = {"m": "minutes", "h": "hours", "d": "days"}[text[-1]]
    return timedelta(**{unit: int(text[:-1])})


def _hint(word: str, known: Iterable[Any]) -> str:
    near = difflib.get_close_matches(word, [str(name) for name in known], 1, 0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
