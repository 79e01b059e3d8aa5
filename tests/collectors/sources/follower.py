"""A source driven as the app drives it, in a thread; what it gave is there to look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from collectors.record import DeadLetter, Mark, RawRecord
from collectors.sources import Batch, Source


class Follower:
    """Drives a source from entering to leaving the block; leaving stops it as the app does."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.batches: list[Batch] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._drive)

    def _drive(self) -> None:
        for batch in self.source.batches(self._stop):
            self.batches.append(batch)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)
        self.source.close()
        assert not self._thread.is_alive()

    @property
    def records(self) -> list[RawRecord]:
        return [record for batch in list(self.batches) for record in batch.records]

    @property
    def lines(self) -> list[bytes]:
        return [record.data for record in self.records]

    @property
    def dead(self) -> list[DeadLetter]:
        return [letter for batch in list(self.batches) for letter in batch.dead]

    @property
    def marks(self) -> dict[str, Mark]:
        """As the journal would hold them."""
        marks: dict[str, Mark | None] = {}
        for batch in list(self.batches):
            marks.update(batch.marks)
        return {key: mark for key, mark in marks.items() if mark is not None}

    def until(self, count: int) -> list[bytes]:
        """The lines once there are so many (or ten seconds have passed)."""
        self.when(lambda: len(self.records) >= count)
        return self.lines

    @staticmethod
    def when(true: Callable[[], bool], timeout_s: float = 10) -> bool:
        end = time.monotonic() + timeout_s
        while not true():
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True
