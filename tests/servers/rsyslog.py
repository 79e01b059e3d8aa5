"""A real rsyslogd for tests: private configuration, private socket, forwarding to loopback ports by UDP and TCP.

    with rsyslog(tcp_octet_counted=port) as sender:
        sender.send("Failed password for root from 192.0.2.7 port 40022 ssh2", tag="sshd[4711]")

Needs no root: it reads only its own UNIX socket and opens only outgoing connections. Source of truth for the framings: RFC 6587 §3.4;
for the configuration: rsyslog 8 documentation of imuxsock and omfwd.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

TEMPLATES = {"rfc5424": "RSYSLOG_SyslogProtocol23Format", "rfc3164": "RSYSLOG_TraditionalForwardFormat"}
START_S = 10.0
END_S = 30.0
"""How long rsyslogd may take to deliver what it holds when it is told to end. Its own default is 10 ms, which a busy machine exceeds."""
AUTH_INFO = 4 * 8 + 6
"""Priority of facility auth, severity informational: what sshd logs with."""


@dataclass(frozen=True, slots=True)
class Rsyslog:
    """A running rsyslogd; `log` is connected to its `/dev/log`."""

    log: socket.socket
    process: subprocess.Popen[bytes]

    def send(self, message: str, *, tag: str = "sshd[4711]", priority: int = AUTH_INFO) -> None:
        """Log one line as a program on this machine does: one datagram in the form of syslog(3). Returns when the kernel holds it."""
        self.log.send(f"<{priority}>{time.strftime('%b %e %H:%M:%S')} {tag}: {message}".encode())

    def wait_until_read(self) -> None:
        """Returns when rsyslogd has taken every datagram from the kernel (unix(7), SIOCOUTQ): what is still there at its end is lost."""
        end = time.monotonic() + END_S
        while int.from_bytes(fcntl.ioctl(self.log, termios.TIOCOUTQ, bytes(4)), sys.byteorder):
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail("rsyslogd does not read what was sent to it")
            time.sleep(0.005)


def rsyslogd() -> str:
    """Path of rsyslogd; skips the test where there is none, fails it where CI=true."""
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if path:
        return path
    reason = "rsyslogd is not installed (Debian: apt-get install rsyslog)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def rsyslog(
    *,
    udp: int | None = None,
    tcp_newline: int | None = None,
    tcp_octet_counted: int | None = None,
    form: Literal["rfc5424", "rfc3164"] = "rfc5424",
) -> Iterator[Rsyslog]:
    """rsyslogd that forwards what it is sent to each of the given ports on 127.0.0.1; ends with the block, delivering what is queued.

    TCP connections are opened with the first message, and again after a refusal, each second.
    """
    program = rsyslogd()
    actions = [
        _forward(port, protocol, framing, form)
        for port, protocol, framing in (
            (udp, "udp", ""),
            (tcp_newline, "tcp", "traditional"),
            (tcp_octet_counted, "tcp", "octet-counted"),
        )
        if port is not None
    ]
    with tempfile.TemporaryDirectory(
        prefix="rsyslog-"
    ) as name:  # pytest's own folders can be too long for a UNIX socket's path
        folder = Path(name)
        log = folder / "log"
        configuration = folder / "rsyslog.conf"
        configuration.write_text("\n".join(_head(folder, log) + actions) + "\n")
        argv = [program, "-n", "-f", str(configuration), "-i", str(folder / "pid")]
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            _wait_for(log, process, folder / "said")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(log))
                running = Rsyslog(sender, process)
                yield running
                running.wait_until_read()
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _head(folder: Path, log: Path) -> list[str]:
    return [
        f'global(workDirectory="{folder}" net.enableDNS="off" localHostname="sender-01")',
        f'main_queue(queue.timeoutShutdown="{END_S * 1000:.0f}")',
        'module(load="imuxsock" SysSock.Use="off")',
        f'input(type="imuxsock" Socket="{log}" CreatePath="off" RateLimit.Interval="0")',
    ]


def _forward(port: int, protocol: str, framing: str, form: str) -> str:
    tcp = f'TCP_Framing="{framing}" ' if framing else ""
    retry = 'action.resumeRetryCount="-1" action.resumeInterval="1" queue.type="LinkedList"'
    retry += f' queue.timeoutShutdown="{END_S * 1000:.0f}"'
    return f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}" {tcp}template="{TEMPLATES[form]}" {retry})'


def _wait_for(log: Path, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + START_S
    while not log.exists():
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"rsyslogd did not start: {said.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
