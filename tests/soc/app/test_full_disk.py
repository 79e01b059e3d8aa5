"""A data folder on a disk that fills up: intake waits, nothing is lost, and it goes on by itself when there is room."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soc.app.site import Site
from tests.soc.app.sites import auth_line, new_site
from tests.soc.app.test_run import wait_for

LINES = 12_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A tmpfs of 6 MB; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted: {made.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=False)


def test_a_disk_that_is_full_for_a_while_loses_nothing(tmp_path: Path, small_disk: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("".join(auth_line(i, f"Connection closed by 192.0.2.7 port {i}") for i in range(LINES)))
    config = new_site(tmp_path / "site", f"[{{id: auth, kind: file, path: {log}, format: rfc3164}}]")
    config.write_text(config.read_text().replace("data: var", f"data: {small_disk}"))
    ballast = small_disk / "ballast"
    said = tmp_path / "said.txt"
    with said.open("w") as stream:
        ballast.write_bytes(b"\0" * 4_600_000)
        process = subprocess.Popen([sys.executable, "-m", "soc", "run", "--config", str(config)], stderr=stream)
    try:
        wait_for(lambda: "cannot be written" in said.read_text() or "could not be taken" in said.read_text(), 30)
        assert process.poll() is None
        ballast.unlink()
        subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
        time.sleep(6)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
    with Site.load(config) as site:
        assert site.journal.end() == LINES
        assert site.events.count() == LINES
        assert site.journal.committed("detect") == LINES
    assert os.path.ismount(small_disk)
