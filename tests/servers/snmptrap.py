"""A real agent's notifications for tests: Net-SNMP's snmptrap sends traps and informs to a port of loopback. Debian: `snmp`."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest

V2C = ("-v2c", "-c", "province")
"""How most devices are set up."""


def start(port: int, options: Sequence[str], *said: str) -> subprocess.Popen[bytes]:
    """`said`: the trap's OID, then name, type and value of each varbind. Skips the test without snmptrap, fails it where CI=true."""
    program = shutil.which("snmptrap")
    if program is None:
        reason = "snmptrap is not installed (Debian: apt-get install snmp)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    argv = [program, "-m", "", "-t", "1", "-r", "4", *options, f"127.0.0.1:{port}", "8640001", *said]
    return subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={"SNMPCONFPATH": "/nonexistent"}
    )


def send(port: int, options: Sequence[str], *said: str) -> None:
    """A trap is sent; raises where snmptrap fails."""
    process = start(port, options, *said)
    told, _ = process.communicate(timeout=30)
    assert process.returncode == 0, told
