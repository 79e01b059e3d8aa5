"""A small sender of Lumberjack version 2 frames, written from the protocol's description: what a Beat says, and what none would."""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Sequence


def window(events: int) -> bytes:
    """The frame that announces events."""
    return b"2W" + struct.pack(">I", events)


def event(number: int, data: bytes) -> bytes:
    """One event."""
    return b"2J" + struct.pack(">II", number, len(data)) + data


def packed(frames: bytes) -> bytes:
    """Frames in a compressed one."""
    data = zlib.compress(frames)
    return b"2C" + struct.pack(">I", len(data)) + data


class Beat:
    """One connection; sends windows and hears their acknowledgements."""

    def __init__(self, address: tuple[str, int], *, timeout_s: float = 10) -> None:
        self.socket = socket.create_connection(address, timeout=timeout_s)

    def send(self, events: Sequence[bytes], *, first: int = 1, compressed: bool = False) -> None:
        """A window of events."""
        body = b"".join(event(number, data) for number, data in enumerate(events, first))
        self.socket.sendall(window(len(events)) + (packed(body) if compressed else body))

    def acknowledged(self) -> int:
        """The next acknowledgement. Raises: EOFError where the connection ends, TimeoutError where nothing comes."""
        data = b""
        while len(data) < 6:
            part = self.socket.recv(6 - len(data))
            if not part:
                raise EOFError
            data += part
        assert data[:2] == b"2A"
        return int(struct.unpack(">I", data[2:])[0])

    def until(self, number: int) -> list[int]:
        """Acknowledgements up to the one of `number`."""
        found = [self.acknowledged()]
        while found[-1] < number:
            found.append(self.acknowledged())
        return found

    def close(self) -> None:
        """Leave."""
        self.socket.close()
