"""Real journal files for tests, written by systemd-journal-remote from entries in the export format.

    write(folder / "system.journal", entry("Failed password for root from 192.0.2.7 port 40022 ssh2", SYSLOG_IDENTIFIER="sshd"))

Source of truth: systemd 252, "Journal Export Formats", systemd-journal-remote(8). Debian: systemd-journal-remote.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

REMOTE = Path("/lib/systemd/systemd-journal-remote")
BOOT = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
_numbers = itertools.count(1)


def needed() -> None:
    """Skip where systemd's tools are not here; in CI they must be."""
    if shutil.which("journalctl") and REMOTE.exists():
        return
    assert os.environ.get("CI") != "true", "journalctl and systemd-journal-remote must be there in CI"
    pytest.skip("no journalctl or systemd-journal-remote here")


def entry(message: str | bytes, **fields: str) -> bytes:
    """One entry, later than those before it. A message that is bytes, or has a newline, is written in the binary form."""
    number = next(_numbers)
    data = message if isinstance(message, bytes) else message.encode()
    text = {
        "__REALTIME_TIMESTAMP": str(1_795_316_400_000_000 + number * 1_000),
        "__MONOTONIC_TIMESTAMP": str(number * 1_000),
        "_BOOT_ID": BOOT,
        "_HOSTNAME": "web01",
        "SYSLOG_IDENTIFIER": "test",
        "PRIORITY": "6",
        **fields,
    }
    lines = "".join(f"{name}={value}\n" for name, value in text.items()).encode()
    return lines + b"MESSAGE\n" + len(data).to_bytes(8, "little") + data + b"\n\n"


def write(path: Path, *entries: bytes) -> None:
    """Append entries to a journal file, which is made where it is not there yet."""
    done = subprocess.run(
        [REMOTE, "-o", path, "-"], input=b"".join(entries), capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
