"""syslog-ng and logger(1), as Debian has them, against our listeners."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from collectors.parse import Context, parse
from collectors.sources import SyslogConfig, open_source
from collectors.sources.tcp import TcpSource
from collectors.sources.udp import UdpSource
from tests.servers.rsyslog import Files
from tests.servers.syslog_ng import syslog_ng

from .certificates import Authority
from .follower import Follower

pytestmark = pytest.mark.server

LINES = [f"Failed password for root from 192.0.2.{n % 250} port 40022 ssh2" for n in range(200)]


def listening(transport: str, **options: object) -> tuple[Follower, int]:
    source = open_source(SyslogConfig(transport, transport, "127.0.0.1:0", **options), {})  # type: ignore[arg-type]
    assert isinstance(source, TcpSource | UdpSource)
    return Follower(source), source.address[1]


def messages(f: Follower) -> list[object]:
    f.until(len(LINES))
    events = [parse(record, "syslog", Context()) for record in f.records]
    assert {(e.get("process.name"), e.get("process.pid"), e.get("user.name")) for e in events} == {
        ("sshd", 4711, "root")
    }
    assert f.source.counts.framing_faults == 0
    return [event.get("message") for event in events]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_syslog_ng_is_understood(transport: str) -> None:
    follower, port = listening(transport)
    with follower as f, syslog_ng(**{transport: port}) as sender:
        for line in LINES:
            sender.send(line)
        assert messages(f) == LINES


def test_syslog_ng_with_a_certificate_is_understood(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = map(Path, authority.issue("soc.example"))
    follower, port = listening("tls", certificate=certificate, key=key, client_ca=authority.file)
    with follower as f, syslog_ng(tls=port, files=Files(authority.file, *authority.issue("sender-01"))) as sender:
        for line in LINES:
            sender.send(line)
        assert messages(f) == LINES
    assert {record.peer for record in f.records} == {"127.0.0.1 CN=sender-01"}


@pytest.mark.parametrize("options", [["--udp"], ["--tcp"], ["--tcp", "--octet-count"]])
@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424"])
def test_logger_is_understood(options: list[str], form: str) -> None:
    if not shutil.which("logger"):
        assert os.environ.get("CI") != "true", "logger must be there in CI"
        pytest.skip("logger is not installed (Debian: apt-get install bsdutils)")
    follower, port = listening("udp" if "--udp" in options else "tcp")
    argv = [
        "logger",
        "--server",
        "127.0.0.1",
        "--port",
        str(port),
        *options,
        form,
        "--tag",
        "sshd",
        "--id=4711",
        "--priority",
        "auth.info",
    ]
    with follower as f:
        subprocess.run(argv, input="\n".join(LINES), text=True, check=True, timeout=20)
        assert messages(f) == LINES
