"""A real Elasticsearch node for tests: fixture `elastic_node`, one a test process, on loopback with fresh data.

The server comes from Maven Central on first use, into $SOC_TEST_SERVERS or tests/servers/target (git-ignored); README.md tells how.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

LAUNCHER = Path(__file__).parent / "elasticsearch" / "esnode.sh"
CACHE = Path(os.environ.get("SOC_TEST_SERVERS", Path(__file__).parent / "target")) / "elasticsearch"
VERSION = os.environ.get("ES_VERSION", "8.19.21")
NEEDED = ("bash", "java", "javac", "mvn", "unzip")
START_TIMEOUT_S = 120.0
READY = b"READY port="


class ElasticNode:
    """One node with its own data and port; both stay when it is killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = folder
        self._log = folder / "node.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises: RuntimeError with the end of its log."""
        starts = self._starts()
        command = ["bash", str(LAUNCHER), "run", str(self._folder / "node"), str(self.port)]
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=_environment())
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._starts() == starts:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"Elasticsearch did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends the process where it stands (SIGKILL)."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the process in good order."""
        self._end(signal.SIGTERM)

    def _starts(self) -> int:
        return self._log.read_bytes().count(READY) if self._log.exists() else 0

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@pytest.fixture(scope="session")
def elastic_node() -> Iterator[ElasticNode]:
    """A running node. Skips with the reason where it cannot be had; where CI=true that is a failure."""
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        _cannot(f"the Elasticsearch node needs {', '.join(missing)}")
    try:
        _set_up()
    except subprocess.CalledProcessError as error:
        _cannot(
            f"the Elasticsearch node cannot be set up: {(error.stdout + error.stderr).decode(errors='replace')[-500:]}"
        )
    with tempfile.TemporaryDirectory(prefix="soc-elastic-", ignore_cleanup_errors=True) as folder:
        node = ElasticNode(Path(folder))
        node.start()
        try:
            yield node
        finally:
            node.stop()


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: this test must run)")
    pytest.skip(reason)


def _set_up() -> None:
    """Downloads and lays out the server once, however many test processes ask at the same time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    done = CACHE / f"{VERSION}.ready"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            subprocess.run(["bash", str(LAUNCHER), "setup"], check=True, capture_output=True, env=_environment())
            done.touch()


def _environment() -> dict[str, str]:
    return {**os.environ, "ES_HOME_DIR": str(CACHE), "ES_VERSION": VERSION}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
