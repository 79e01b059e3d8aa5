"""Training of the log-on model on the site's journal; the training record is a ledger fact."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from collectors.event import Event
from collectors.journal import JournalReader
from iso27001.ledger import Fact
from soc.app.reading import next_batch
from soc.app.site import Site
from soc.detect.anomaly import TrainingRecord, train


def train_logon_model(site: Site, *, since: datetime | None, until: datetime | None, actor: str) -> TrainingRecord:
    """Train on events from `since` (inclusive) to `until` (exclusive). Raises: ModelError where there are too few log-ons."""
    now = site.clock()
    record = train(_events(site.journal_reader, since, until), site.model_path, now=now)
    site.ledger.append(
        [Fact(f"model.trained:{now.isoformat()}", "model.trained", now, actor, msgspec.to_builtins(record))]
    )
    return record


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
