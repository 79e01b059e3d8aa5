"""A machine whose clock steps while `soc run` runs and between two runs: no line is lost, all adds up; and the turn of a year."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from collectors.journal import JournalConfig, open_reader
from soc.__main__ import run
from soc.app.site import Site
from soc.store import AlertQuery
from tests.servers.node import free_port
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
LINES = 50
HOUR_S = 3_600


@contextmanager
def running(config: Path, clock: Path) -> Iterator[None]:
    """`soc run` whose wall clock is the real one and the offset that the file says; ended by SIGTERM."""
    if not LIBRARY.exists():
        assert os.environ.get("CI") != "true", "libfaketime must be there in CI"
        pytest.skip("libfaketime is not installed (Debian: apt-get install libfaketime)")
    false = {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_DONT_RESET": "1",
        "NO_FAKE_STAT": "1",
    }
    process = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)], env=os.environ | false)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return not probe.connect_ex(("127.0.0.1", port))


def step(clock: Path, offset_s: int) -> None:
    fresh = clock.with_name("fresh")
    fresh.write_text(f"{offset_s:+d}\n")
    fresh.rename(clock)


NEW_YEAR = datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh"))
"""In the site's time, which is seven hours before UTC's."""


@pytest.mark.server
def test_lines_without_a_year_have_the_right_one_on_both_sides_of_new_year(tmp_path: Path) -> None:
    clock, port = tmp_path / "clock", free_port()
    source = f'[{{id: tcp, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}", format: rfc3164}}]'
    config = new_site(tmp_path / "site", source)
    journal = JournalConfig(config.parent / "var" / "journal")
    said = {
        -60: ("Dec 31 23:59:58", "Dec 31 23:59:60", "Jan  1 00:00:03", "Dec 30 12:00:00"),  # the third sender is ahead
        10: ("Dec 31 23:59:59", "Jan  1 00:00:05", "Jan  1 23:00:00"),
    }
    step(clock, 0)
    with running(config, clock):
        wait_for(lambda: listens(port), 60)
        sent = 0
        for seconds, stamps in said.items():
            step(clock, int((NEW_YEAR - datetime.now(UTC)).total_seconds()) + seconds)
            with socket.create_connection(("127.0.0.1", port)) as tcp:
                tcp.sendall(b"".join(b"<38>%s web-01 app[7]: x\n" % stamp.encode() for stamp in stamps))
            sent += len(stamps)
            with closing(open_reader(journal)) as reader:
                wait_for(lambda reader=reader, sent=sent: reader.end() >= sent, 30)
    with Site.load(config) as site:
        events, _ = site.journal_reader.read(0, 100)
    found = [event.time.astimezone(NEW_YEAR.tzinfo).strftime("%b %e %Y %H:%M:%S") for event in events]
    assert found == [
        "Dec 31 2026 23:59:58", "Dec 31 2026 23:59:59", "Jan  1 2027 00:00:03", "Dec 30 2026 12:00:00",
        "Dec 31 2026 23:59:59", "Jan  1 2027 00:00:05", "Jan  1 2027 23:00:00",
    ]  # fmt: skip


@pytest.mark.server
def test_a_clock_that_steps_loses_nothing_and_all_adds_up(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log, clock, port = tmp_path / "auth.log", tmp_path / "clock", free_port()
    log.touch()
    sources = f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}, "
    sources += f'{{id: tcp, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}"}}]'
    config = new_site(tmp_path / "site", sources)
    journal = JournalConfig(config.parent / "var" / "journal")
    written = 0

    def lines_come() -> None:
        nonlocal written
        with log.open("a") as file, socket.create_connection(("127.0.0.1", port)) as tcp:
            for n in range(written, written + LINES):
                file.write(auth_line(n))
                tcp.sendall(b"<38>Nov 23 01:02:03 web-01 app[7]: number=%d\n" % n)
        written += LINES
        with closing(open_reader(journal)) as reader:
            wait_for(lambda: reader.end() >= 2 * written, 30)
            wait_for(lambda: reader.committed("detect") >= 2 * written <= reader.committed("index"), 30)

    for offsets in ((0, 2 * HOUR_S, -3 * HOUR_S, -90), (-2 * HOUR_S, HOUR_S), (-60,)):
        step(clock, offsets[0])
        with running(config, clock):
            wait_for(lambda: listens(port), 60)
            for offset_s in offsets:
                step(clock, offset_s)
                lines_come()
    with Site.load(config) as site:
        events, _ = site.journal_reader.read(0, 10 * written)
        counts = Counter(event.source for event in events)
        assert (counts["auth"], counts["tcp"]) == (written, written)
        own = {event.fields["event.action"] for event in events if event.source == "soc"}
        assert own <= {"alert-overdue", "heartbeat", "canary-sent"}, "no source fell silent, and nothing is missing"
        alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
        assert {alert.count for alert in alerts if alert.title == "Root Logged In over SSH with a Password"} == {
            written
        }
    assert run(["sources", "audit", "--config", str(config), "--store"]) == 0
    assert "3 windows, all adds up" in capfd.readouterr().err
    assert run(["iso", "verify", "--config", str(config)]) == 0
