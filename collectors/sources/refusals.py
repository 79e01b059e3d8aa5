"""What a listener turned away in, one count of it and a line in the log now and then out: a flood of refusals must not flood the log."""

from __future__ import annotations

import logging
import time
from collections import Counter

from collectors.sources.source import Counts

log = logging.getLogger(__name__)

TOLD_EVERY_S = 60.0
"""Between two lines about the same reason."""


class Refusals:
    """Of one source. `reason`: constant words, of which there are few."""

    def __init__(self, source: str, counts: Counts) -> None:
        self._source = source
        self._counts = counts
        self._told_s: dict[str, float] = {}
        self._since: Counter[str] = Counter()

    def add(self, reason: str, peer: str, detail: str = "") -> None:
        """Count it, and tell it where that was not done lately; `count` in the log is of all since the last line, `detail` of this one."""
        self._counts.refused += 1
        self._tell(reason, peer, detail)

    def fault(self, reason: str, peer: str, detail: str) -> None:
        """The same of what could not be read."""
        self._counts.framing_faults += 1
        self._tell(reason, peer, detail)

    def _tell(self, reason: str, peer: str, detail: str) -> None:
        self._since[reason] += 1
        now = time.monotonic()
        if now - self._told_s.get(reason, -TOLD_EVERY_S) >= TOLD_EVERY_S:
            self._told_s[reason] = now
            count = self._since.pop(reason)
            facts = {"source": self._source, "reason": reason, "peer": peer, "count": count, "detail": detail}
            log.warning("refused", extra=facts)
