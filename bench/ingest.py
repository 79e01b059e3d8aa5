"""Syslog over TCP in, parsed events durable in the journal out: events per CPU second of the collecting process, and its memory.

    .venv/bin/python -m bench.ingest [--lines 1000000] [--rounds 3] [--processes 1 2] [--profile]

The lines: half RFC 3164, half RFC 5424; contents are the real lines of ../shared/corpus/logs/loghub (OpenSSH, Linux, Apache) and pairs of a
firewall, each with a number of its own, so that loss and repetition are counted exactly. A collector is a process that runs what `soc run`
runs for a source: TCP listener, parser, enrichment with the inventory, journal with a wait for the disk after each batch. The sender is a
process that does nothing but sendfile; its CPU time is not counted. Several processes have a port, a share of the lines and a journal each.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import random
import re
import resource
import socket
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

from bench.scan import CORPUS
from collectors.choosing import ChoosingParser
from collectors.enrich import enrich
from collectors.event import Event
from collectors.intake import Intake, Taken
from collectors.journal import JournalConfig, open_journal
from collectors.parse import Context
from collectors.sources.syslog import SyslogConfig
from collectors.sources.tcp import TcpSource
from soc.app.memory import settle
from soc.inventory import load_inventory

ROOT = Path(__file__).parents[1]
LOGHUB = CORPUS / "logs" / "loghub"
START = datetime(2026, 11, 22, 3, tzinfo=UTC)
_HEADER = re.compile(r"\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ ")
_NUMBER = re.compile(rb"seq=(\d+)")


class Spent(NamedTuple):
    """What one collector took: CPU and wall seconds, and its greatest resident memory."""

    cpu: float
    wall: float
    peak_bytes: int


def contents() -> list[str]:
    """`program[pid]: text` of each line of the corpus."""
    found = []
    for name in ("OpenSSH_2k.log", "Linux_2k.log"):
        lines = (LOGHUB / name).read_text("utf-8", "replace").splitlines()
        found += [_HEADER.sub("", line, count=1) for line in lines if _HEADER.match(line)]
    apache = (LOGHUB / "Apache_2k.log").read_text("utf-8", "replace").splitlines()
    return found + [f"httpd[812]: {line}" for line in apache if line]


def lines(count: int) -> Iterator[bytes]:
    """Lines as they come over the wire, each with its number."""
    dice = random.Random(5)
    said = contents()
    for number in range(count):
        at, host = START + timedelta(milliseconds=number), f"web-{number % 40:02}"
        content = said[dice.randrange(len(said))]
        if number % 7 == 0:
            content = (
                f"kernel: FW action=drop in=eth0 src=203.0.113.{dice.randrange(256)} dst=10.10.2.{dice.randrange(256)} proto=TCP "
                f"spt={dice.randrange(1024, 65536)} dpt={dice.randrange(1, 1024)} len=60"
            )
        if number % 2:
            yield f"<38>{at:%b} {at.day:2} {at:%H:%M:%S} {host} {content} seq={number}\n".encode()
            continue
        tag, _, text = content.partition(": ")
        program, _, pid = tag.rstrip("]").partition("[")
        head = f"<38>1 {at:%Y-%m-%dT%H:%M:%S.%f}Z {host} {program.strip().replace(' ', '_') or '-'} {pid or '-'} - -"
        yield f"{head} {text} seq={number}\n".encode()


def send(path: Path, begin: int, end: int, port: int) -> int:
    """A process that sends a part of a file over one connection; its number."""
    pid = os.fork()
    if pid:
        return pid
    with path.open("rb") as file, socket.create_connection(("127.0.0.1", port)) as connection:
        while begin < end:
            begin += os.sendfile(connection.fileno(), file.fileno(), begin, end - begin)
    os._exit(0)


def collect(source: TcpSource, folder: Path, count: int, *, profile: bool = False) -> None:
    """Take so many records; ends when all are durable."""
    table = load_inventory(ROOT / "inventory.yml").table()
    taken, stop = 0, threading.Event()

    def add_assets(events: Sequence[Event]) -> list[Event]:
        return enrich(events, table)

    def tell(one: Taken) -> None:
        nonlocal taken
        taken += one.received
        if taken >= count:
            stop.set()

    with closing(open_journal(JournalConfig(folder))) as journal:
        intake = Intake(source, ChoosingParser("syslog", Context()), add_assets, journal, tell)
        settle()
        if profile:
            with cProfile.Profile() as profiler:
                intake.run(stop)
            pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
        else:
            intake.run(stop)


def round_of(path: Path, cuts: list[int], counts: list[int], folder: Path) -> list[Spent]:
    """All lines once, in as many processes as there are parts."""
    sources = [
        TcpSource(SyslogConfig(id=f"tcp-{part}", transport="tcp", listen="127.0.0.1:0")) for part in range(len(counts))
    ]
    began, collectors = time.perf_counter(), []
    for part, (source, count) in enumerate(zip(sources, counts, strict=True)):
        pid = os.fork()
        if not pid:
            before = resource.getrusage(resource.RUSAGE_SELF)
            collect(source, folder / f"{part}", count)
            used = resource.getrusage(resource.RUSAGE_SELF)
            (folder / f"{part}.cpu").write_text(
                f"{used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime} {used.ru_maxrss * 1024}"
            )
            os._exit(0)
        collectors.append(pid)
    senders = [send(path, cuts[part], cuts[part + 1], source.address[1]) for part, source in enumerate(sources)]
    for pid in (*senders, *collectors):
        os.waitpid(pid, 0)
    wall = time.perf_counter() - began
    for source in sources:
        source.close()
    said = [(folder / f"{part}.cpu").read_text().split() for part in range(len(counts))]
    return [Spent(float(cpu), wall, int(peak)) for cpu, peak in said]


def numbers(folder: Path) -> Iterator[int]:
    """The numbers of all lines in the journals of a folder."""
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            with closing(open_journal(JournalConfig(path))) as journal:
                offset = 0
                while offset < journal.end():
                    events, offset = journal.read(offset, 5_000)
                    yield from (int(_NUMBER.findall(event.raw)[-1]) for event in events)
                letters, _ = journal.dead_letters(0, 1_000_000)
                for letter in letters:
                    print(f"dead: {letter.reason}: {letter.record.data[:100]!r}")
                    yield int(_NUMBER.findall(letter.record.data)[-1])


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--lines", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    arguments.add_argument("--profile", action="store_true")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as name:
        path, source = Path(name) / "lines.log", lines(given.lines)
        starts = [0]
        with path.open("wb") as file:
            while part := list(islice(source, 10_000)):
                file.writelines(part)
                starts.append(file.tell())
        print(f"{given.lines:,} lines, {starts[-1] / given.lines:.0f} bytes each")
        walls: dict[int, float] = {}
        for round_ in range(given.rounds):
            for processes in given.processes:
                at = [len(starts[:-1]) * part // processes for part in range(processes + 1)]
                counts = [min(given.lines, end * 10_000) - begin * 10_000 for begin, end in pairwise(at)]
                folder = Path(name) / f"{processes}-{round_}"
                folder.mkdir()
                spent = round_of(path, [starts[each] for each in at], counts, folder)
                found = list(numbers(folder))
                lost, twice = given.lines - len(set(found)), len(found) - len(set(found))
                cpu, wall = sum(one.cpu for one in spent), spent[0].wall
                walls[processes] = min(wall, walls.get(processes, wall))
                print(f"{processes} processes: {cpu:6.2f} CPU s, {given.lines / cpu:9,.0f} events per CPU second; {wall:6.2f} s wall, "
                      f"{given.lines / wall:9,.0f} events a second; at most {max(one.peak_bytes for one in spent) / 2**20:.0f} MB each; "
                      f"{lost} lost, {twice} twice")  # fmt: skip
        if len(walls) > 1:
            print(f"{max(walls)} processes: {walls[1] / walls[max(walls)]:.2f} times the events a second of one")
        if given.profile:
            source_ = TcpSource(SyslogConfig(id="tcp", transport="tcp", listen="127.0.0.1:0"))
            pid = send(path, 0, starts[-1], source_.address[1])
            collect(source_, Path(name) / "profiled", given.lines, profile=True)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
