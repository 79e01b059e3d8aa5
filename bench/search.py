"""`python -m bench.search [--events N] [--live S] [--keep DIR]`: the embedded store: indexing, bytes on disk, searches while written."""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Event as Event_
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from collectors.event import Event, Value, make_event
from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.record import Position, RawRecord
from soc.app.indexing import INDEX_BATCH
from soc.app.memory import settle
from soc.store.language import parse
from soc.store.local_events import LocalEventStore
from soc.store.segments.counting import histogram, top
from soc.store.segments.files import Segment
from soc.store.segments.folder import listed
from soc.store.segments.view import Asked

DAY = datetime(2026, 10, 14, tzinfo=UTC)
RATE = 30_000
"""Events a second of the live part."""

SHOWN = ("@timestamp", "event.dataset", "host.name", "message")
"""What `soc search` shows of an event."""

READERS = ("failed password", "source.ip:203.0.113.9", "quotaexceeded", "user.name:u17 and event.outcome:failure")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--live", type=int, default=20, metavar="SECONDS")
    parser.add_argument("--keep", type=Path, help="keep the store here, and use the one that is here")
    parser.add_argument(
        "--stream", default="s", help="of the events; in a listener's run (16 hex digits and ~) ids are no hashes"
    )
    options = parser.parse_args()
    settle()
    with TemporaryDirectory() as folder:
        kept = options.keep or Path(folder) / "kept"
        if not (kept / "events").is_dir():
            fill(kept, options.events, options.stream)
        searches(kept, options.stream)
        if options.live:
            live(Path(folder), options.live)


def fill(folder: Path, count: int, stream: str) -> None:
    """Index events; the CPU time is that of the store alone, with its threads. What fills no part is left to the journal, not counted."""
    folder.mkdir(parents=True, exist_ok=True)
    random, made, slowest = Random(1), 0.0, 0.0
    store = _store(folder)
    begun = time.process_time()
    for first in range(0, count, INDEX_BATCH):
        making = time.thread_time()
        batch = [_event(n, random, stream) for n in range(first, min(first + INDEX_BATCH, count))]
        made += time.thread_time() - making
        step = time.perf_counter()
        store.index(batch, first)
        slowest = max(slowest, time.perf_counter() - step)
    store.close()
    spent = time.process_time() - begun - made
    files = listed(folder / "events")
    indexed = sum(about.rows for file in files for about in file.header.groups)
    print(f"index: {indexed / spent:,.0f} events/CPU-s, longest step of {INDEX_BATCH:,} {slowest * 1000:,.0f} ms")
    sealed = [file for file in files if isinstance(file, Segment)]
    if sealed:
        _tell_sizes(sealed)


def _tell_sizes(sealed: list[Segment]) -> None:
    """Bytes an event of both files of the segments, and of them what the raw bytes take that are not in a field."""
    rows = sum(about.rows for file in sealed for about in file.header.groups)
    size = sum(path.stat().st_size for file in sealed for path in (file.path, file.path.with_suffix(".index")))
    groups = [file.parquet.metadata.row_group(at) for file in sealed for at in range(len(file.header.groups))]
    columns = [group.column(at) for group in groups for at in range(group.num_columns)]
    raw = sum(each.total_compressed_size for each in columns if each.path_in_schema in ("_before", "_after"))
    print(
        f"sealed: {size / rows:.1f} bytes an event, raw bytes and all; without those around the message {(size - raw) / rows:.1f}"
    )


def _store(folder: Path) -> LocalEventStore:
    open_journal(JournalConfig(folder / "journal")).close()
    return LocalEventStore(folder / "events", open_reader(JournalConfig(folder / "journal")))


def searches(folder: Path, stream: str) -> None:
    """Each search in a view of its own, as another process would see it; the median of five."""
    store = _store(folder)
    count = store.count()
    print(f"{count:,} events")
    _timed("rare value, all time", store, lambda s: _newest(s, "source.ip:203.0.113.9"))
    _timed(
        "rare value, the last hour",
        store,
        lambda s: _newest(s, "source.ip:203.0.113.9", since=_time(count - 3_600_000 // 3)),
    )
    _timed("common phrase, newest 100", store, lambda s: _newest(s, '"failed password for"'))
    _timed("rare word", store, lambda s: _newest(s, f"rare{50_007}x"))
    _timed("word of mid frequency, newest 100", store, lambda s: _newest(s, "quotaexceeded"))
    _timed("absent word", store, lambda s: _newest(s, "nowheretobefound"))
    _timed("one event by id", store, lambda s: s.event(_event(7, Random(1), stream).id) or 1)
    _timed(
        "histogram, 5 min by severity",
        store,
        lambda s: histogram(s.view(), Asked(parse("")), timedelta(minutes=5), "log.syslog.severity.code"),
    )
    _timed("top 10 of a field", store, lambda s: top(s.view(), Asked(parse("")), "source.ip").most_common(10))
    _timed(
        "top 10 of a field, sshd only",
        store,
        lambda s: top(s.view(), Asked(parse("event.dataset:sshd")), "source.ip").most_common(10),
    )
    store.close()


def _newest(store: LocalEventStore, query: str, since: datetime | None = None) -> list[dict[str, Value]]:
    return list(store.view().documents(Asked(parse(query), since), SHOWN, 100))


def _timed(name: str, store: LocalEventStore, call: Callable[[LocalEventStore], object]) -> None:
    wall, cpu = [], []
    for _ in range(5):
        begun, spent = time.perf_counter(), time.process_time()
        call(store)
        wall.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - spent) * 1000)
    print(f"{name}: {statistics.median(wall):.0f} ms (least {min(wall):.0f}; CPU {min(cpu):.0f})", flush=True)


def live(folder: Path, seconds: int) -> None:
    """One process appends RATE events a second, one indexes, this one searches."""
    open_journal(JournalConfig(folder / "live" / "journal")).close()
    context = multiprocessing.get_context("spawn")
    told: multiprocessing.Queue[list[float]] = context.Queue()
    begun, over = context.Event(), context.Event()
    steps: multiprocessing.Queue[list[float]] = context.Queue()
    writer = context.Process(target=_write, args=(folder / "live", seconds, begun, told))
    indexer = context.Process(target=_index, args=(folder / "live", over, steps))
    for process in (writer, indexer):
        process.start()
    begun.wait()
    store = LocalEventStore(folder / "live" / "events", open_reader(JournalConfig(folder / "live" / "journal")))
    waits: list[float] = []
    spent: list[float] = []
    behind = 0
    while told.empty():
        for query in READERS:
            start, cpu = time.perf_counter(), time.process_time()
            _newest(store, query)
            waits.append((time.perf_counter() - start) * 1000)
            spent.append((time.process_time() - cpu) * 1000)
            time.sleep(0.05)
        behind = max(behind, len(store.view().tail))
    stalls = told.get()
    over.set()
    indexed = steps.get()
    for process in (writer, indexer):
        process.join()
    waits.sort()
    print(
        f"live: {store.count():,} events in {seconds} s; {len(waits)} searches, median {statistics.median(waits):.0f} ms, "
        f"95 % {waits[int(len(waits) * 0.95)]:.0f} ms (CPU {statistics.median(spent):.0f}); longest append {max(stalls):.0f} ms, "
        f"longest step of indexing {max(indexed):.0f} ms; at most {behind:,} events in no file"
    )


def _write(folder: Path, seconds: int, begun: Event_, told: multiprocessing.Queue[list[float]]) -> None:
    journal, random = open_journal(JournalConfig(folder / "journal")), Random(2)
    ready = [[_event(n, random, "s") for n in range(first, first + 1_000)] for first in range(0, 50_000, 1_000)]
    stalls, sent = [], 0
    begun.set()
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        if sent < (time.monotonic() - start) * RATE:
            batch = list(_moved(ready[sent // 1_000 % len(ready)], sent))
            before = time.perf_counter()
            journal.append(batch, {}, ())
            stalls.append((time.perf_counter() - before) * 1000)
            sent += len(batch)
        else:
            time.sleep(0.005)
    told.put(stalls)
    journal.close()


def _moved(events: list[Event], first: int) -> Iterator[Event]:
    """The same events at other places of their stream."""
    for n, event in enumerate(events, first):
        record = RawRecord(event.raw, event.source, Position("", "s", n, n + 1), event.ingested, event.peer)
        yield make_event(record, _time(n), event.fields)


def _index(folder: Path, over: Event_, told: multiprocessing.Queue[list[float]]) -> None:
    reader = open_reader(JournalConfig(folder / "journal"))
    store, offset, steps = LocalEventStore(folder / "events", reader), 0, [0.0]
    settle()
    while not over.is_set():
        begun = time.perf_counter()
        events, following = reader.read(offset, INDEX_BATCH)
        if events:
            store.index(events, offset)
            steps.append((time.perf_counter() - begun) * 1000)
        else:
            time.sleep(0.1)
        offset = following
    store.close()
    told.put(steps)


def _time(n: int) -> datetime:
    return DAY + timedelta(milliseconds=3 * n)


def _address(random: Random) -> str:
    """Some machines speak often, 60,000 seldom."""
    if random.random() < 0.7:
        return f"10.0.{int(random.paretovariate(1.0)) % 8}.{int(random.paretovariate(0.6)) % 250}"
    n = random.randrange(60_000)
    return f"{5 + n % 190}.{n // 7 % 250}.{n // 190 % 250}.{n % 251}"


def _event(n: int, random: Random, stream: str) -> Event:
    when = _time(n)
    host, address = f"srv-{random.randrange(200):03}", "203.0.113.9" if n % 2_000_000 == 1_000_007 else _address(random)
    port, pid, user = (
        random.randrange(1024, 65536),
        random.randrange(300, 40_000),
        f"u{int(random.paretovariate(0.8)) % 5000}",
    )
    severity, kind = random.choice((3, 4, 5, 6, 6, 6, 6)), random.random()
    said: dict[str, Value]
    if kind < 0.35:
        failed = random.random() < 0.7
        program, text = (
            "sshd",
            f"{'Failed password' if failed else 'Accepted publickey'} for {user} from {address} port {port} ssh2",
        )
        said = {
            "event.outcome": "failure" if failed else "success",
            "user.name": user,
            "source.ip": address,
            "source.port": port,
        }
    elif kind < 0.65:
        path, status = (
            f"/portal/{random.choice(('home', 'case', 'form', 'api'))}/{random.randrange(3000)}",
            random.choice((200, 200, 304, 404, 500)),
        )
        size = random.randrange(100, 90_000)
        program, text = (
            "nginx",
            f'{address} - - "GET {path} HTTP/1.1" {status} {size} "-" "Mozilla/5.0 (X11; Linux x86_64)"',
        )
        said = {
            "source.ip": address,
            "url.path": path,
            "http.response.status_code": status,
            "http.response.body.bytes": size,
        }
    elif kind < 0.85:
        other = _address(random)
        program, text = "kernel", f"IN=eth0 OUT= SRC={address} DST={other} LEN=60 PROTO=TCP SPT={port} DPT=443 DROP"
        said = {
            "source.ip": address,
            "source.port": port,
            "destination.ip": other,
            "event.action": "drop",
            "network.transport": "tcp",
        }
    else:
        program, text = "sudo", f"pam_unix(sudo:session): session opened for user {user}(uid=1000) by (uid=0)"
        said = {"user.name": user, "event.action": "session-opened"}
    text += f" rare{n}x" if n % 50_000 == 7 else " quotaexceeded" if n % 25_000 == 11 else ""
    fields: dict[str, Value] = {
        "event.dataset": program,
        "message": text,
        "host.name": host,
        "process.name": program,
        "process.pid": pid,
        "log.syslog.severity.code": severity,
        **said,
    }
    line = (
        f"<{80 + severity}>1 {when.isoformat(timespec='milliseconds')[:-6]}Z {host} {program} {pid} - - {text}".encode()
    )
    received = when + timedelta(milliseconds=random.randrange(1, 5))
    return make_event(RawRecord(line, "edge", Position("", stream, n, n + 1), received, "10.0.0.9"), when, fields)


if __name__ == "__main__":
    main()
