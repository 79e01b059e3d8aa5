"""Events, detections and alerts as tests of the trunk need them: short to write, true to the nouns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from collectors.event import Event, make_event
from collectors.record import Position, RawRecord
from soc.detect import Detection, Level, Match, Rule

DAY = datetime(2026, 10, 14, tzinfo=UTC)


def rule(name: str, level: Level = Level.MEDIUM, *tags: str) -> Rule:
    return Rule(
        name,
        f"Rule {name}",
        level,
        "0" * 64,
        tags or ("attack.credential-access", "attack.t1110"),
        "product:linux/service:sshd",
    )


def event(n: int, minutes: float, **fields: str | int) -> Event:
    when = DAY + timedelta(minutes=minutes)
    record = RawRecord(f"line {n}".encode(), "auth", Position("auth.log", "s", n, n), when)
    return make_event(record, when, {k.replace("_", "."): v for k, v in fields.items()})


def detection(n: int, minutes: float, which: Rule, **fields: str | int) -> Detection:
    return Detection(which, (event(n, minutes, **fields),), (Match("selection/message|contains", "message", "x", "y"),))
