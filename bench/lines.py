"""Windows events as JSON lines in, events per CPU second out: `soc scan`'s engine beside decoding the same lines and nothing else.

    .venv/bin/python -m bench.lines [--events N] [--rounds N] [--profile] [--jobs 1 2] [--memory-bytes N] [FILE...]

Default: the events of every EVTX file of ../shared/corpus as `{"Event": ...}` lines, repeated to about 100,000 (`--events 550000`: the
large one) with the record ids and times of each repetition moved on. Stages, in CPU seconds, best of the rounds in the same run: `decode`
(orjson, nothing else), `hits` (reading, decoding, matching: which rules fire on which events), `detections` (with the whole event and the
reasons of each), `output` (as `--format json`). Then, in new processes, wall and CPU time of `hunt` for each number of jobs.
`--memory-bytes N`: writes N bytes of lines to a temporary file, scans them, and prints the greatest resident memory of all processes.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import os
import pstats
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from bench.scan import CORPUS, windows_rules
from collectors.event import Event
from collectors.parse import Context
from collectors.parse.windows_table import WindowsTables
from collectors.sources import read_file
from soc.app.memory import settle
from soc.app.scan import MAX_CHUNK_BYTES, MEMORY_BYTES, Piece, Scan
from soc.app.scan_jobs import hunt
from soc.cli._found import json_cells
from soc.detect import Detection
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import Matcher, ir, load

NOW = datetime(2026, 11, 22, tzinfo=UTC)
_RECORD = re.compile(rb'"EventRecordID":(\d+)')
_TIME = re.compile(rb'"SystemTime":"(\d{4}-\d\d-\d\d)T')


def base() -> list[bytes]:
    """Every event of the corpus that can be read, as one line."""
    import evtx

    found = []
    for path in sorted(CORPUS.rglob("*.evtx")):
        try:
            found += [
                record["data"].replace("\n", "").encode() for record in evtx.PyEvtxParser(str(path)).records_json()
            ]
        except (RuntimeError, OSError) as error:
            print(f"{path.name}: {str(error)[:80]}", file=sys.stderr)
    return found


def repeated(lines: Sequence[bytes], round_: int) -> Iterator[bytes]:
    """The lines with other record ids, so many days later."""

    def later(match: re.Match[bytes]) -> bytes:
        day = datetime.fromisoformat(match[1].decode()) + timedelta(days=round_)
        return b'"SystemTime":"%sT' % day.strftime("%Y-%m-%d").encode()

    for line in lines:
        moved = _RECORD.sub(lambda m: b'"EventRecordID":%d' % (int(m[1]) + round_ * 1_000_000), line, count=1)
        yield _TIME.sub(later, moved, count=1)


def write(path: Path, events: int = 0, size_bytes: int = 0) -> int:
    """Lines until there are so many events, or bytes; how many events."""
    lines, count, written, round_ = base(), 0, 0, 0
    with path.open("wb") as file:
        while count < events or written < size_bytes:
            data = b"\n".join(repeated(lines, round_)) + b"\n"
            written += file.write(data)
            count, round_ = count + len(lines), round_ + 1
    return count


def unchanged(events: Sequence[Event]) -> list[Event]:
    """No site, no assets."""
    return list(events)


def decode(path: Path) -> int:
    """Only orjson."""
    loads, count = orjson.loads, 0
    for batch in read_file(path, "bench", NOW, chunk_bytes=MAX_CHUNK_BYTES):
        for line in getattr(batch.records, "data", ()):
            loads(line)
            count += 1
    return count


def hits(matcher: Matcher, path: Path) -> int:
    """Which rules fire on which events."""
    tables, count = WindowsTables(Context(), unchanged, wanted=matcher.reads), 0
    for batch in read_file(path, "bench", NOW, chunk_bytes=MAX_CHUNK_BYTES):
        table, _ = tables.read(batch.records)
        count += sum(len(hit.fired) for hit in matcher.match(table))
    return count


def scanned(rules: RuleSet, path: Path, show: Callable[[Detection], list[str]]) -> int:
    """Everything that `soc scan` does but start."""
    scan = Scan(rules, Context(), unchanged, show)
    return sum(1 for _ in scan.run([Piece(path)], NOW, lambda _: None))


def cpu(work: Callable[[], int]) -> tuple[float, int]:
    """CPU seconds of this process, and what the work counted."""
    began = time.process_time()
    count = work()
    return time.process_time() - began, count


def in_processes(content: Sequence[tuple[str, ir.Content]], path: Path, jobs: int) -> tuple[float, float, int]:
    """Wall seconds, CPU seconds of all processes, and the greatest memory of all together, of a hunt in a new process."""
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        scan = Scan(RuleSet(content, lateness=Lateness(None)), Context(), unchanged, json_cells)
        settle()
        with Path(os.devnull).open("w") as stream:
            stream.writelines(line for (line,) in hunt(scan, [path], NOW, lambda _: None, 0, jobs))
        os._exit(0)
    began, peak = time.perf_counter(), 0
    while True:
        done, _, used = os.wait4(pid, os.WNOHANG)
        if done:
            return time.perf_counter() - began, used.ru_utime + used.ru_stime, peak
        peak = max(peak, _memory_of_group(pid))
        time.sleep(0.2)


def _memory_of_group(group: int) -> int:
    """Proportional resident bytes of all processes of a group: what they share is counted once (also with this process, which forked)."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(folder.name)) == group:
                total += int(re.search(r"Pss:\s+(\d+)", (folder / "smaps_rollup").read_text())[1]) * 1024  # type: ignore[index]
        except (OSError, TypeError, ProcessLookupError):
            continue  # it ended meanwhile
    return total


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("paths", nargs="*", type=Path)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    arguments.add_argument("--profile", action="store_true")
    arguments.add_argument("--memory-bytes", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        content = load(windows_rules(), cache=Path(folder) / "cache")
        path = given.paths[0] if given.paths else Path(folder) / "lines.jsonl"
        if not given.paths:
            write(path, given.events if not given.memory_bytes else 0, given.memory_bytes)
        if not given.memory_bytes:
            _stages(content, path, given.rounds, profile=given.profile)
        for jobs in given.jobs:
            wall, spent, peak = in_processes(content, path, jobs)
            print(f"{jobs} jobs: {wall:6.2f} s wall, {spent:6.2f} CPU s, at most {peak / 2**20:.0f} MB in all processes together "
                  f"(bound: {MEMORY_BYTES / 2**20:.0f})")  # fmt: skip


def _stages(content: Sequence[tuple[str, ir.Content]], path: Path, rounds: int, *, profile: bool) -> None:
    rules = RuleSet(content, lateness=Lateness(None))
    matcher = Matcher([rule for _, rule in sorted(content, key=lambda pair: pair[1].id) if isinstance(rule, ir.Rule)])
    gc.freeze()
    settle()
    stages: dict[str, Callable[[], int]] = {
        "decode": lambda: decode(path),
        "hits": lambda: hits(matcher, path),
        "detections": lambda: scanned(rules, path, lambda _: []),
        "output": lambda: scanned(rules, path, json_cells),
    }
    best: dict[str, float] = {}
    counts: dict[str, int] = {}
    for _ in range(rounds):
        for name, work in stages.items():
            spent, counts[name] = cpu(work)
            best[name] = min(spent, best.get(name, spent))
    events = counts["decode"]
    print(
        f"{path.stat().st_size / 1e6:,.0f} MB, {events:,} events, {counts['detections']:,} detections, {len(rules):,} rules"
    )
    for name, spent in best.items():
        print(f"{name:10} {spent:6.2f} CPU s  {spent / events * 1e6:6.2f} us/event  {events / spent:9,.0f} events per CPU second  "
              f"{spent / best['decode']:.2f} x decode")  # fmt: skip
    if profile:
        with cProfile.Profile() as profiler:
            stages["hits"]()
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


if __name__ == "__main__":
    main()
