"""The collecting half: what a source gives is journalled whole or not acknowledged, and no line speaks in the SOC's name."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collectors import intake
from collectors.choosing import AUTO, ChoosingParser
from collectors.errors import JournalError
from collectors.event import Event
from collectors.intake import Intake, Taken
from collectors.journal import JournalConfig, open_journal
from collectors.journal.local import LocalJournal
from collectors.parse import Context
from collectors.record import DeadLetter, Mark, Position, RawRecord
from collectors.sources import Batch, Counts

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def records(stream: str, *lines: bytes) -> list[RawRecord]:
    return [RawRecord(line, "s", Position(f"{stream}.log", stream, i, i + 1), NOW) for i, line in enumerate(lines)]


class Listed:
    """A source of batches that are there already."""

    def __init__(self, *batches: Batch) -> None:
        self.id = "s"
        self.counts = Counts()
        self.closed = False
        self._batches = batches

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        for batch in self._batches:
            if stop.is_set():
                return
            yield batch

    def close(self) -> None:
        self.closed = True


class FullDisk(LocalJournal):
    """The real journal on a disk that is full for the first appends."""

    refuse = 2

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        if self.refuse:
            self.refuse -= 1
            raise JournalError("No space left on device")
        return super().append(events, marks, dead)


def test_every_record_is_an_event_or_a_dead_letter(tmp_path: Path) -> None:
    taken: list[Taken] = []
    batch = Batch(records("a", b"2026-10-14T03:00:00+07:00 jump-01 sshd[1]: hello", b"no header"))
    journal = open_journal(JournalConfig(tmp_path / "j"))
    source = Listed(batch)
    Intake(source, ChoosingParser("rfc3164", Context()), list, journal, taken.append).run(threading.Event())
    assert (journal.end(), journal.dead_end()) == (1, 1)
    journal.close()
    assert taken == [Taken("s", 2, 1, 1, 0, following=1)]
    assert source.closed


def test_a_full_disk_holds_the_source_up_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "RETRY_S", 0.01)
    journal = FullDisk(JournalConfig(tmp_path / "j"))
    batches = [Batch(records(f"f{i}", b"2026-10-14T03:00:00+07:00 h p[1]: x")) for i in range(3)]
    Intake(Listed(*batches), ChoosingParser(AUTO, Context()), list, journal, lambda _: None).run(threading.Event())
    assert journal.end() == 3
    journal.close()


def test_a_batch_that_the_disk_refused_until_the_stop_is_not_acknowledged(tmp_path: Path) -> None:
    journal = FullDisk(JournalConfig(tmp_path / "j"))
    journal.refuse = 1_000
    stop = threading.Event()
    asked: list[int] = []

    class Asked(Listed):
        def batches(self, stop: threading.Event) -> Iterator[Batch]:
            asked.append(1)
            yield Batch(records("a", b"2026-10-14T03:00:00+07:00 h p[1]: x"))
            asked.append(2)

    threading.Timer(0.1, stop.set).start()
    Intake(Asked(), ChoosingParser(AUTO, Context()), list, journal, lambda _: None).run(stop)
    assert asked == [1]
    journal.close()


def test_each_stream_has_the_format_that_its_first_records_show() -> None:
    parser = ChoosingParser(AUTO, Context())
    mixed = (
        records("a", b"2026-10-14T03:00:00+07:00 h sshd[1]: x")
        + records("b", b'{"event.action": "view"}')
        + records("c", b"?")
    )
    events, dead = parser.parse(mixed)
    assert [event.fields["event.dataset"] for event in events] == ["sshd", "json"]
    assert [letter.format for letter in dead] == [AUTO]


def test_no_line_of_a_source_speaks_in_the_name_of_the_soc() -> None:
    [event], _ = ChoosingParser("json", Context()).parse(
        records("a", b'{"event.dataset": "soc.audit", "event.action": "conservation-mismatch"}')
    )
    assert event.fields["event.dataset"] == "json"
    assert event.fields["producer.event.dataset"] == "soc.audit"
