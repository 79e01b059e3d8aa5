"""A real exporter of flows for tests: softflowd reads packets that the test wrote and sends NetFlow 5, 9 or IPFIX.

Debian: `softflowd`. Source of truth for the capture file: the libpcap file format (magic 0xA1B2C3D4, link type 1).
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

START_S = 1_795_330_800
"""2026-11-22T07:00:00Z."""


class Packet(NamedTuple):
    """One UDP packet over Ethernet; `size` bytes of content."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    size: int


def exported(packets: Sequence[Packet], port: int, version: Literal[5, 9, 10]) -> None:
    """Send the flows of the packets to a port of loopback; skips the test without softflowd, fails it where CI=true."""
    program = shutil.which("softflowd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        reason = "softflowd is not installed (Debian: apt-get install softflowd)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # it gives up its rights before it writes its number
        capture = folder / "packets.pcap"
        head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
        capture.write_bytes(head + b"".join(map(_written, range(len(packets)), packets)))
        argv = [program, "-d", "-r", str(capture), "-n", f"127.0.0.1:{port}", "-v", str(version)]
        argv += ["-c", "none", "-p", str(folder / "pid")]
        subprocess.run(argv, check=True, capture_output=True, timeout=30)


def _written(number: int, packet: Packet) -> bytes:
    """A packet of the capture file, 10 ms after the one before it."""
    source, destination = ip_address(packet.source), ip_address(packet.destination)
    content = struct.pack(">HHHH", packet.source_port, packet.destination_port, 8 + packet.size, 0) + b"x" * packet.size
    if source.version == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), number & 0xFFFF, 0, 64, 17, 0)
        frame = b"\x02\0\0\0\0\1" + b"\x02\0\0\0\0\2" + b"\x08\0" + head + source.packed + destination.packed + content
    else:
        head = struct.pack(">IHBB", 0x60000000, len(content), 17, 64)
        frame = (
            b"\x02\0\0\0\0\1" + b"\x02\0\0\0\0\2" + b"\x86\xdd" + head + source.packed + destination.packed + content
        )
    moment = number * 10_000
    return struct.pack("<IIII", START_S + moment // 1_000_000, moment % 1_000_000, len(frame), len(frame)) + frame
