"""Base detections in, how many per CPU second correlation takes out; the memory of a million open groups, and the worst pause.

    .venv/bin/python -m bench.correlate [--detections N] [--groups N]

1,000 correlations (event_count 600, value_count 150, temporal 100, temporal_ordered 50, value_sum 50, new_value 50) over 1,000 detection
rules; the events are matched before the clock starts, so what is measured is reading keys and values, waiting for the watermark,
correlating and letting go of what is over. "one each": a detection feeds one correlation; "ten each": ten.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.event import Event
from collectors.record import Position
from soc.detect.correlation import Correlator, Lateness, Network
from soc.detect.sigma import Matcher, ir
from soc.detect.table import EventTable

START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 4_096
KINDS = (
    ("event_count",) * 12 + ("value_count",) * 3 + ("temporal",) * 2 + ("temporal_ordered", "value_sum", "new_value")
)
RULES = 1_000
RATE = 2_000
"""Events per second of event time."""


def base(number: int) -> ir.Rule:
    """A detection rule that fires on the events of its number."""
    pattern = ir.Pattern("equals", f"r{number}", f"r{number}")
    leaf = ir.Leaf("selection/rule", "rule", (pattern,), 1.0, f"rule{number}".encode())
    return ir.Rule(f"base-{number:04}", "base", "low", "1", ir.Logsource("", "test", ""), leaf)


def correlation(number: int, rules: Sequence[str], kind: str) -> ir.Correlation:
    """One of a thousand."""
    measured = kind in ("value_count", "value_sum", "new_value")
    threshold = 1e9 if kind == "value_sum" else 20.0
    return ir.Correlation(
        f"corr-{number:04}",
        "correlation",
        "high",
        "1",
        kind,
        tuple(rules),
        300.0,
        group_by=("source.ip",),
        conditions=(ir.Condition("gte", threshold),) if kind in ("event_count", "value_count", "value_sum") else (),
        fields=("bytes",) if measured else (),
    )


def correlator(each: int) -> tuple[Matcher, Correlator]:
    """The rules, a detection of which feeds `each` correlations."""
    bases = [base(number) for number in range(RULES // each)]
    made = []
    for number in range(RULES):
        kind = KINDS[number % len(KINDS)]
        rules = [bases[number % len(bases)].id]
        if kind.startswith("temporal"):
            rules.append(bases[(number + 1) % len(bases)].id)
        made.append(correlation(number, rules, kind))
    return _made(bases, made)


def _made(bases: Sequence[ir.Rule], correlations: Sequence[ir.Correlation]) -> tuple[Matcher, Correlator]:
    matcher = Matcher(bases)
    network = Network([("bench.yml", each) for each in (*bases, *correlations)])
    return matcher, Correlator(network, Lateness(), [rule.id for rule in bases], matcher.columns, max_groups=2_000_000)


def event(number: int, rule: int, address: str, draw: random.Random) -> Event:
    """One event; it comes up to two seconds after its time."""
    happened = START + timedelta(seconds=number / RATE)
    fields = {"event.dataset": "test", "rule": f"r{rule}", "source.ip": address, "bytes": draw.randrange(10_000)}
    received = happened + timedelta(seconds=2)
    happened += timedelta(seconds=draw.random() * 2)
    return Event(f"{number:032x}", happened, fields, b"", f"s{number % 8}", Position("", "s", number, number), received)


def feed(matcher: Matcher, running: Correlator, events: Sequence[Event]) -> tuple[float, float, int]:
    """CPU seconds of correlation, the longest a batch took, and the findings."""
    clock, spent, worst, found = time.process_time, 0.0, 0.0, 0
    for start in range(0, len(events), BATCH):
        batch = events[start : start + BATCH]
        table = EventTable(batch)
        hits = matcher.match(table)
        began = clock()
        moves = iter([*running.observe(batch), (len(batch), None)])
        at, to = next(moves)
        for hit in hits:
            while at < hit.at and to is not None:
                found += len(running.release(to))
                at, to = next(moves)
            found += len(running.take(batch[hit.at], start + hit.at, hit.fired, hit.routes))
        while to is not None:
            found += len(running.release(to))
            at, to = next(moves)
        took = clock() - began
        spent += took
        worst = max(worst, took)
    return spent, worst, found


def rate(detections: int, each: int) -> None:
    """Measure and print detections per CPU second."""
    draw = random.Random(1)
    addresses = [f"10.{number >> 8 & 255}.{number & 255}.7" for number in range(500)]
    events = [
        event(number, draw.randrange(RULES // each), draw.choice(addresses), draw) for number in range(detections)
    ]
    best = min((feed(*correlator(each), events) for _ in range(3)), key=lambda run: run[0])
    words = f"{detections / best[0]:,.0f} base detections per CPU second into {RULES:,} correlations"
    print(f"{'one' if each == 1 else 'ten'} each: {words} ({best[2]:,} fired)")


def memory(groups: int) -> None:
    """Measure and print what open groups take, and the longest pause while as many more come and the first go."""
    one = ir.Correlation(
        "c", "c", "high", "1", "event_count", ("base-0000",), 60.0, ("source.ip",), (ir.Condition("gte", 20.0),)
    )
    matcher, running = _made([base(0)], [one])
    draw = random.Random(2)
    gc.collect()
    before = _resident()
    worst = 0.0
    for start in range(0, groups, 50_000):
        some = range(start, start + 50_000)
        events = [event(n // 4, 0, f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", draw) for n in some]
        worst = max(worst, feed(matcher, running, events)[1])
        del events
    gc.collect()
    used = _resident() - before
    print(
        f"{running.room.count + running.waiting.held:,} open groups: {used / 1e6:.0f} MB resident; slowest batch {worst * 1e3:.0f} ms"
    )
    worst = 0.0
    for start in range(groups, 3 * groups, 50_000):
        some = range(start, start + 50_000)
        events = [event(n // 4, 0, f"11.{n >> 16}.{n >> 8 & 255}.{n & 255}", draw) for n in some]
        worst = max(worst, feed(matcher, running, events)[1])
    print(
        f"as many gone over while twice as many came: slowest batch of {BATCH:,} {worst * 1e3:.0f} ms, {running.room.count:,} groups left"
    )


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--detections", type=int, default=200_000)
    arguments.add_argument("--groups", type=int, default=1_000_000)
    given = arguments.parse_args()
    gc.set_threshold(50_000, 20, 50)  # as the app runs
    rate(given.detections, 1)
    rate(given.detections, 10)
    memory(given.groups)


if __name__ == "__main__":
    main()
