"""A day of a data centre in, the engine's CPU time per event out, with all live SigmaHQ rules and ours loaded, in batches as in `soc run`.

    .venv/bin/python -m bench.engine [--batch N]

The mix: the demo's recorded day (sshd, sudo, cron, nginx, PostgreSQL, the audit trail of e-government), ../shared/corpus/logs/loghub and
the Windows events of ../shared/corpus, dealt out evenly, so that every batch has some of each. The first round meets each kind of event
and value for the first time; the second is the next day: new positions, the same hosts. Figures are of batches: time by events.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.scan import CORPUS, FOLDERS, records
from collectors.event import Event
from collectors.parse import Context, parse_batch
from collectors.record import Position, RawRecord
from soc import yaml_file
from soc.detect.ruleset import load

ROOT = Path(__file__).parents[1]
DAY = ROOT / "soc" / "demo" / "day"
LOGHUB = {"Apache_2k.log": "apache-error", "Linux_2k.log": "rfc3164", "OpenSSH_2k.log": "rfc3164"}
NOW = datetime(2026, 10, 15, tzinfo=UTC)
TARGET_US = 20.0


def lines(path: Path, format_: str, round_: int) -> list[Event]:
    """The events of a file of lines."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    stream = f"{path.name}#{round_}"
    raw = [
        RawRecord(line, path.name, Position(stream, stream, number, number), NOW)
        for number, line in enumerate(data.splitlines(), 1)
    ]
    return list(parse_batch(raw, format_, Context())[0])


def windows(files: Sequence[Path], round_: int) -> list[Event]:
    """The events of event files."""
    raw = [record for path in files for record in records(path, round_)]
    return list(parse_batch(raw, "windows-json", Context())[0])


def mix(round_: int) -> list[Event]:
    """One day, its sources dealt out evenly."""
    day = yaml_file.read(DAY / "day.yml")[0].data
    sources = [lines(DAY / each["file"], each["format"], round_) for each in day["files"]]
    sources += [lines(CORPUS / "logs" / "loghub" / name, format_, round_) for name, format_ in LOGHUB.items()]
    sources.append(windows(sorted(CORPUS.rglob("*.evtx")), round_))
    placed = [
        ((at + 0.5) / len(events), number, at) for number, events in enumerate(sources) for at in range(len(events))
    ]
    return [sources[number][at] for _, number, at in sorted(placed)]


def batches(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    """The events in order, so many at once."""
    for at in range(0, len(events), size):
        yield events[at : at + size]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--batch", type=int, default=500)
    size = arguments.parse_args().batch
    paths = [*(CORPUS / "sigmahq" / folder for folder in FOLDERS), ROOT / "rules"]
    days = [mix(round_) for round_ in range(2)]
    with tempfile.TemporaryDirectory() as folder:
        load(paths, cache=Path(folder))
        rules = load(paths, cache=Path(folder))
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the app runs
    print(f"{len(rules):,} rules; {len(days[0]):,} events a day, {size} at once")
    for name, day in zip(("first day", "next day"), days, strict=True):
        spent = []
        detections = 0
        for batch in batches(day, size):
            began = time.process_time()
            detections += len(rules.detect(batch))
            spent.append((time.process_time() - began) / len(batch) * 1e6)
        spent.sort()
        marks = {"median": 0.5, "p90": 0.9, "p99": 0.99}
        figures = "  ".join(f"{mark} {spent[int(len(spent) * share)]:6.1f}" for mark, share in marks.items())
        mean = sum(spent) / len(spent)
        print(f"{name:9}  {figures}  mean {mean:6.1f} us/event   {detections:,} detections")
    median = spent[len(spent) // 2]
    print(f"bar: {TARGET_US:.0f} us/event at the median: {'held' if median <= TARGET_US else 'missed'}")


if __name__ == "__main__":
    main()
