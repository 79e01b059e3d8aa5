"""A data folder on a disk that fills up: each source waits, senders hear so, nothing acknowledged is lost, it goes on by itself."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from soc.app.auditing import audit
from soc.app.run import Running
from soc.app.site import Site
from soc.store import AlertQuery, EventQuery
from tests.servers.node import free_port
from tests.servers.rsyslog import Rsyslog, rsyslog
from tests.soc.app.sites import LOGIN_AS_ROOT, auth_line, new_site
from tests.soc.app.test_run import wait_for

FEW, LINES, LOGINS, POSTED = 20, 3_000, 50, 2_000
LONG_LINES = 20_000
"""Over TCP, of half a kilobyte: 10 MB, more than the buffers of two kernels hold."""
LINE = b"<38>Nov 23 01:02:03 web-01 app[7]: %s number=%d %s\n"
HELD_UP = ("file", "tcp", "relp")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 64 MB; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    made = subprocess.run(argv, capture_output=True, check=False)
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(ballast: Path) -> None:
    """Take all room that the disk has."""
    with ballast.open("ab", buffering=0) as file:
        for block in (1 << 20, 4096):
            try:
                while file.write(b"\0" * block):
                    pass
            except OSError:
                pass


class Sender(threading.Thread):
    """Lines over one TCP connection; `sent`: bytes that the kernel took."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)

    def close(self) -> None:
        self._socket.close()

    def few(self) -> None:
        self._socket.sendall(b"".join(LINE % (b"tcp", n, b"") for n in range(FEW)))

    def run(self) -> None:
        with suppress(ConnectionError):  # its receiver was killed
            for first in range(FEW, FEW + LONG_LINES, 100):
                self._socket.sendall(b"".join(LINE % (b"tcp", n, b"x" * 450) for n in range(first, first + 100)))
                self.sent += 100


def post(port: int, first: int, count: int) -> int:
    """The status of the answer to so many lines."""
    body = b"".join(b'{"message": "http number=%d"}\n' % n for n in range(first, first + count))
    request = urllib.request.Request(f"http://127.0.0.1:{port}/events", body)
    request.add_header("Content-Type", "application/x-ndjson")
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code if "Retry-After" in error.headers else 0


def begin(port: int, answers: list[int]) -> None:
    """Post, and say what was answered, if anything was."""
    with suppress(OSError):
        answers.append(post(port, FEW, POSTED))


@contextmanager
def soc_run(config: Path, said: Path) -> Iterator[SimpleNamespace]:
    """`soc run`; `port`: of its metrics."""
    with said.open("ab") as stream:
        process = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)], stderr=stream)
    try:
        before = said.stat().st_size
        wait_for(lambda: b"metrics on port " in said.read_bytes()[before:], 60)
        port = int(said.read_bytes()[before:].rpartition(b"metrics on port ")[2].split(b";")[0])
        yield SimpleNamespace(process=process, port=port)
    finally:
        process.kill()
        process.wait()


def waiting(port: int) -> set[str]:
    """Sources that wait for the disk, as Prometheus hears it."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    found = [line for line in lines if line.startswith("soc_source_waiting_seconds{") and not line.endswith(" 0.0")]
    return {line.split('"')[1] for line in found}


def numbers(site: Site) -> dict[str, Counter[int]]:
    """How often the line of each number is in the journal, by source."""
    found: dict[str, Counter[int]] = {}
    offset, end = 0, site.journal_reader.end()
    while offset < end:
        events, offset = site.journal_reader.read(offset, 10_000)
        for event in events:
            if b"number=" in event.raw:
                number = int(event.raw.rpartition(b"number=")[2].split()[0].rstrip(b'"}'))
                found.setdefault(event.source, Counter())[number] += 1
    return found


def site_of(folder: Path, disk: Path) -> tuple[Path, Path, dict[str, int]]:
    log, ports = folder / "app.log", {name: free_port() for name in ("tcp", "relp", "http")}
    log.write_bytes(b"".join(LINE % (b"file", n, b"") for n in range(FEW)))
    sources = [
        f"{{id: file, kind: file, path: {log}, format: syslog}}",
        f'{{id: tcp, kind: syslog, transport: tcp, listen: "127.0.0.1:{ports["tcp"]}"}}',
        f'{{id: relp, kind: relp, listen: "127.0.0.1:{ports["relp"]}"}}',
        f'{{id: http, kind: http, listen: "127.0.0.1:{ports["http"]}"}}',
        f"{{id: auth, kind: file, path: {folder / 'auth.log'}, format: rfc3164}}",
    ]
    config = new_site(folder / "site", f"[{', '.join(sources)}]")
    config.write_text(config.read_text().replace("data: var", f"data: {disk}"))
    return config, log, ports


@pytest.mark.server
@pytest.mark.parametrize("killed", [False, True])
def test_a_full_disk_holds_every_source_up_and_loses_nothing(tmp_path: Path, small_disk: Path, *, killed: bool) -> None:
    config, log, ports = site_of(tmp_path, small_disk)
    answers: list[int] = []
    said, ballast, auth = tmp_path / "said", small_disk / "ballast", tmp_path / "auth.log"
    with ExitStack() as stack, rsyslog(relp=ports["relp"]) as relp:
        with soc_run(config, said) as running:
            tcp = stack.enter_context(closing(Sender(ports["tcp"])))
            begun = threading.Thread(target=begin, args=(ports["http"], answers), daemon=True)
            tcp.few()
            for n in range(FEW):
                relp.send(f"relp number={n}")
            assert post(ports["http"], 0, FEW) == 200
            with Site.load(config) as site:
                wait_for(lambda: site.journal_reader.end() >= 4 * FEW, 30)
            fill(ballast)
            tcp.start()
            with log.open("ab") as more, auth.open("w") as logins:
                more.write(b"".join(LINE % (b"file", n, b"") for n in range(FEW, LINES)))
                logins.write("".join(auth_line(n, LOGIN_AS_ROOT) for n in range(LOGINS)))
            for n in range(FEW, LINES):
                relp.send(f"relp number={n}")
            wait_for(lambda: waiting(running.port) >= {*HELD_UP, "auth"}, 30)
            assert "cannot be written; the source waits" in said.read_text()
            begun.start()
            begun.join(3)
            assert post(ports["http"], LINES, POSTED) == 503
            assert post(ports["http"], LINES, POSTED) == 503
            assert begun.is_alive(), "what is being written has no answer before it is"
            taken = tcp.sent
            time.sleep(1)
            assert taken == tcp.sent < LONG_LINES, "the window of the connection is closed"
            assert relp.queued() > LINES // 2, "frames are not answered"
            if killed:
                running.process.send_signal(signal.SIGKILL)
                running.process.wait()
                ballast.unlink()
            else:
                ballast.unlink()
                finish(config, running, ports, relp, tcp)
        begun.join(60)
        assert answers == ([] if killed else [200])
        if killed:
            with soc_run(config, said) as running:
                finish(config, running, ports, relp, None)
    with Site.load(config) as site:
        check(site, killed=killed)


def finish(config: Path, running: SimpleNamespace, ports: dict[str, int], relp: Rsyslog, tcp: Sender | None) -> None:
    """It goes on by itself; then SIGTERM."""
    wanted = 2 * LINES + 1 + FEW + 5 + LOGINS
    if tcp is not None:
        tcp.join(60)
        assert not tcp.is_alive()
        wanted += FEW + LONG_LINES + POSTED
    wait_for(lambda: post(ports["http"], FEW + POSTED, 5) == 200, 60)
    relp.send(f"relp number={LINES}")  # a RELP client looks for lost answers only when it has more to send
    with Site.load(config) as site:
        wait_for(lambda: site.journal_reader.end() >= wanted, 90)
    wait_for(lambda: not relp.queued(), 60)
    assert waiting(running.port) == set()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0


def check(site: Site, *, killed: bool) -> None:
    """Everything that was acknowledged is there once, is told, and adds up."""
    found = numbers(site)
    assert found["file"] == Counter(range(LINES))
    assert found["relp"] == Counter(range(LINES + 1))
    answered = [*range(FEW), *range(FEW + POSTED, FEW + POSTED + 5)]
    if killed:  # what was in flight over TCP to a program that dies is gone, as the documentation says
        assert found["http"] == Counter(answered)
    else:
        assert found["http"] == Counter(range(FEW + POSTED + 5))
        assert found["tcp"] == Counter(range(FEW + LONG_LINES))
    site.catch_up()
    alerts = site.projections.alerts(site.projections.alert_ids(AlertQuery()))
    counts = {alert.title: alert.count for alert in alerts}
    assert counts["Root Logged In over SSH with a Password"] == LOGINS
    assert site.events.count() == site.journal_reader.end() == site.journal_reader.committed("detect")
    now = site.clock() + timedelta(seconds=1)
    assert audit(site, now - timedelta(days=1), now, store=True).mismatches == []
    if not killed:
        told = site.events.search(EventQuery(equals={"event.action": "source-held-up"}))
        assert {str(each["egov.record.id"]) for each in told} >= {*HELD_UP, "auth"}
        for each in told:
            since, until = (datetime.fromisoformat(str(each[name])) for name in ("event.start", "event.end"))
            assert timedelta(seconds=1) < until - since < timedelta(minutes=5)
        assert counts["Disk of the SOC Is Full"] == len(told)


def test_a_disk_with_little_room_is_told_once_before_it_is_full(tmp_path: Path, small_disk: Path) -> None:
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {tmp_path / 'none.log'}}}]")
    config.write_text(config.read_text().replace("data: var", f"data: {small_disk}"))
    with Site.load(config) as site, Running(site) as running:
        running._taking.look()
        assert site.journal.end() == 0
        ballast = small_disk / "ballast"
        ballast.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 2_000_000))
        for _ in range(3):
            running._taking.look()
        [event] = site.journal.read(0, 10)[0]
        assert event.fields["event.action"] == "disk-low"
        assert " MB free of 67; full, every source waits" in str(event.fields["message"])
        wait_for(lambda: site.projections.alert_ids(AlertQuery()), 10)
        ballast.unlink()
        running._taking.look()
        ballast.write_bytes(b"\0" * (shutil.disk_usage(small_disk).free - 2_000_000))
        running._taking.look()
        assert site.journal.end() == 2
