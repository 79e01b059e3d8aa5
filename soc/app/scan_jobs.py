"""Pieces of files in, what their detections show out, in the order of the pieces, found by several processes.

The processes are forked when everything is loaded. Each asks for one task (neighbouring pieces) after the other and tells what it
found as it goes; the parent gives it on in the order of the tasks, so that the output is the same for any number of processes. Events
that feed correlations come with it: the parent numbers them as one process would, and correlates when all is read.
A process that dies takes its task with it: the files are listed as not read, another process takes its place, and the rest goes on.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from collectors.event import Event
from collectors.record import DeadLetter
from collectors.sources import Part
from soc.app.scan import MAX_DEAD_KEPT, Piece, Scan, Summary, named
from soc.detect.correlation.recall import MAX_BYTES
from soc.detect.ruleset import Base

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

SMALL_BYTES = 32 << 20
"""Less than this one process reads by itself: starting others and looking at each kind of event anew in them takes as long."""
TASK_BYTES = 8 << 20
"""What one process reads at a time: enough to be worth a message, little enough that all have work to the end."""
_LEAVE_S = 5
"""A process that was told to end is given, before it is killed."""
_AHEAD = 3
"""Tasks a process may be ahead of the one whose output is due; what they found waits in memory."""
_SENT = 500
"""Detections and events in one message."""


class _Fed(msgspec.Struct):
    """A `Base`, numbered within its task."""

    number: int
    event: Event
    fired: list[int]
    routes: dict[int, int]


class _Told(msgspec.Struct, array_like=True):
    """A message of a process: what was found since the last one, in order; `events`: of the task so far; `summary` with its last."""

    read_bytes: int
    found: list[list[str] | _Fed]
    events: int = 0
    newest: datetime | None = None
    summary: _Counts | None = None


class _Counts(msgspec.Struct, array_like=True):
    files: int
    events: int
    detections: dict[str, int]
    refused: dict[str, int]
    unreadable: list[tuple[str, str]]
    dead: list[DeadLetter]
    hidden: int
    matched: list[tuple[str, str, int]]
    slow: dict[str, str]
    left_out: dict[str, str]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Told).decode
_Task = list[tuple[bytes, tuple[int, int, int] | None]]
_decode_task = msgspec.msgpack.Decoder(_Task).decode


def jobs_for(total_bytes: int) -> int:
    """How many processes are worth it: one for each core; one for little input, and where processes cannot fork."""
    if total_bytes < SMALL_BYTES:
        return 1
    import multiprocessing

    if "fork" not in multiprocessing.get_all_start_methods():
        return 1
    return len(os.sched_getaffinity(0))


def hunt(
    scan: Scan[list[str]],
    files: Sequence[Path],
    now: datetime,
    progress: Callable[[int], None],
    total_bytes: int,
    jobs: int | None = None,
) -> Iterator[list[str]]:
    """`Scan.run` over whole files to the end, in as many processes as asked for (or worth it) and memory allows; `scan.summary` is filled.

    To be called before there are any threads.
    """
    kept = MAX_BYTES if scan.rules.correlates else 0
    wanted = min(jobs or jobs_for(total_bytes), max(1, (scan.memory_bytes - kept) // scan.process_bytes))
    if wanted == 1:
        yield from scan.run(map(Piece, files), now, progress)
    else:
        pieces = (piece for path in files for piece in scan.pieces(path, TASK_BYTES))
        with _Crew(scan, now, wanted) as crew:
            yield from crew.work(_tasks(pieces), progress)
    yield from scan.finish()


def _tasks(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Neighbouring pieces, together about as large as a task."""
    task: list[Piece] = []
    size = 0
    for piece in pieces:
        task.append(piece)
        size += piece.size_bytes
        if size >= TASK_BYTES:
            yield task
            task, size = [], 0
    if task:
        yield task


@dataclass(slots=True)
class _Given:
    """A task that a process works on or has done: what it found and nobody has taken yet."""

    pieces: list[Piece]
    found: deque[list[str] | _Fed] = field(default_factory=deque)
    read_bytes: int = 0
    events: int = 0
    over: bool = False


@dataclass(slots=True)
class _Worker:
    process: ForkProcess
    ends: Connection
    task: _Given | None = None


class _Crew:
    """The processes of one scan; none is left when it is closed, however that comes about."""

    def __init__(self, scan: Scan[list[str]], now: datetime, jobs: int) -> None:
        self._scan = scan
        self._now = now
        self._jobs = jobs
        self._workers: list[_Worker] = []
        self._events_before = 0
        """Events of the tasks before the one whose output is due."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.process.terminate()
            worker.ends.close()  # one that has only begun may not have heard the signal: it sees this
        for worker in self._workers:
            worker.process.join(_LEAVE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()

    def work(self, tasks: Iterator[list[Piece]], progress: Callable[[int], None]) -> Iterator[list[str]]:
        """Give out the tasks, and what they show in their order."""
        from multiprocessing.connection import wait

        order: deque[_Given] = deque()
        more = True
        while True:
            while more and len(order) < self._jobs * _AHEAD and (worker := self._idle()) is not None:
                pieces = next(tasks, None)
                if pieces is None:
                    more = False
                    break
                worker.task = _Given(pieces)
                order.append(worker.task)
                self._send(worker, pieces)
            while order:
                yield from self._drained(order[0].found)
                if not order[0].over:
                    break
                self._events_before += order.popleft().events
            busy = [worker for worker in self._workers if worker.task is not None]
            if not busy and not more:
                return
            if not busy:
                continue  # all that was ahead was done: there is room again
            for ready in wait([worker.ends for worker in busy]):
                self._hear(next(worker for worker in busy if worker.ends is ready), progress)

    def _drained(self, found: deque[list[str] | _Fed]) -> Iterator[list[str]]:
        while found:
            one = found.popleft()
            if isinstance(one, _Fed):
                yield from self._scan.take(Base(self._events_before + one.number, one.event, one.fired, one.routes))
            else:
                yield one

    def _idle(self) -> _Worker | None:
        """A process without a task, a new one while there are fewer than there may be."""
        for worker in self._workers:
            if worker.task is None:
                return worker
        if len(self._workers) >= self._jobs:
            return None
        import multiprocessing

        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        others = [worker.ends for worker in self._workers]
        process = context.Process(target=_serve, args=(self._scan, self._now, theirs, [*others, ours]), daemon=True)
        process.start()
        theirs.close()
        self._workers.append(worker := _Worker(process, ours))
        return worker

    def _send(self, worker: _Worker, pieces: list[Piece]) -> None:
        task: _Task = [
            (os.fsencode(p.path), None if p.part is None else (p.part.start, p.part.end, p.part.lines_before))
            for p in pieces
        ]
        try:
            worker.ends.send_bytes(_encode(task))
        except OSError:  # it died while it was idle: the next `_hear` finds its end closed
            return

    def _hear(self, worker: _Worker, progress: Callable[[int], None]) -> None:
        task = worker.task
        assert task is not None, "only busy processes are listened to"
        try:
            told = _decode(worker.ends.recv_bytes())
        except (EOFError, OSError):
            self._buried(worker, task, progress)
            return
        task.found.extend(told.found)
        task.read_bytes += told.read_bytes
        task.events = told.events
        progress(told.read_bytes)
        if told.newest is not None:
            self._scan.rules.went_on_until(told.newest)
        if told.summary is not None:
            _add(self._scan.summary, told.summary)
            task.over, worker.task = True, None

    def _buried(self, worker: _Worker, task: _Given, progress: Callable[[int], None]) -> None:
        """A process is dead: what it worked on was not read, or not to the end."""
        worker.process.join()
        worker.ends.close()
        self._workers.remove(worker)
        code = worker.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        for piece in task.pieces:
            place = f" (bytes {piece.part.start:,} to {piece.part.end:,})" if piece.part is not None else ""
            why = f"the process that read it died of {how}; what it found in it may be incomplete"
            self._scan.summary.unreadable.append((f"{named(piece.path)}{place}", why))
        progress(max(0, sum(piece.size_bytes for piece in task.pieces) - task.read_bytes))
        task.over = True


def _add(summary: Summary, counts: _Counts) -> None:
    summary.files += counts.files
    summary.events += counts.events
    summary.detections.update(counts.detections)
    summary.refused.update(counts.refused)
    summary.unreadable += counts.unreadable
    summary.hidden += counts.hidden
    summary.slow |= counts.slow
    summary.left_out |= counts.left_out
    for value, feed, events in counts.matched:
        summary.matched[value, feed] += events
    summary.dead += counts.dead[: MAX_DEAD_KEPT - len(summary.dead)]


def _serve(scan: Scan[list[str]], now: datetime, ends: Connection, parents: Sequence[Connection]) -> None:
    """The life of a process: tasks, until the parent closes its end or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C too, and ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever the parent does with its own
    for other in parents:
        other.close()  # else nobody would ever see the parent's end closed
    try:
        while True:
            pieces = [
                Piece(Path(os.fsdecode(path)), None if part is None else Part(*part))
                for path, part in _decode_task(ends.recv_bytes())
            ]
            _work(scan, pieces, now, ends)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _work(scan: Scan[list[str]], pieces: Sequence[Piece], now: datetime, ends: Connection) -> None:
    scan.summary = summary = Summary()
    told = _Told(0, [])

    def progress(read_bytes: int) -> None:
        told.read_bytes += read_bytes

    def tell() -> None:
        told.events, told.newest = summary.events, scan.rules.newest
        ends.send_bytes(_encode(told))
        told.read_bytes, told.found = 0, []

    def add(found: list[str] | _Fed) -> None:
        told.found.append(found)
        if len(told.found) >= _SENT:
            tell()

    def hand_on(base: Base) -> None:
        fired = list(base.fired)
        add(_Fed(base.number, base.event, fired, {rule: base.routes[rule] for rule in fired}))

    scan.hand_on = hand_on
    for shown in scan.run(pieces, now, progress):
        add(shown)
    told.summary = _Counts(
        summary.files,
        summary.events,
        dict(summary.detections),
        dict(summary.refused),
        summary.unreadable,
        summary.dead,
        summary.hidden,
        [(*key, events) for key, events in summary.matched.items()],
        summary.slow,
        summary.left_out,
    )
    tell()
