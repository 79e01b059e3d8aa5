"""Chunks of a RELP connection in, its commands out, and answers as bytes. No I/O.

    3 syslog 27 <34>1 - host su - - - hello\\n     transaction number, command, size of the data, the data, LF
    3 rsp 6 200 OK\\n                              the answer to it

Source of truth: the RELP specification 0.0.1 ("RELP frame", "Command semantics"), and librelp 1.11 where the two differ: data of no
bytes has no space before its LF, and the version that is spoken is 0.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.sources.framing import MAX_FRAME_BYTES

_HEAD = re.compile(rb"([0-9]{1,9}) ([A-Za-z]{1,32}) ([0-9]{1,9})(?=[ \n])")
_HEAD_BYTES = 9 + 1 + 32 + 1 + 9 + 1
"""The longest head with the byte after it: whoever sends so much without one does not speak RELP."""


class Command(NamedTuple):
    """One frame. `truncated`: bytes of `data` beyond the limit that were passed over."""

    txnr: int
    name: bytes
    data: bytes
    truncated: int


class RelpFramer:
    """Cuts the stream of one connection; holds at most a frame's limit and a chunk. `broken`: why it cannot be read on, "" while it can."""

    def __init__(self, max_bytes: int) -> None:
        self.broken = ""
        self._max = max_bytes
        self._buffer = b""
        self._long: Command | None = None
        self._skip = 0

    def feed(self, chunk: bytes) -> list[Command]:
        """Add what was received; gives the frames that are whole now, those before a fault included."""
        commands: list[Command] = []
        data = self._buffer + chunk if self._buffer else chunk
        at = 0
        while at < len(data) and not self.broken:
            following = self._rest(data, at, commands) if self._long else self._frame(data, at, commands)
            if following == at:
                break
            at = following
        self._buffer = b"" if self.broken else data[at:]
        return commands

    def _frame(self, data: bytes, at: int, commands: list[Command]) -> int:
        """Take the frame that begins at `at`; gives where it ends, `at` itself when more bytes are needed."""
        head = _HEAD.match(data, at)
        if head is None:
            if len(data) - at >= _HEAD_BYTES or not _may_become_head(data[at:]):
                self.broken = "no RELP frame"
            return at
        txnr, name, size = int(head[1]), head[2], int(head[3])
        if size > MAX_FRAME_BYTES:
            self.broken = f"a frame of {size} bytes"
            return at
        start = head.end() + 1 if size else head.end()
        if size and data[head.end()] != 0x20:
            self.broken = "a frame without the data that it tells of"
            return at
        kept = min(size, self._max)
        if kept < size:
            if len(data) - start < kept:
                return at
            self._long, self._skip = Command(txnr, name, data[start : start + kept], size - kept), size - kept
            return start + kept
        end = start + size
        if len(data) <= end:
            return at
        if data[end] != 0x0A:
            self.broken = "a frame that does not end where it says"
            return at
        commands.append(Command(txnr, name, data[start:end], 0))
        return end + 1

    def _rest(self, data: bytes, at: int, commands: list[Command]) -> int:
        """Pass over what is beyond the limit; the frame is given once its end is there."""
        step = min(self._skip, len(data) - at)
        self._skip -= step
        at += step
        if self._skip or at == len(data):
            return at
        if data[at] != 0x0A:
            self.broken = "a frame that does not end where it says"
            return at
        assert self._long is not None
        commands.append(self._long)
        self._long = None
        return at + 1


_PARTIAL_HEAD = re.compile(rb"[0-9]{1,9}(?: (?:[A-Za-z]{1,32}(?: (?:[0-9]{1,9})?)?)?)?\Z")


def _may_become_head(data: bytes) -> bool:
    return _PARTIAL_HEAD.match(data) is not None


def answer(txnr: int, text: bytes = b"200 OK") -> bytes:
    """The response to the command of this number: a code, words, and after a line feed what the command asks for."""
    return b"%d rsp %d %b\n" % (txnr, len(text), text)


def opened(offers: bytes) -> bytes:
    """What is said to an `open`: the version that the client offers (0 or 1, the same on the wire) and the one command there is."""
    version = b"1" if re.search(rb"^relp_version=1\b", offers, re.MULTILINE) else b"0"
    return b"200 OK\nrelp_version=" + version + b"\nrelp_software=soc-toolkit\ncommands=syslog"


SERVER_CLOSE = b"0 serverclose 0\n"
"""The hint that no more is read: the client opens a new connection instead of waiting for answers."""
