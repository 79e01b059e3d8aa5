"""Parts in, sealed segments out, beside what writes parts: native code does most of it without the interpreter's lock, so nothing waits."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from soc.store.segments.files import DamagedFileError, Part
from soc.store.segments.writing import seal

_log = logging.getLogger(__name__)


class Sealer:
    """Seals one segment after the other. What a crash leaves unsealed is sealed by the next writer: until then its parts answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pool = ThreadPoolExecutor(1, "seal")
        self._last: Future[None] | None = None

    def seal(self, parts: Sequence[Part]) -> None:
        """Begin; the segment before is waited for. Raises: OSError, what that failed with."""
        self.wait()
        self._last = self._pool.submit(self._seal, parts)

    def _seal(self, parts: Sequence[Part]) -> None:
        try:
            seal(self._folder, parts)
        except DamagedFileError as error:  # the journal answers in their place
            _log.error("parts of the event store are damaged and stay as they are", extra={"error": str(error)})

    def wait(self) -> None:
        """Until what was begun is sealed. Raises: OSError."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def close(self) -> None:
        """Wait, and let go of the thread; what could not be sealed is told, and stays for the next writer."""
        self._pool.shutdown()
        failed = self._last.exception() if self._last is not None else None
        if failed is not None:
            _log.error("parts could not be sealed; the next writer tries again", exc_info=failed)
