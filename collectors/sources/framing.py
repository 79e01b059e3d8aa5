"""Chunks of a TCP stream in, syslog messages out: both framings of RFC 6587, told apart message by message. No I/O.

    octet counting (§3.4.1):  14 <34>1 - - - - -     a count, one space, so many bytes
    newline (§3.4.2):         <34>Oct 11 22:14:15 host su: …\\n

A message that starts with a count, a space and "<" is octet-counted; once a connection has sent one, the "<" is not asked for any more.
Everything else ends at its newline. A count that nobody can mean (0, or beyond MAX_FRAME_BYTES) is a fault of framing.
"""

from __future__ import annotations

import re

import msgspec

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""The largest count that is believed: the bytes beyond the line limit are skipped, and a lie may cost only so much of its connection."""
_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_LIE = re.compile(rb"[0-9]{1,20} <")
_MAYBE_COUNT = re.compile(rb"[0-9]{1,9} ?\Z")
TRAILERS = b"\r\n\0"
_SPECIAL = frozenset({b"", b"\r", b"\0", *(b"%d" % digit for digit in range(10))})
"""How what may be a count, a trailer or an empty line begins."""
"""What senders put after a message without meaning it: NUL of a C string, a newline after a counted message."""


class Message(msgspec.Struct, frozen=True, gc=False):
    """One message without framing; `truncated`: how many of its bytes were cut off, or never came."""

    data: bytes
    truncated: int


class SyslogFramer:
    """Cuts the stream of one connection; holds at most two limits and a chunk. `faults`: counts that cannot be true or are not there."""

    def __init__(self, max_bytes: int) -> None:
        self.faults = 0
        self._max = max_bytes
        self._buffer = b""
        self._counted = False
        self._skip = 0
        self._long = b""
        self._cut = 0

    def feed(self, chunk: bytes) -> list[Message]:
        """Add what was received; gives the messages that are whole now. Empty lines are none."""
        data = self._buffer + chunk
        messages: list[Message] = []
        at = 0 if self._counted or self._skip or self._long else self._lines(data, messages)
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                following = at + step
            elif self._long:
                following = self._end_long(data, at, messages)
            elif data[at] in TRAILERS:
                following = at + 1
            else:
                following = self._message(data, at, messages)
            if following == at:
                break
            at = following
        self._buffer = data[at:]
        return messages

    def _lines(self, data: bytes, messages: list[Message]) -> int:
        """Take all whole lines at once where none of them needs a closer look; gives where they end."""
        end = data.rfind(b"\n") + 1
        if not end or (b"\r" in data and b"\r\n" in data) or (b"\0" in data and b"\0\n" in data):
            return 0
        lines = data[: end - 1].split(b"\n")
        if not _SPECIAL.isdisjoint([line[:1] for line in lines]) or len(max(lines, key=len)) > self._max:
            return 0
        messages += [Message(line, 0) for line in lines]
        return end

    def finish(self) -> list[Message]:
        """The connection is closed: the message that it left unfinished, if there is one."""
        data, self._buffer = self._buffer, b""
        if self._long:
            return [Message(self._long, self._cut)]
        if count := self._count(data, 0):
            start, size = count
            return [Message(data[start:], size - (len(data) - start))]
        return [_cut(data, self._max)] if data.strip(TRAILERS) else []

    def _message(self, data: bytes, at: int, messages: list[Message]) -> int:
        """Take the message that begins at `at`; gives where it ends, `at` itself when more bytes are needed."""
        if data[at] <= 0x39 and (len(data) - at < 11) and _MAYBE_COUNT.match(data, at):
            return at
        if self._counted and data.startswith(b"0 ", at):
            self.faults += 1
            return at + 2
        if count := self._count(data, at):
            start, size = count
            kept = min(size, self._max)
            if len(data) - start < kept:
                return at
            messages.append(Message(data[start : start + kept].rstrip(TRAILERS), size - kept))
            self._counted, self._skip = True, size - kept
            return start + kept
        end = data.find(b"\n", at)
        if end < 0 and len(data) - at <= self._max:
            return at
        if self._counted or _LIE.match(data, at):
            self.faults += 1
        if end >= 0:
            messages.append(_cut(data[at:end], self._max))
            return end + 1
        self._long, self._cut = data[at : at + self._max], len(data) - at - self._max
        return len(data)

    def _end_long(self, data: bytes, at: int, messages: list[Message]) -> int:
        """Pass over the rest of a line that is too long; it is given once its end is there."""
        end = data.find(b"\n", at)
        if end < 0:
            self._cut += len(data) - at
            return len(data)
        messages.append(Message(self._long, self._cut + end - at))
        self._long = b""
        return end + 1

    def _count(self, data: bytes, at: int) -> tuple[int, int] | None:
        """Where the message of a count begins, and its size; None where there is no count that can be believed."""
        match = _COUNT.match(data, at)
        if not match or not (self._counted or data.startswith(b"<", match.end())):
            return None
        size = int(match[1])
        return (match.end(), size) if size <= MAX_FRAME_BYTES else None


def _cut(line: bytes, longest: int) -> Message:
    """What is beyond the limit is cut as it came, trailers included: so the count is the same however the line was split."""
    return Message(line[:longest], len(line) - longest) if len(line) > longest else Message(line.rstrip(TRAILERS), 0)
