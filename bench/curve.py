"""More and more rules in, the engine's CPU time per event out: does the cost grow less than linearly with the number of rules?

    .venv/bin/python -m bench.curve

Of SigmaHQ's live rules 100 and 1,000, evenly picked, then all, then 10,000: all and copies of them with ids of their own, whose texts
are changed by a mark of the copy, so that no leaf of a copy is shared with its original and hardly one is ever true. What a copy asks of
an event's kind (channel, event id, provider) is left alone, so it is met by as many events as its original; so are expressions and numbers.
Events: the mix of `bench.engine`. "first" includes meeting every kind and value for the first time; "next" is a day later.
"""

from __future__ import annotations

import gc
import math
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec

from bench.engine import batches, mix
from bench.scan import CORPUS, FOLDERS
from collectors.event import Event
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir, load

COUNTS = (100, 1_000, 0, 10_000)
"""0: as many as there are."""
SIZE = 500
BAR = 50
_MARKED = frozenset({"equals", "startswith", "endswith", "contains"})
_OF_KINDS = frozenset({"eventid", "channel", "provider_name", "eventlog", "source", "provider"})

Loaded = tuple[str, ir.Content]


def copied(rule: ir.Rule, copy: int) -> ir.Rule:
    """The rule with another id and other texts."""
    mark = f"q{copy}z"
    return msgspec.structs.replace(rule, id=f"{copy:08x}{rule.id[8:]}", tree=_marked(rule.tree, mark))


def _marked(node: ir.Node, mark: str) -> ir.Node:
    if isinstance(node, ir.Not):
        return ir.Not(_marked(node.item, mark))
    if isinstance(node, ir.Leaf):
        if node.field.lower() in _OF_KINDS:
            return node
        patterns = tuple(_changed(pattern, mark) for pattern in node.patterns)
        return msgspec.structs.replace(node, patterns=patterns, key=node.key + mark.encode())
    return type(node)(tuple(_marked(item, mark) for item in node.items))


def _changed(pattern: ir.Pattern, mark: str) -> ir.Pattern:
    if pattern.kind not in _MARKED:
        return pattern
    half = len(pattern.literal) // 2
    return msgspec.structs.replace(pattern, literal=pattern.literal[:half] + mark + pattern.literal[half:])


def rules(live: Sequence[Loaded], count: int) -> list[Loaded]:
    """So many rules: evenly picked, or with copies."""
    if count <= len(live):
        return [live[at * len(live) // count] for at in range(count)]
    found = list(live)
    for copy in range(1, count // len(live) + 1):
        found += [(path, copied(rule, copy)) for path, rule in live if isinstance(rule, ir.Rule)]
    return found[:count]


def measured(content: Sequence[Loaded], days: Sequence[Sequence[Event]]) -> list[float]:
    """CPU microseconds per event of each day."""
    engine = RuleSet(content)
    gc.collect()
    gc.freeze()
    found = []
    for day in days:
        began = time.process_time()
        for batch in batches(day, SIZE):
            engine.detect(batch)
        found.append((time.process_time() - began) / len(day) * 1e6)
    gc.unfreeze()
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        live = load([CORPUS / "sigmahq" / name for name in FOLDERS], cache=Path(folder))
    days = [mix(round_) for round_ in range(3)]
    gc.set_threshold(50_000, 20, 50)  # as the app runs
    table = []
    for count in COUNTS:
        first, *later = measured(rules(live, count or len(live)), days)
        table.append((count or len(live), first, min(later)))
    longest = max(first for _, first, _ in table)
    print(f"{len(days[0]):,} events a day, us/event\n\n{'rules':>7} {'first':>7} {'next':>7}   first (#) and next (=)")
    for count, first, steady in table:
        bars = f"{'#' * round(first / longest * BAR)}\n{'':26}{'=' * max(1, round(steady / longest * BAR))}"
        print(f"{count:7,} {first:7.1f} {steady:7.1f}   {bars}")
    for (few, *slow), (many, *slower) in pairwise(table):
        powers = [math.log(b / a) / math.log(many / few) for a, b in zip(slow, slower, strict=True)]
        print(
            f"{few:,} -> {many:,} rules: cost grows with the power {powers[0]:.2f} (first), {powers[1]:.2f} (next); linear is 1"
        )


if __name__ == "__main__":
    main()
