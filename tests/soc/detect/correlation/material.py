"""What the tests of this room are made of: rules that fire on the letter in an event, correlations over them, events at moments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from soc.detect import Detection
from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FIVE = Lateness(timedelta(seconds=5))


def seconds(moment: datetime) -> float:
    """A moment as seconds after START."""
    return (moment - START).total_seconds()


def base(letter: str, **keys: Any) -> ir.Rule:
    """A rule that fires on events whose field `letter` has it; an event may have several. Its name is the letter."""
    pattern = ir.Pattern("equals", letter, letter)
    leaf = ir.Leaf("selection/letter", "letter", (pattern,), 1.0, letter.encode())
    plain = {"id": f"rule-{letter}", "title": letter, "level": "low", "version": f"v-{letter}", "name": letter}
    return ir.Rule(**{**plain, "logsource": ir.Logsource("", "test", ""), "tree": leaf, **keys})


def over(
    kind: str, rules: Sequence[str], span: float = 60, group: Sequence[str] = ("user",), **keys: Any
) -> ir.Correlation:
    """A correlation; `gte=3` and the like are its conditions."""
    operators = ("gt", "gte", "lt", "lte", "eq", "neq")
    conditions = tuple(ir.Condition(name, float(keys.pop(name))) for name in operators if name in keys)
    plain = {"id": "corr", "title": kind, "level": "high", "version": "1"}
    return ir.Correlation(
        **{**plain, "kind": kind, "rules": tuple(rules), "timespan_s": float(span), "group_by": tuple(group), **keys},
        conditions=conditions,
    )


def event(
    time: float, letters: str = "a", *, source: str = "s", received: float | None = None, **fields: Value
) -> Event:
    """An event that fires the rules of its letters, `time` seconds after START, received then or at `received`."""
    arrived = START + timedelta(seconds=time if received is None else received)
    raw = f"{time} {letters} {sorted(fields.items())}".encode()
    record = RawRecord(raw, source, Position("", source, abs(hash(raw)) % 10**9, 1), arrived)
    plain: dict[str, Value] = {"event.dataset": "test", "letter": list(letters) if len(letters) > 1 else letters}
    return make_event(record, START + timedelta(seconds=time), {**plain, "user": "u", **fields})


def rules(*content: ir.Content, lateness: Lateness = ENDLESS, **keys: Any) -> RuleSet:
    """A set of these."""
    return RuleSet([(f"{each.id}.yml", each) for each in content], lateness=lateness, **keys)


def found(
    running: RuleSet, events: Iterable[Event], *, finish: float | None = None, batch: int = 1_000
) -> list[Detection]:
    """All detections of correlations, in order."""
    every = list(events)
    out = []
    for start in range(0, len(every), batch):
        out += running.detect(every[start : start + batch])
    out += running.finish(None if finish is None else START + timedelta(seconds=finish))
    return [one for one in out if one.rule.kind == "correlation"]


def when(running: RuleSet, events: Iterable[Event], *, finish: float | None = None) -> list[float]:
    """When correlations fired, in seconds."""
    return [seconds(one.time) for one in found(running, events, finish=finish)]


def said(one: Detection) -> Mapping[str, str]:
    """What a detection tells: the place of each match with its value."""
    return {match.where: match.value for match in one.matched}
