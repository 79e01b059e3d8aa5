"""The journal from an offset, for consumers that go on: a frame that the disk has damaged is told and passed over, never a full stop."""

from __future__ import annotations

import logging

from collectors.errors import DamagedFrameError
from collectors.event import Event
from collectors.journal import JournalReader

BATCH = 2_000
"""Events a step: enough to share work over, few enough for the processor's caches (5,000 take up to a third longer)."""

_log = logging.getLogger(__name__)


def next_batch(journal: JournalReader, offset: int, limit: int = BATCH) -> tuple[list[Event], int]:
    """Events from `offset` and where to read on; the same offset only at the end.

    Where events were damaged the list is empty and the offset behind them: the conservation fact then says how many went unevaluated.
    """
    try:
        return journal.read(offset, limit)
    except DamagedFrameError as error:
        _log.error(
            "events of the journal are damaged and passed over",
            extra={"from": offset, "to": error.next_offset, "error": str(error)},
        )
        return [], error.next_offset
