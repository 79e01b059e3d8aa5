"""What many connections bring in, `Batch`es out; and who brought it hears when it is durable, which is when it may be acknowledged.

The connections live in one thread (`collectors.sources.connections`), the intake in another. Between them stands a queue of futures
(`concurrent.futures`): one that the intake has not begun may be withdrawn by its sender, one that it has begun may not.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future

from collectors.record import DeadLetter, Mark, RawRecord
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

_WAIT_S = 0.1

_NO_MARKS: Mapping[str, Mark] = {}

_Waiting = tuple[Future[bool], Sequence[RawRecord], Sequence[DeadLetter], Mapping[str, Mark]]


class Handover:
    """`put` is for the connections' thread, `batches` for the intake's."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._waiting: deque[_Waiting] = deque()
        self._arrived = threading.Event()
        self._begun_s: float | None = None

    def put(
        self, records: Sequence[RawRecord], dead: Sequence[DeadLetter] = (), marks: Mapping[str, Mark] = _NO_MARKS
    ) -> Future[bool]:
        """Queue what one sender brought; `marks` are journalled with the last of it. True once all of it is durable; False where the
        intake stopped before it was.
        """
        told: Future[bool] = Future()
        self._waiting.append((told, records, dead, marks))
        self._arrived.set()
        return told

    def stalled_s(self) -> float:
        """For how long the intake has been busy with the batch that it has: seconds while a disk is full, nearly nothing otherwise."""
        begun = self._begun_s
        return 0.0 if begun is None else time.monotonic() - begun

    def batches(self, *ends: threading.Event) -> Iterator[Batch]:
        """Batches until one of `ends` is set and nothing waits. What is asked for after a batch says that the batch is durable."""
        while True:
            stopping = any(end.is_set() for end in ends)
            taken = self._take()
            if taken:
                yield from self._hand_over(taken)
            elif stopping:
                return
            else:
                self._arrived.wait(_WAIT_S)
                self._arrived.clear()

    def _take(self) -> list[_Waiting]:
        """What waits, up to a batch; one that is larger by itself alone."""
        taken: list[_Waiting] = []
        count = 0
        while self._waiting and (not taken or count + len(self._waiting[0][1]) <= BATCH_RECORDS):
            waiting = self._waiting.popleft()
            if waiting[0].set_running_or_notify_cancel():
                taken.append(waiting)
                count += len(waiting[1])
        return taken

    def _hand_over(self, taken: Sequence[_Waiting]) -> Iterator[Batch]:
        records = [record for waiting in taken for record in waiting[1]]
        dead = [letter for waiting in taken for letter in waiting[2]]
        marks = {key: mark for waiting in taken for key, mark in waiting[3].items()}
        self._counts.add(records)
        self._counts.dead += len(dead)
        durable = False
        try:
            for start in range(0, len(records) or 1, BATCH_RECORDS):
                self._begun_s = time.monotonic()
                end = start + BATCH_RECORDS
                last = end >= len(records)
                if records or dead:
                    yield Batch(records[start:end], marks if last else {}, dead if last else ())
            durable = True
        finally:
            self._begun_s = None
            for told, *_ in taken:
                told.set_result(durable)
