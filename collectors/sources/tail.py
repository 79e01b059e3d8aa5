"""One open text file in, its new lines out: `Tail`, which knows its file again whatever its name, and sees it truncated.

A file is recognised by content, as Filebeat's fingerprint does, and not by inode alone, which a file system gives away again at once:
by its first bytes (up to 1 KiB of those read so far, so a short file keeps its identity while it grows) and the last 256 before the
place that was reached.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from collectors.record import Mark, RawRecord
from collectors.sources import directives
from collectors.sources.lines import TAIL_BYTES, Continues, LineCutter

HEAD_BYTES = 1024
SURE_BYTES = 256
"""Two files that agree in so many first bytes are the same log: a line with its time stands among them."""
CHUNK_BYTES = 256 * 1024


def open_file(path: str) -> int:
    """A descriptor for reading that never blocks on a pipe. Raises: OSError."""
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def shown(path: str | Path) -> str:
    """A path as text that UTF-8 can hold: bytes of a name that are not text stand as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def stream_of(head: bytes, inode: int, before: str) -> str:
    """The id of a stream: from the first line (up to 1 KiB), the inode, and the stream that was truncated to make room for it."""
    first = head[:HEAD_BYTES].split(b"\n", 1)[0]
    return blake2b(f"{inode}\0{before}\0".encode() + first, digest_size=8).hexdigest()


def stands_in(mark: Mark, fd: int) -> bool:
    """Whether the marked beginning and the marked place are both in this file."""
    if os.fstat(fd).st_size < mark.offset:
        return False
    tail = os.pread(fd, mark.tail_bytes, mark.offset - mark.tail_bytes)
    return begins(mark, os.pread(fd, mark.head_bytes, 0)) and _digest(tail) == mark.tail


def begins(mark: Mark, head: bytes) -> bool:
    """Whether a file with these first bytes begins as the marked one."""
    return _digest(head[: mark.head_bytes]) == mark.head


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=8).digest()


class Tail:
    """Reads one file from a place on. Owns `fd`."""

    def __init__(
        self,
        fd: int,
        path: str,
        source: str,
        max_bytes: int,
        continues: Continues | None,
        *,
        before: str = "",
        header: bytes = b"",
        inode: int = 0,
    ) -> None:
        """`inode`: of the packed file, where `fd` is what it unpacked to."""
        self.fd = fd
        self.path = path
        self.stream = ""
        self.leave_at: float | None = None
        self.known_ns: int | None = None
        """Of a file that nothing was read of yet: what was written later under its name, beside it, may be a copy of what it held."""
        self.source = source
        self._max = max_bytes
        self._before = before
        self._position = 0
        self._head = b""
        self._continues = continues
        self._cutter = LineCutter(max_bytes, header=header, continues=continues)
        self._seen = (0, 0)
        self._read_at = 0.0
        status = os.fstat(fd)
        self.inode = inode or status.st_ino
        self.key = (status.st_dev, status.st_ino)

    def start_at(self, mark: Mark) -> None:
        """Go on where a mark says, in its stream; the mark must stand in this file."""
        self.stream = mark.stream
        self._begin(mark.offset, mark.index, mark.header)

    def start_at_end(self) -> None:
        """Give only what is written from now on; lines before it have no number, so the count begins here. Their directives hold."""
        size = os.fstat(self.fd).st_size
        self._begin(size, 0, self._header_before(size))
        self.stream = stream_of(self._head, self.inode, self._before)

    @property
    def offset(self) -> int:
        """The byte where the next record begins."""
        return self._cutter.offset

    @property
    def mtime_ns(self) -> int:
        """When the file was last written."""
        return os.fstat(self.fd).st_mtime_ns

    @property
    def untouched(self) -> bool:
        """Whether nothing was read yet, from the start of the file."""
        return self._position == 0

    @property
    def more(self) -> bool:
        """Whether there may be whole lines still to take."""
        return self._cutter.more

    @property
    def waits_since(self) -> float | None:
        """When (monotonic) lines were last added to a record that is still open; None where none is."""
        return self._read_at if self._cutter.waits else None

    @property
    def blank(self) -> int:
        """Lines without content so far."""
        return self._cutter.blank

    def truncated(self) -> bool:
        """Whether what was read stands no longer in the file: it was cut, or cut and written anew."""
        status = os.fstat(self.fd)
        seen = (status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return False
        self._seen = seen
        return status.st_size < self._position or not self._intact()

    def read(self) -> bool:
        """Take in one chunk; False when there is nothing new. There must not be `more` to take."""
        chunk = os.pread(self.fd, CHUNK_BYTES, self._position)
        if not chunk:
            return False
        if len(self._head) < HEAD_BYTES and self._position == len(self._head):
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._position += len(chunk)
        self._read_at = time.monotonic()
        self._cutter.feed(chunk)
        return True

    def sample(self, size: int) -> bytes:
        """The first bytes of the file."""
        return os.pread(self.fd, size, 0)

    def take(self, limit: int, received: datetime) -> list[RawRecord]:
        """Up to `limit` whole lines of what was read."""
        if not self.stream and (b"\n" in self._head or len(self._head) == HEAD_BYTES):
            self._named()
        return self._cutter.take(limit, self.source, shown(self.path), self.stream, received)

    def release(self, received: datetime) -> list[RawRecord]:
        """Lines whose record does not end, each as its own."""
        return self._cutter.release(self.source, shown(self.path), self.stream, received)

    def finish(self, received: datetime) -> list[RawRecord]:
        """The line at the end of a file to which nobody will add its newline."""
        return self._cutter.finish(self.source, shown(self.path), self._named(), received)

    def mark(self) -> Mark:
        """How far this file is given."""
        head, tail = self._head[: self.offset], self._cutter.tail
        return Mark(
            source=self.source,
            stream=self._named(),
            path=shown(self.path),
            offset=self.offset,
            index=self._cutter.index,
            inode=self.inode,
            head=_digest(head),
            head_bytes=len(head),
            tail=_digest(tail),
            tail_bytes=len(tail),
            header=self._cutter.header,
        )

    def begins_like(self, fd: int) -> bool:
        """Whether another file starts with the same bytes, enough of them to be sure."""
        return self.heads(os.pread(fd, HEAD_BYTES, 0))

    def heads(self, begin: bytes) -> bool:
        """As `begins_like`, of a file whose first bytes (HEAD_BYTES, if it has so many) are these."""
        return len(self._head) >= SURE_BYTES and begin.startswith(self._head)

    def renewed(self) -> Tail:
        """The same open file from its start, as another stream: it was truncated. Takes the descriptor over.

        Its writer goes on with the same columns unless it says others.
        """
        before, header = self._named(), self._cutter.header
        return Tail(self.fd, self.path, self.source, self._max, self._continues, before=before, header=header)

    def close(self) -> None:
        """Release the file."""
        os.close(self.fd)

    def _named(self) -> str:
        if not self.stream and self._head:
            self.stream = stream_of(self._head, self.inode, self._before)
        return self.stream

    def _header_before(self, end: int) -> bytes:
        """The directives that stand before a place of the file, which is read as far as there."""
        cutter = LineCutter(self._max)
        received = datetime.min.replace(tzinfo=UTC)  # of records that nobody gets
        at = 0
        while at < end and (chunk := os.pread(self.fd, min(CHUNK_BYTES, end - at), at)):
            at += len(chunk)
            if at == len(chunk) and not (chunk.startswith(b"#") or directives.first(chunk)):
                break
            cutter.feed(chunk)
            while cutter.more:
                cutter.take(1_000, self.source, "", "", received)
        return cutter.header

    def _begin(self, offset: int, index: int, header: bytes) -> None:
        self._head = os.pread(self.fd, min(HEAD_BYTES, offset), 0)
        size = min(TAIL_BYTES, offset)
        tail = os.pread(self.fd, size, offset - size)
        self._position = offset
        self._cutter = LineCutter(
            self._max, offset=offset, index=index, tail=tail, header=header, continues=self._continues
        )

    def _intact(self) -> bool:
        tail = self._cutter.tail
        return (
            os.pread(self.fd, len(self._head), 0) == self._head
            and os.pread(self.fd, len(tail), self.offset - len(tail)) == tail
        )
