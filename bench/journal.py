"""Append and replay rates of the local journal, in events per CPU second, and what one fetch costs; one line of result.

Run: .venv/bin/python -m bench.journal [EVENTS]
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.event import Event, make_event
from collectors.journal import JournalConfig, open_journal
from collectors.record import Mark, Position, RawRecord

BATCH = 5_000


def sshd_events(count: int) -> list[Event]:
    """Failed log-ons as the sshd parser gives them: 13 fields, 94 bytes of text."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    events = []
    for n in range(count):
        raw = b"<38>Mar  1 10:00:00 web-01 sshd[%d]: Failed password for root from 192.0.2.%d port %d ssh2" % (
            n % 9_999,
            n % 255,
            n % 65_536,
        )
        record = RawRecord(raw, "auth", Position("/var/log/auth.log", "0011223344556677", n * 95, n), start)
        fields = {
            "event.dataset": "sshd", "host.name": "web-01", "process.name": "sshd", "process.pid": n % 9_999, "user.name": "root",
            "source.ip": f"192.0.2.{n % 255}", "source.port": n % 65_536, "event.action": "ssh-login", "event.outcome": "failure",
            "event.category": "authentication", "message": raw[30:].decode(), "log.syslog.facility.code": 4, "log.syslog.severity.code": 6,
        }  # fmt: skip
        events.append(make_event(record, start + timedelta(milliseconds=n), fields))
    return events


def main(count: int = 100_000) -> None:
    """Print the result."""
    events = sshd_events(count)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
        journal = open_journal(JournalConfig(Path(folder) / "journal"))
        cpu, wall = time.process_time(), time.perf_counter()
        for n in range(0, count, BATCH):
            journal.append(
                events[n : n + BATCH], {"auth": Mark("auth", "0011223344556677", "/var/log/auth.log", n, n)}, []
            )
        append_cpu, append_wall = time.process_time() - cpu, time.perf_counter() - wall
        journal.close()

        wall = time.perf_counter()
        journal = open_journal(JournalConfig(Path(folder) / "journal"))
        opened = time.perf_counter() - wall
        cpu, offset = time.process_time(), 0
        while offset < journal.end():
            _, offset = journal.read(offset, BATCH)
        read_cpu = time.process_time() - cpu
        rng = random.Random(1)
        cpu = time.process_time()
        for _ in range(200):
            journal.fetch(rng.randrange(count))
        fetch_cpu = (time.process_time() - cpu) / 200
        journal.close()
        size = sum(p.stat().st_size for p in Path(folder).rglob("*.seg"))
    print(
        f"journal: {count} events in batches of {BATCH}: append {count / append_cpu:,.0f} events/CPU-s"
        f" ({count / append_wall:,.0f}/s of wall, fdatasync each), replay {count / read_cpu:,.0f} events/CPU-s,"
        f" open {opened * 1e3:.0f} ms, fetch {fetch_cpu * 1e3:.2f} CPU-ms, {size / count:.0f} B/event"
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
