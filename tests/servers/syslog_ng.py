"""A real syslog-ng for tests: private configuration, private socket, forwarding to loopback ports by UDP, TCP and TLS.

    with syslog_ng(tcp=port) as sender:
        sender.send("Failed password for root from 192.0.2.7 port 40022 ssh2", tag="sshd[4711]")

Debian refuses to install it beside rsyslog, so `.ci/run` lays its packages out in $SOC_TEST_SERVERS or tests/servers/target (git-ignored).
Needs no root. Source of truth for the configuration: syslog-ng 3.38 administration guide, network() and syslog() drivers.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.rsyslog import AUTH_INFO, Files

LAID_OUT = Path(os.environ.get("SOC_TEST_SERVERS", Path(__file__).parent / "target")) / "syslog-ng"
START_S = 10.0
END_S = 10.0


@dataclass(frozen=True, slots=True)
class SyslogNg:
    """A running syslog-ng; `log` is connected to its `/dev/log`."""

    log: socket.socket

    def send(self, message: str, *, tag: str = "sshd[4711]", priority: int = AUTH_INFO) -> None:
        """Log one line as a program on this machine does: one datagram in the form of syslog(3). Returns when the kernel holds it."""
        self.log.send(f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {tag}: {message}".encode())


def _command() -> tuple[list[str], dict[str, str]]:
    """How it is called, and its environment; skips the test where there is none, fails it where CI=true."""
    if installed := shutil.which("syslog-ng", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return [installed], {}
    program = LAID_OUT / "usr/sbin/syslog-ng"
    if program.exists():
        modules = next((LAID_OUT / "usr/lib/syslog-ng").glob("[0-9]*"))
        libraries = [*LAID_OUT.glob("usr/lib/*-linux-gnu"), modules.parent]
        return [str(program), f"--module-path={modules}"], {"LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    reason = "syslog-ng is neither installed nor laid out (.ci/run does it)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def syslog_ng(
    *, udp: int | None = None, tcp: int | None = None, tls: int | None = None, files: Files | None = None
) -> Iterator[SyslogNg]:
    """syslog-ng that forwards what it is sent to each of the given ports on 127.0.0.1.

    `udp`: RFC 3164; `tcp`: RFC 5424, octet-counted; `tls`: the same encrypted, with `files`. Connections are opened at the start, and again
    after a refusal, each second.
    """
    argv, more = _command()
    destinations = []
    if udp is not None:
        destinations.append(f'network("127.0.0.1" port({udp}) transport("udp"));')
    if tcp is not None:
        destinations.append(f'syslog("127.0.0.1" port({tcp}) transport("tcp"));')
    if tls is not None and files is not None:
        keys = f'ca-file("{files.ca}") cert-file("{files.certificate}") key-file("{files.key}") peer-verify(required-trusted)'
        destinations.append(f'syslog("127.0.0.1" port({tls}) transport("tls") tls({keys}));')
    with tempfile.TemporaryDirectory(prefix="syslog-ng-") as name:
        folder = Path(name)
        log, said = folder / "log", folder / "said"
        (folder / "conf").write_text(
            "@version: 3.38\noptions { time-reopen(1); keep-hostname(no); use-dns(no); };\n"
            f'source local {{ unix-dgram("{log}"); }};\n'
            f"destination out {{ {' '.join(destinations)} }};\n"
            "log { source(local); destination(out); };\n"
        )
        files_of = [f"--{what}={folder / what}" for what in ("persist-file", "pidfile", "control")]
        with said.open("wb") as out:
            process = subprocess.Popen(
                [*argv, "--foreground", "--no-caps", f"--cfgfile={folder / 'conf'}", *files_of],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **more},
            )
        try:
            end = time.monotonic() + START_S
            while not log.exists():
                if process.poll() is not None or time.monotonic() > end:
                    pytest.fail(f"syslog-ng did not start: {said.read_text(errors='replace')[-2000:]}")
                time.sleep(0.02)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(log))
                yield SyslogNg(sender)
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
