"""Base detections in, how many per CPU second correlation takes out; the memory of a million open groups, and the worst pause.

    .venv/bin/python -m bench.correlate [--detections N] [--groups N]

1,000 correlations (event_count 600, value_count 150, temporal 100, temporal_ordered 50, value_sum 50, new_value 50) over 1,000 detection
rules; the events are matched before the clock starts, so what is measured is reading keys and values, waiting for the watermark,
correlating, up to the last hit that waited, and letting go of what is over. "one each": a detection feeds one correlation; "ten each": ten.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from collectors.event import Event
from collectors.record import Position
from soc.detect.correlation import Correlator, Lateness, Network
from soc.detect.sigma import Matcher, ir
from soc.detect.table import EventTable

START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 5_000
"""As in `soc run`."""
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


def feed(
    matcher: Matcher, running: Correlator, make: Callable[[int], Event], numbers: range
) -> tuple[float, float, int]:
    """CPU seconds of correlation, the longest a batch took, and the findings. Events are made just before, as a parser would."""
    clock, spent, worst, found = time.process_time, 0.0, 0.0, 0
    for start in range(numbers.start, numbers.stop, BATCH):
        batch = [make(number) for number in range(start, min(start + BATCH, numbers.stop))]
        hits = matcher.match(EventTable(batch))
        began = clock()
        told = running.correlate(batch.__getitem__, hits, start, running.observe(batch))
        found += sum(len(findings) for _, findings in told)
        took = clock() - began
        spent += took
        worst = max(worst, took)
    return spent, worst, found


def ended(running: Correlator) -> tuple[float, int]:
    """CPU seconds of correlating what still waits, and the findings."""
    began = time.process_time()
    found = len(running.finish())
    return time.process_time() - began, found


def rate(detections: int, each: int) -> None:
    """Measure and print detections per CPU second."""
    addresses = [f"10.0.{number}.7" for number in range(20)]

    def run() -> tuple[float, int]:
        draw = random.Random(1)

        def make(number: int) -> Event:
            return event(number, draw.randrange(RULES // each), draw.choice(addresses), draw)

        matcher, running = correlator(each)
        spent, _, fired = feed(matcher, running, make, range(detections))
        rest, more = ended(running)
        return spent + rest, fired + more

    spent, fired = min(run() for _ in range(3))
    words = f"{detections / spent:,.0f} base detections per CPU second into {RULES:,} correlations"
    print(f"{'one' if each == 1 else 'ten'} each: {words} ({fired:,} fired)")


def memory(groups: int) -> None:
    """Measure and print what open groups take, and the longest pause while as many more come and the first go."""
    count = ir.Condition("gte", 20.0)
    one = ir.Correlation("c", "c", "high", "1", "event_count", ("base-0000",), 45.0, ("source.ip",), (count,))
    matcher, running = _made([base(0)], [one])
    draw = random.Random(2)

    def make(number: int) -> Event:
        address = f"{10 + (number >> 24)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        return msgspec.structs.replace(event(number // 8, 0, address, draw), id=f"{number:032x}")

    gc.collect()
    before = _resident()
    _, worst, _ = feed(matcher, running, make, range(groups))
    gc.collect()
    used, held = (_resident() - before) / 1e6, running.waiting.held
    print(f"{running.room.count:,} open groups and {held:,} hits that wait: {used:.0f} MB resident")
    _, later, _ = feed(matcher, running, make, range(groups, 2 * groups))
    words = f"slowest batch of {BATCH:,} {worst * 1e3:.0f} ms while they came, {later * 1e3:.0f} ms while they went"
    print(f"{words} ({running.room.count:,} left)")


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--detections", type=int, default=60_000)
    arguments.add_argument("--groups", type=int, default=1_000_000)
    given = arguments.parse_args()
    gc.set_threshold(50_000, 20, 50)  # as the app runs
    rate(given.detections, 1)
    rate(given.detections // 5, 10)
    memory(given.groups)


if __name__ == "__main__":
    main()
