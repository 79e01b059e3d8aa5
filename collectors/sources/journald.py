"""systemd's journal in, one record an entry out, as `journalctl -o json` prints it.

    {"__CURSOR":"s=97a5;i=2;b=0f1e;m=7d0;t=660d;x=c3b3","__REALTIME_TIMESTAMP":"1795316401123456","SYSLOG_IDENTIFIER":"sudo","MESSAGE":"..."}

Delivery: exactly once as far as the journal keeps its entries: the cursor of the last one is journalled in the same frame as the records,
and reading goes on after it. What journald itself threw away meanwhile (`SystemMaxUse`, its rate limit) nobody can read. While nobody asks
for records journalctl waits at its pipe.

A child and not a library: journalctl reads every version and compression of journal files that its systemd writes, needs nothing to build
and keeps a broken file away from this process. Source of truth: systemd 252, journalctl(1), systemd.journal-fields(7) (`__CURSOR`). The
order of the fields in a line is journalctl's and changes between runs; an entry's place is the number that its cursor holds.
"""

from __future__ import annotations

import logging
import os
import re
import select
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from collectors.errors import SourceError
from collectors.record import Mark, Position, RawRecord
from collectors.sources.journald_config import JournaldConfig
from collectors.sources.lines import LineCutter
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

_CHUNK_BYTES = 256 * 1024
_LOOK_S = 0.1
_AGAIN_S = 1.0
"""Pause before a journalctl that ended is started again."""
_ANSWERS_S = 20.0
_AT_ONCE_S = 5.0
"""A journalctl that ends so soon, and without an entry, cannot read the journal at all."""
_SAID_BYTES = 2_048
"""What is kept of its complaints."""
_CURSOR = re.compile(rb'"__CURSOR"\s{0,2}:\s{0,2}"(s=([0-9a-f]{1,32});i=([0-9a-f]{1,15});[^"\\]{1,400})"').search
"""In any line: a quote within a text has a backslash before it, so no message can look like it."""

_log = logging.getLogger(__name__)


def asked(config: JournaldConfig) -> str:
    """What journalctl says against reading this journal, "" where nothing: that this user may not see everything, for one.

    Raises: SourceError where there is no journalctl, or it cannot read the journal at all.
    """
    where = [] if config.directory is None else [f"--directory={config.directory}"]
    try:
        done = subprocess.run(
            ["journalctl", "--lines=0", "--no-pager", *where],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=_ANSWERS_S, check=False,
        )  # fmt: skip
    except OSError as error:
        raise SourceError(f"journalctl cannot be started: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"journalctl does not answer within {_ANSWERS_S:.0f} s") from error
    words = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
    if done.returncode:
        raise SourceError(f"the journal cannot be read: journalctl: {words or f'ended with {done.returncode}'}")
    return words


class JournaldSource:
    """Reads the journal through a child, which is started again after the last cursor where it ends by itself."""

    def __init__(self, config: JournaldConfig, marks: Mapping[str, Mark]) -> None:
        self._config = config
        self._key = f"journald {config.id}"
        mark = marks.get(self._key)
        self._cursor = mark.tail.decode("ascii", "replace") if mark is not None else ""
        self._place = (mark.path, mark.offset) if mark is not None else ("", 0)
        self._child: subprocess.Popen[bytes] | None = None
        self._said = b""
        self.counts = Counts()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`, or the end of the journal where it is not followed. Raises: SourceError where it cannot be read."""
        if words := asked(self._config):
            _log.warning("journalctl has something to say", extra={"source": self.id, "words": words})
        while not stop.is_set():
            before, begun = self.counts.records, time.monotonic()
            child = self._start()
            yield from self._read(child, stop)
            code = self._end()
            if stop.is_set() or (code == 0 and not self._config.follow):
                return
            words = self._said.decode("utf-8", "replace").strip() or f"ended with {code}"
            if self.counts.records == before and time.monotonic() - begun < _AT_ONCE_S:
                raise SourceError(f"the journal cannot be read: journalctl: {words[:300]}")
            _log.warning("journalctl ended and is started again", extra={"source": self.id, "error": words[:300]})
            stop.wait(_AGAIN_S)

    def close(self) -> None:
        """End the child."""
        self._end()

    def _start(self) -> subprocess.Popen[bytes]:
        """Raises: SourceError where there is no journalctl."""
        try:
            self._child = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise SourceError(f"journalctl cannot be started: {error.strerror}") from error
        self._said = b""
        return self._child

    def _command(self) -> list[str]:
        config = self._config
        words = ["journalctl", "--output=json", "--all", "--quiet", "--no-pager"]
        if config.follow:
            words += ["--follow", "--no-tail"]
        if self._cursor:
            words.append(f"--after-cursor={self._cursor}")
        elif not config.from_start:
            words.append("--since=now")
        if config.directory is not None:
            words.append(f"--directory={config.directory}")
        return [*words, *(f"--unit={unit}" for unit in config.units)]

    def _read(self, child: subprocess.Popen[bytes], stop: threading.Event) -> Iterator[Batch]:
        """What the child prints, until it ends or `stop`; a line that it did not finish is not taken: it comes again."""
        assert child.stdout is not None
        assert child.stderr is not None
        pipes = [child.stdout.fileno(), child.stderr.fileno()]
        cutter = LineCutter(self._config.max_line_bytes)
        while pipes and not stop.is_set():
            for pipe in select.select(pipes, [], [], _LOOK_S)[0]:
                chunk = os.read(pipe, _CHUNK_BYTES)
                if not chunk:
                    pipes.remove(pipe)
                elif pipe == child.stderr.fileno():
                    self._said = (self._said + chunk)[-_SAID_BYTES:]
                else:
                    cutter.feed(chunk)
                    while cutter.more:
                        yield from self._batch(cutter.take(BATCH_RECORDS, self.id, "", "", _now()))

    def _batch(self, lines: Sequence[RawRecord]) -> Iterator[Batch]:
        if not lines:
            return
        records = [self._placed(line) for line in lines]
        self.counts.add(records)
        stream, number = self._place
        cursor = self._cursor.encode()
        mark = Mark(self.id, self._key, stream, number, number, tail=cursor, tail_bytes=len(cursor))
        yield Batch(records, {self._key: mark})

    def _placed(self, line: RawRecord) -> RawRecord:
        """The record where its cursor says that it stands; after the one before it where it was cut before its cursor."""
        found = _CURSOR(line.data)
        if found is not None:
            self._cursor = found[1].decode()
            self._place = (found[2].decode(), int(found[3], 16))
        stream, number = self._place
        return replace(line, position=Position("", stream, number, number))

    def _end(self) -> int:
        """End the child where it still runs; its exit code."""
        child, self._child = self._child, None
        if child is None:
            return 0
        if child.poll() is None:
            child.terminate()
        try:
            code = child.wait(2)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        for pipe in (child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()
        return code


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  sources say when a record was received
