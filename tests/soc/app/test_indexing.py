"""The consumer that fills the event store takes what was acknowledged, in whatever order processes see it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from collectors.journal import JournalConfig, open_journal, open_reader
from soc.app.indexing import Indexing, LocalIndexer
from soc.metrics import Metrics
from soc.store.local_events import LocalEventStore
from tests.soc.store.material import event


def test_what_can_be_read_before_it_is_acknowledged_is_indexed_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(JournalConfig(tmp_path / "journal"))
    reader = open_reader(JournalConfig(tmp_path / "journal"))  # as the process beside has it
    store = LocalEventStore(tmp_path / "events", reader)
    indexing = Indexing(journal, LocalIndexer(reader, store), Metrics())
    journal.append([event(n) for n in range(3)], {}, ())
    seen: list[tuple[int, int]] = []
    synced = os.fdatasync

    def while_written(fd: int) -> None:
        synced(fd)
        if not seen:
            seen.append((reader.end(), indexing.step()))

    monkeypatch.setattr(os, "fdatasync", while_written)
    journal.append([event(n) for n in range(3, 8)], {}, ())
    assert seen == [(8, 3)]
    indexing.drain()
    assert (indexing.offset, store.count()) == (8, 8)
    indexing.close()
    store.close()
    journal.close()
