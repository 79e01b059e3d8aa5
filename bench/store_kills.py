"""The process that fills the embedded store killed (SIGKILL) again and again: what is lost, what is twice.

    .venv/bin/python -m bench.store_kills [--runs 200] [--seed 1]

It journals numbered events, says to which offset they are acknowledged, and indexes them; parts and segments are small, so that one is
written or sealed at most moments. A run ends at a random one. Then every acknowledged number must be found once, and no number twice.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.event import Event, make_event
from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.record import Position, RawRecord
from soc.store.language import parse
from soc.store.local_events import LocalEventStore
from soc.store.segments import building, writing
from soc.store.segments.view import Asked

BATCH = 97
"""Events of a transaction; no divisor of what a part holds."""

ROWS, GROUPS = 256, 3
"""Of a part and of a segment here."""

DAY = datetime(2026, 10, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`acknowledged`: numbers that the process said were durable. Of these `lost`; of all that are found `twice`."""

    runs: int
    acknowledged: int
    found: int
    lost: int
    twice: int

    @property
    def faultless(self) -> bool:
        """Whether each is there once."""
        return not self.lost and not self.twice


def kill_store(folder: Path, runs: int, seed: int) -> Outcome:
    """Start and kill, then count. Raises: RuntimeError where a run does not work at all."""
    chance, acknowledged = random.Random(seed), 0
    for _ in range(runs):
        argv = [sys.executable, "-m", "bench.store_kills", "--fill", str(folder)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            first = process.stdout.readline()
            if not first:
                raise RuntimeError(f"it ended with {process.wait()}")
            time.sleep(chance.random() * 0.6)
            process.kill()
            whole = [line for line in (first, *process.stdout) if line.endswith("\n")]
            acknowledged = int(whole[-1])
    with closing(_opened(folder)) as store:
        view = store.view()
        numbers = Counter(int(str(each["message"]).split()[-1]) for each in view.documents(Asked(parse(""))))
    twice = numbers.total() - len(numbers)
    return Outcome(runs, acknowledged, len(numbers), sum(n not in numbers for n in range(acknowledged)), twice)


def fill(folder: Path) -> None:
    """Journal and index until killed; each line says how many events are durable."""
    building.ROWS, writing.GROUPS = ROWS, GROUPS
    with closing(open_journal(JournalConfig(folder / "journal"))) as journal:
        store, indexed = LocalEventStore(folder / "events", journal), journal.committed("index")
        while True:
            first = journal.end()
            print(journal.append([_event(n) for n in range(first, first + BATCH)], {}, ()), flush=True)
            events, following = journal.read(indexed, 10 * BATCH)
            store.index(events, indexed)
            journal.commit("index", following)
            indexed = following


def _opened(folder: Path) -> LocalEventStore:
    return LocalEventStore(folder / "events", open_reader(JournalConfig(folder / "journal")))


def _event(n: int) -> Event:
    when = DAY + timedelta(seconds=n)
    record = RawRecord(b"n %d" % n, "bench", Position("", "s", n, n + 1), when)
    return make_event(record, when, {"event.dataset": "bench", "message": f"n {n}"})


def main() -> None:
    """Kill, count and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--fill", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.fill:
        fill(given.fill)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        outcome = kill_store(Path(folder), given.runs, given.seed)
    print(f"{outcome.runs} runs killed in {time.monotonic() - began:,.0f} s")
    print(
        f"{outcome.acknowledged:,} acknowledged, {outcome.lost:,} lost; {outcome.found:,} found, {outcome.twice:,} twice"
    )
    sys.exit(0 if outcome.faultless else 1)


if __name__ == "__main__":
    main()
