"""Event files in, events per CPU second out: read, parse and detect with all live SigmaHQ Windows rules, and where the time goes.

    .venv/bin/python -m bench.scan [--repeat N] [--profile] [PATH...]

Default: every EVTX file of ../shared/corpus once. `--repeat N` feeds the same files N times (the file names differ, so no event id
repeats): what a long scan costs when each kind of event has been met. The rule cache is made first and is warm for the measurement.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import itertools
import pstats
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from collectors.parse import Context
from collectors.parse.windows_table import WindowsTables
from collectors.record import Position, RawRecord
from soc.detect.ruleset import RuleSet, load

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
FOLDERS = ("rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting")
BATCH = 4_096
"""Events handed to the engine at once."""
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def windows_rules() -> list[Path]:
    """The folders of SigmaHQ's Windows rules, and the folders by year, which hold mostly those."""
    found = [CORPUS / "sigmahq" / folder for folder in FOLDERS]
    return [path / "windows" if (path / "windows").is_dir() else path for path in found]


def records(path: Path, round_: int) -> Iterator[RawRecord]:
    """The records of an event file; it ends at the first that cannot be read."""
    import evtx

    name = f"{path}#{round_}"
    try:
        for number, record in enumerate(evtx.PyEvtxParser(str(path)).records_json(), 1):
            yield RawRecord(record["data"].encode(), "bench", Position(name, name, number, number), NOW)
    except (RuntimeError, OSError) as error:
        print(f"{path.name}: {str(error)[:80]}", file=sys.stderr)


def scan(rules: RuleSet, files: list[Path], repeat: int) -> dict[str, float]:
    """CPU seconds of each stage, and counts."""
    clock, tables = time.process_time, WindowsTables(Context(), list, wanted=rules.reads)
    spent = dict.fromkeys(("read", "parse", "detect"), 0.0)
    events = detections = 0
    source = (record for round_ in range(repeat) for path in files for record in records(path, round_))
    while True:
        began = clock()
        raw = list(itertools.islice(source, BATCH))
        read = clock()
        batch, _ = tables.read(raw)
        parsed = clock()
        found = rules.detect(batch)
        spent["read"] += read - began
        spent["parse"] += parsed - read
        spent["detect"] += clock() - parsed
        events += len(batch)
        detections += len(found)
        if not raw:
            return {**spent, "events": events, "detections": detections}


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("paths", nargs="*", type=Path)
    arguments.add_argument("--repeat", type=int, default=1)
    arguments.add_argument("--profile", action="store_true")
    given = arguments.parse_args()
    files = [
        file
        for path in given.paths or [CORPUS]
        for file in ([path] if path.is_file() else sorted(path.rglob("*.evtx")))
    ]
    with tempfile.TemporaryDirectory() as folder:
        load(windows_rules(), cache=Path(folder))
        began = time.process_time()
        rules = load(windows_rules(), cache=Path(folder))
        loaded = time.process_time() - began
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)  # as the app runs: the default walks every live batch again and again
        profile = cProfile.Profile()
        if given.profile:
            profile.enable()
        spent = scan(rules, files, given.repeat)
        profile.disable()
    events, total = int(spent.pop("events")), 0.0
    detections = int(spent.pop("detections"))
    print(f"{len(rules):,} rules loaded from the cache in {loaded:.2f} CPU s")
    print(f"{len(files)} files x {given.repeat}: {events:,} events, {detections:,} detections")
    for stage, seconds in spent.items():
        total += seconds
        print(f"{stage:8} {seconds:7.2f} CPU s  {seconds / events * 1e6:7.1f} us/event")
    print(f"{'all':8} {total:7.2f} CPU s  {events / total:,.0f} events per CPU second (loading not counted)")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    if given.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
