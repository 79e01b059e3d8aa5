"""A source driven by an intake that hesitates: its batches become durable when the test says so."""

from __future__ import annotations

import threading

from collectors.sources import Source


class Hesitant:
    """`taken`: what the intake has; `go_on.release()` makes one batch durable; `gives_up`: the intake ends instead."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.taken: list[bytes] = []
        self.go_on = threading.Semaphore(0)
        self.stop = threading.Event()
        self.gives_up = False
        self._thread = threading.Thread(target=self._drive)
        self._thread.start()

    def _drive(self) -> None:
        for batch in self.source.batches(self.stop):
            self.taken += [record.data for record in batch.records]
            self.go_on.acquire()
            if self.gives_up:
                break

    def end(self) -> None:
        """Stop as the app does."""
        self.stop.set()
        self.go_on.release(100)
        self._thread.join(5)
        self.source.close()
        assert not self._thread.is_alive()
