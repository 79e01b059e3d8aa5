"""The rule hunt over sealed history, events per CPU second out: all of SigmaHQ's rules of one product over columns of segments.

    .venv/bin/python -m bench.hunt [--product windows|linux] [--events N] [--rounds N] [--quiet] [--keep DIR]

`windows`: the events of ../shared/corpus (attack samples: every third fires something); `linux`: the demo's recorded day. Parsed, indexed
and sealed, again and again with other record ids and times, until there are so many. `--quiet`: only those that fire nothing, as nearly all
of a history. Stages in CPU seconds of one process, best of the rounds: `hits` (which rules fire on which events), `detections` (with
events and reasons, as `soc hunt --format json`). Then the wall time of `soc hunt`'s own processes, 1 and 2.
"""

from __future__ import annotations

import argparse
import gc
import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec.structs import replace

from bench.engine import DAY
from bench.engine import lines as lines_of
from bench.lines import base, repeated
from bench.scan import CORPUS, FOLDERS, windows_rules
from collectors.event import Event
from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.parse import Context, parse_batch
from collectors.parse.windows_table import FORMAT
from collectors.record import Lines
from soc import yaml_file
from soc.app.history import Span
from soc.app.history_hunt import LocalScan
from soc.app.memory import settle
from soc.app.scan_jobs import hunt
from soc.cli._found import json_cells
from soc.detect.correlation import Lateness
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import Matcher, ir, load
from soc.store.local_events import LocalEventStore

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ALWAYS = Span(datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def windows() -> Iterator[list[Event]]:
    """The events of event files, each time later."""
    lines, round_, at = base(), 0, 0
    while True:
        data = list(repeated(lines, round_))
        yield list(parse_batch(Lines(data, "bench", "w.jsonl", "stream", at, 1, NOW), FORMAT, Context())[0])
        round_, at = round_ + 1, at + sum(map(len, data)) + len(data)


def linux() -> Iterator[list[Event]]:
    """The recorded day, each time a day later."""
    day = yaml_file.read(DAY / "day.yml")[0].data
    round_ = 0
    while True:
        events = [event for each in day["files"] for event in lines_of(DAY / each["file"], each["format"], round_)]
        events.sort(key=lambda event: event.time)
        yield [replace(event, time=event.time + timedelta(days=round_)) for event in events]
        round_ += 1


HISTORIES = {"windows": windows, "linux": linux}


def rules_of(product: str) -> list[Path]:
    """The folders of SigmaHQ's rules of a product."""
    return (
        windows_rules()
        if product == "windows"
        else [path for folder in FOLDERS if (path := CORPUS / "sigmahq" / folder / product).is_dir()]
    )


def fill(folder: Path, count: int, matcher: Matcher, history: Iterator[list[Event]], *, quiet: bool) -> None:
    """So many events at least, through the journal into the store."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = open_journal(JournalConfig(folder / "journal"))
    store = LocalEventStore(folder / "events", open_reader(JournalConfig(folder / "journal")))
    while journal.end() < count:
        events = next(history)
        if quiet:
            fired = {hit.at for hit in matcher.match(events)}
            events = [event for number, event in enumerate(events) if number not in fired]
        _append(journal, store, events)
    store.close()
    journal.close()


def _append(journal: object, store: LocalEventStore, events: Sequence[Event]) -> None:
    for start in range(0, len(events), 2_000):
        first = journal.end()  # type: ignore[attr-defined]
        journal.append(events[start : start + 2_000], {}, ())  # type: ignore[attr-defined]
        store.index(events[start : start + 2_000], first)


def hits(matcher: Matcher, scan: LocalScan[list[str]]) -> int:
    """How many events there were, each looked at."""
    events = 0
    for path in scan.files:
        for table in scan.tables(path):
            matcher.match(table)
            events += len(table)
    return events


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--product", choices=sorted(HISTORIES), default="windows")
    arguments.add_argument("--events", type=int, default=525_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--quiet", action="store_true")
    arguments.add_argument("--keep", type=Path)
    given = arguments.parse_args()
    with TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary) / "history"
        content = load(rules_of(given.product), cache=Path(temporary) / "cache")
        matcher = Matcher(
            [rule for _, rule in sorted(content, key=lambda pair: pair[1].id) if isinstance(rule, ir.Rule)]
        )
        if not (folder / "events").is_dir():
            fill(folder, given.events, matcher, HISTORIES[given.product](), quiet=given.quiet)
        store = LocalEventStore(folder / "events", open_reader(JournalConfig(folder / "journal")))
        rules = RuleSet(content, lateness=Lateness(None))
        gc.freeze()
        settle()

        def scan() -> LocalScan[list[str]]:
            return LocalScan(rules, store, ALWAYS, json_cells, 512 << 20)

        def detections() -> int:
            one = scan()
            for _ in hunt(one, one.files, NOW, lambda _: None, 0, 1):
                pass
            return one.summary.events

        stages: dict[str, Callable[[], int]] = {"hits": lambda: hits(matcher, scan()), "detections": detections}
        for name, work in stages.items():
            best, events = 1e9, 0
            for _ in range(given.rounds):
                began = time.process_time()
                events = work()
                best = min(best, time.process_time() - began)
            print(
                f"{name:10} {events:,} events, {best / events * 1e6:.2f} us/event, {events / best:,.0f} events per CPU second",
                flush=True,
            )
        for jobs in (1, 2):
            wall = _in_processes(scan(), jobs)
            print(f"{jobs} jobs: {events / wall:,.0f} events/s wall", flush=True)


def _in_processes(scan: LocalScan[list[str]], jobs: int) -> float:
    """Wall seconds of a hunt in a new process."""
    began = time.perf_counter()
    pid = os.fork()
    if pid == 0:
        with Path(os.devnull).open("w") as stream:
            stream.writelines(line for (line,) in hunt(scan, scan.files, NOW, lambda _: None, 0, jobs))
        os._exit(0)
    os.waitpid(pid, 0)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
