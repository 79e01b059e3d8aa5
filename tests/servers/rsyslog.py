"""A real rsyslogd for tests: private configuration, private socket, forwarding to loopback ports by UDP, TCP, TLS and RELP.

    with rsyslog(tcp_octet_counted=port) as sender:
        sender.send("Failed password for root from 192.0.2.7 port 40022 ssh2", tag="sshd[4711]")

Needs no root: it reads only its own UNIX socket and opens only outgoing connections. Source of truth for the framings: RFC 6587 §3.4;
for the configuration: rsyslog 8 documentation of imuxsock, omfwd and omrelp.
"""

from __future__ import annotations

import fcntl
import json
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
STATS_S = 1
"""Between two of its own reports (impstats), in whole seconds."""
PACKAGES = ("rsyslog", "rsyslog-gnutls", "rsyslog-openssl", "rsyslog-relp")
AUTH_INFO = 4 * 8 + 6
"""Priority of facility auth, severity informational: what sshd logs with."""


@dataclass(frozen=True, slots=True)
class Rsyslog:
    """A running rsyslogd; `log` is connected to its `/dev/log`, `stats` is where it reports on itself."""

    log: socket.socket
    process: subprocess.Popen[bytes]
    stats: Path

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

    def queued(self) -> int:
        """Messages in its queues now; those that wait for their answer in a RELP session are in none."""
        reports, end = len(self._queues()), time.monotonic() + END_S
        while len(found := self._queues()) < reports + 2:  # the first one may have begun before this was asked
            if self.process.poll() is not None or time.monotonic() > end:
                pytest.fail("rsyslogd does not report on its queues")
            time.sleep(0.05)
        return found[-1]

    def _queues(self) -> list[int]:
        """The messages in all queues by each report, which ends with the main queue."""
        reports, size = [], 0
        for line in self.stats.read_text().splitlines(keepends=True) if self.stats.exists() else ():
            if '"core.queue"' in line and line.endswith("\n"):
                said = json.loads(line[line.index("{") :])
                size += said["size"]
                if said["name"] == "main Q":
                    reports.append(size)
                    size = 0
        return reports


@dataclass(frozen=True, slots=True)
class Files:
    """What a sender needs for TLS, PEM: whom it trusts, and who it is."""

    ca: Path
    certificate: str
    key: str


def rsyslogd(*modules: str) -> str:
    """Path of rsyslogd; skips the test where it or one of its modules (package names) is not there, fails it where CI=true."""
    path = shutil.which("rsyslogd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    missing = [name for name in modules if not any((folder / f"{name}.so").exists() for folder in _module_folders())]
    if path and not missing:
        return path
    reason = f"rsyslogd {' '.join(missing)} is not installed (Debian: apt-get install {' '.join(PACKAGES)})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _module_folders() -> list[Path]:
    return [*Path("/usr/lib").glob("*-linux-gnu/rsyslog"), Path("/usr/lib/rsyslog"), Path("/usr/lib64/rsyslog")]


@contextmanager
def rsyslog(
    *,
    udp: int | None = None,
    tcp_newline: int | None = None,
    tcp_octet_counted: int | None = None,
    tls: int | None = None,
    relp: int | None = None,
    files: Files | None = None,
    driver: Literal["gtls", "ossl"] = "gtls",
    form: Literal["rfc5424", "rfc3164"] = "rfc5424",
) -> Iterator[Rsyslog]:
    """rsyslogd that forwards what it is sent to each of the given ports on 127.0.0.1; ends with the block, delivering what is queued.

    Connections are opened with the first message, and again after a refusal, each second. `tls`: octet-counted, with `files` and by
    `driver`; `relp`: over TLS where there are `files`.
    """
    program = rsyslogd(*[f"lmnsd_{driver}"] * (tls is not None), *["omrelp"] * (relp is not None))
    actions = [
        _forward(port, protocol, framing, form)
        for port, protocol, framing in (
            (udp, "udp", ""),
            (tcp_newline, "tcp", "traditional"),
            (tcp_octet_counted, "tcp", "octet-counted"),
        )
        if port is not None
    ]
    if tls is not None:
        peer = f'StreamDriver="{driver}" StreamDriverMode="1" StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="soc.example"'
        actions.append(_forward(tls, "tcp", "octet-counted", form, peer))
    if relp is not None:
        actions += ['module(load="omrelp")', _forward_by_relp(relp, form, files)]
    with tempfile.TemporaryDirectory(
        prefix="rsyslog-"
    ) as name:  # pytest's own folders can be too long for a UNIX socket's path
        folder = Path(name)
        log = folder / "log"
        configuration = folder / "rsyslog.conf"
        configuration.write_text(
            "\n".join(_head(folder, log, files if tls is not None else None, driver) + actions) + "\n"
        )
        argv = [program, "-n", "-f", str(configuration), "-i", str(folder / "pid")]
        with (folder / "said").open("wb") as said:
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            _wait_for(log, process, folder / "said")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.connect(str(log))
                running = Rsyslog(sender, process, folder / "stats")
                yield running
                running.wait_until_read()
        finally:
            process.terminate()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _head(folder: Path, log: Path, files: Files | None, driver: str) -> list[str]:
    trust = f'defaultNetstreamDriver="{driver}" defaultNetstreamDriverCAFile="{files.ca}" ' if files else ""
    trust += (
        f'defaultNetstreamDriverCertFile="{files.certificate}" defaultNetstreamDriverKeyFile="{files.key}"'
        if files
        else ""
    )
    return [
        f'global(workDirectory="{folder}" net.enableDNS="off" localHostname="sender-01" {trust})',
        f'main_queue(queue.timeoutShutdown="{END_S * 1000:.0f}")',
        f'module(load="impstats" interval="{STATS_S}" format="json" log.syslog="off" log.file="{folder}/stats")',
        'module(load="imuxsock" SysSock.Use="off")',
        f'input(type="imuxsock" Socket="{log}" CreatePath="off" RateLimit.Interval="0")',
    ]


_RETRY = 'action.resumeRetryCount="-1" action.resumeInterval="1" action.resumeIntervalMax="1" queue.type="LinkedList"'
_RETRY += f' queue.size="1000000" queue.timeoutEnqueue="60000" queue.timeoutShutdown="{END_S * 1000:.0f}"'
"""Its own defaults: after every ten refusals it waits longer, up to half an hour; the queue holds 1,000 messages, and 2 s after it is full
throws away what comes."""


def _forward(port: int, protocol: str, framing: str, form: str, more: str = "") -> str:
    tcp = f'TCP_Framing="{framing}" {more} ' if framing else ""
    return f'action(type="omfwd" target="127.0.0.1" port="{port}" protocol="{protocol}" {tcp}template="{TEMPLATES[form]}" {_RETRY})'


def _forward_by_relp(port: int, form: str, files: Files | None) -> str:
    tls = ""
    if files:
        tls = f'tls="on" tls.caCert="{files.ca}" tls.myCert="{files.certificate}" tls.myPrivKey="{files.key}" '
        tls += 'tls.authMode="name" tls.permittedPeer=["soc.example"] '
    return f'action(type="omrelp" target="127.0.0.1" port="{port}" {tls}template="{TEMPLATES[form]}" {_RETRY})'


def _wait_for(log: Path, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + START_S
    while not log.exists():
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"rsyslogd did not start: {said.read_text(errors='replace')[-2000:]}")
        time.sleep(0.02)
