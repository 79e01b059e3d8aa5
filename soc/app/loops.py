"""The loops of a running process: threads whose faults end the program in the open, consumers that step while there is something."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from collectors.errors import JournalError
from iso27001.errors import IsoError
from soc.errors import SocError, UnreachableError
from soc.metrics import Metrics

RETRY_S = 2.0
"""Pause before a store that did not answer is asked again."""

IDLE_S = 0.5
"""How long a consumer waits for new events before it looks whether it shall stop; it wakes at once when one comes."""

_log = logging.getLogger(__name__)


class Consumer(Protocol):
    """Takes the journal on in batches."""

    offset: int

    def step(self) -> int:
        """Take the next batch; how many offsets it had. Raises: JournalError, IsoError, SocError; the batch is then worth a retry."""
        ...


class Loops:
    """Of one process. `failed`: what went wrong, in words; `broken`: set when a loop failed, so that whoever runs this stops it."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self.failed: list[str] = []
        self.broken = threading.Event()

    def thread(self, name: str, target: Callable[..., None], *arguments: object) -> threading.Thread:
        """A loop, to be started."""
        return threading.Thread(name=name, target=self._guarded, args=(name, target, *arguments), daemon=True)

    def _guarded(self, name: str, target: Callable[..., None], *arguments: object) -> None:
        """The outermost loop of a thread: a fault of ours must end the program in the open, never one thread in silence."""
        try:
            target(*arguments)
        except Exception as error:
            self.failed.append(f"{name}: {type(error).__name__}: {error}")
            _log.exception("a loop of the program failed; it stops", extra={"loop": name})
            self.broken.set()

    def consume(
        self,
        consumer: Consumer,
        every_s: float,
        full: int,
        over: threading.Event,
        wait: Callable[[int, float], object],
    ) -> None:
        """Step while there are events, `every_s` apart where batches are not `full`; when it is `over`, leave where nothing is left.

        `wait`: for an event at an offset, so long.
        """
        while True:
            began = time.monotonic()
            try:
                if taken := consumer.step():
                    if taken < full:
                        over.wait(began + every_s - time.monotonic())
                    continue
                if over.is_set():
                    return
                wait(consumer.offset, IDLE_S)
            except UnreachableError as error:
                self._metrics.unreachable.inc()
                _log.warning("a store does not answer; nothing is lost, trying again", extra={"error": str(error)})
                if over.wait(RETRY_S):
                    return
            except (JournalError, IsoError, SocError) as error:
                _log.error("a batch could not be taken; trying again", extra={"error": str(error)})
                if over.wait(RETRY_S):
                    return
