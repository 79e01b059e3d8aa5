"""What the servers on Java of these tests share: they come from Maven Central on first use, start on loopback, end with SIGTERM or SIGKILL.

Downloads go to $SOC_TEST_SERVERS or tests/servers/target (git-ignored); README.md tells how.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

import pytest

TARGET = Path(os.environ.get("SOC_TEST_SERVERS", Path(__file__).parent / "target"))
START_TIMEOUT_S = 120.0


class Node:
    """One server with its own data and ports; both stay when it is killed and started again. `ready`: what it logs when it answers."""

    def __init__(self, command: Sequence[str], log: Path, ready: bytes, environment: Mapping[str, str]) -> None:
        self._command, self._ready = command, ready
        self._log = log
        self._environment = {**os.environ, **environment}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises: RuntimeError with the end of its log."""
        starts = self._starts()
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(self._command, stdout=out, stderr=subprocess.STDOUT, env=self._environment)
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._starts() == starts:
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the server did not start:\n{self._log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Ends the process where it stands (SIGKILL)."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Holds the process where it stands (SIGSTOP): it answers nobody, and its connections stay."""
        self._tell(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        self._tell(signal.SIGCONT)

    def stop(self) -> None:
        """Ends the process in good order."""
        self._end(signal.SIGTERM)

    def _tell(self, what: signal.Signals) -> None:
        assert self._process is not None, "it runs"
        self._process.send_signal(what)

    def _starts(self) -> int:
        return self._log.read_bytes().count(self._ready) if self._log.exists() else 0

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


def set_up(
    name: str, needed: Sequence[str], launcher: Path, folder: Path, version: str, environment: Mapping[str, str]
) -> None:
    """Downloads and lays out a server once, however many test processes ask at the same time.

    Skips the test with the reason where that cannot be; where CI=true that is a failure.
    """
    missing = [program for program in needed if shutil.which(program) is None]
    if missing:
        _cannot(f"{name} needs {', '.join(missing)}")
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / f"{version}.ready"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            return
        try:
            subprocess.run(
                ["bash", str(launcher), "setup"], check=True, capture_output=True, env={**os.environ, **environment}
            )
        except subprocess.CalledProcessError as error:
            _cannot(f"{name} cannot be set up: {(error.stdout + error.stderr).decode(errors='replace')[-500:]}")
        done.touch()


def java_home(least: int) -> Path:
    """A JDK of this version of Java or a newer one: $SOC_TEST_JAVA_HOME, or of those that the system has.

    Skips the test with the reason where there is none, also where CI=true: Debian 12 has none newer than 17.
    """
    named = os.environ.get("SOC_TEST_JAVA_HOME")
    for home in [Path(named)] if named else sorted(Path("/usr/lib/jvm").glob("*")):
        release = home / "release"
        version = re.search(r'JAVA_VERSION="(\d+)', release.read_text()) if release.is_file() else None
        if version and int(version[1]) >= least and (home / "bin" / "javac").exists():
            return home
    pytest.skip(f"needs a JDK of Java {least} or newer in /usr/lib/jvm or $SOC_TEST_JAVA_HOME")


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cannot(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason} (CI=true: this test must run)")
    pytest.skip(reason)
