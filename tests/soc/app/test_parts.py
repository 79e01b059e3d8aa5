"""Collecting and indexing in processes of their own: what they say at the start, and what happens when one of them, or all, are killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from soc.app.run import Running
from soc.app.site import Site
from soc.errors import SocError
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import free_port, wait_for


def children(pid: int) -> dict[str, int]:
    """The parts of a running SOC: role -> process."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        argv = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"soc.app.part_main" in argv:
            found[argv[argv.index(b"soc.app.part_main") + 1].decode()] = int(child)
    return found


def site_with_file(folder: Path, log: Path) -> Path:
    return new_site(folder / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]", processes=3)


def test_what_a_part_cannot_open_is_told_before_anything_starts(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        sources = f'[{{id: syslog, kind: syslog, transport: tcp, listen: "{address}"}}]'
        with (
            Site.load(new_site(tmp_path / "site", sources, processes=3)) as site,
            pytest.raises(SocError, match=address),
        ):
            Running(site)
        assert not children(os.getpid())


@pytest.mark.parametrize("role", ["collect", "index"])
def test_a_part_that_dies_ends_the_program_in_the_open_and_the_next_start_goes_on(tmp_path: Path, role: str) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i) for i in range(100)))
    config = site_with_file(tmp_path, log)
    with Site.load(config) as site:
        running = Running(site)
        running.start()
        wait_for(lambda: site.journal.end() >= 100, 10)
        os.kill(children(os.getpid())[role], signal.SIGKILL)
        with log.open("a") as stream:
            stream.write("".join(auth_line(i) for i in range(100, 200)))
        assert running.broken.wait(10)
        running.stop()
        assert any(f"the process that shall {role} ended by itself with -9" in said for said in running.failures())
        assert not children(os.getpid())
    with Site.load(config) as site:
        with Running(site):
            wait_for(lambda: site.events.count() == 200, 10)
        assert site.journal.end() - sum(e.source == "soc" for e in site.journal.read(0, 1_000)[0]) == 200


def test_a_killed_program_leaves_no_part_behind_and_no_port_taken(tmp_path: Path) -> None:
    port = free_port(socket.SOCK_STREAM)
    sources = f'[{{id: syslog, kind: syslog, transport: tcp, listen: "127.0.0.1:{port}"}}]'
    config = new_site(tmp_path / "site", sources, processes=3)
    process = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)], stderr=subprocess.DEVNULL)

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens, 20)
    parts = children(process.pid)
    assert set(parts) == {"collect", "index"}
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f"/proc/{part}").exists() for part in parts.values()), 5)
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))


def test_an_order_to_stop_that_everyone_hears_is_followed_once(tmp_path: Path) -> None:
    """Ctrl-C and systemd reach the parts too; they end when they are told, so nothing that was read is left half done."""
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i) for i in range(3_000)))
    config = site_with_file(tmp_path, log)
    argv = [sys.executable, "-m", "soc", "run", "--config", str(config)]
    process = subprocess.Popen(argv, stderr=subprocess.PIPE, start_new_session=True)
    assert process.stderr is not None
    assert b"1 sources" in process.stderr.readline()
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGTERM)
    said = process.communicate(timeout=30)[1].decode()
    assert process.returncode == 0, said
    with Site.load(config) as site:
        taken = site.journal.end()
        assert site.journal.committed("detect") == site.journal.committed("index") == taken
