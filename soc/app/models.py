"""The log-on model and the journal: training on it, whose record is a ledger fact, and what a model sees again when it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from collectors.event import Event
from collectors.journal import JournalReader
from iso27001.ledger import Fact
from soc.app.reading import BATCH, next_batch
from soc.app.site import Site
from soc.detect import Detector
from soc.detect.anomaly import TrainingRecord, train

_WARM_UP = 50_000
"""Events before the offset where it goes on that a model sees again."""


def train_logon_model(site: Site, *, since: datetime | None, until: datetime | None, actor: str) -> TrainingRecord:
    """Train on events from `since` (inclusive) to `until` (exclusive). Raises: ModelError where there are too few log-ons."""
    now = site.clock()
    record = train(_events(site.journal_reader, since, until), site.model_path, now=now)
    site.ledger.append(
        [Fact(f"model.trained:{now.isoformat()}", "model.trained", now, actor, msgspec.to_builtins(record))]
    )
    return record


def warm_up(models: Sequence[Detector], journal: JournalReader, to: int) -> None:
    """Have models see again what came last before an offset of the journal; what they find there was told then."""
    offset = max(journal.start(), to - _WARM_UP) if models else to
    while offset < to:
        events, offset = next_batch(journal, offset, min(BATCH, to - offset))
        for model in models:
            model.detect(events)


def _events(journal: JournalReader, since: datetime | None, until: datetime | None) -> Iterator[Event]:
    offset = journal.start()
    while True:
        events, following = next_batch(journal, offset)
        if following == offset:
            return
        for event in events:
            if (since is None or event.time >= since) and (until is None or event.time < until):
                yield event
        offset = following
