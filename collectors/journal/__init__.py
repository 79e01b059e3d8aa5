"""Batches of `Event` in, durable offsets out: the port of the journal, the log of what machines said.

An event's offset is its ordinal number in the journal, from 0. One `append` is one atomic transaction: the events, the marks of the
sources that they came from and the dead letters of the same batch are either all there after a crash, or none is. So a source that
resumes from `marks()` loses nothing and repeats nothing. Two implementations of the port: local segments (`collectors.journal.local`)
and Kafka. tests/collectors/journal holds the contract.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from collectors.event import Event
from collectors.record import DeadLetter, Mark

if TYPE_CHECKING:
    from collectors.journal.kafka_config import KafkaJournalConfig


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """`path`: the directory of the segments, created when absent. `segment_bytes`: where a segment ends and the next begins.

    64 MiB: recovery after a crash reads the last segment whole, which then costs 0.1 s.
    """

    path: Path
    segment_bytes: int = 64 * 1024 * 1024


class JournalReader(Protocol):
    """What every process may do with a journal, also while another one writes it. Safe to call from several threads."""

    def start(self) -> int:
        """The lowest offset that can be read."""
        ...

    def end(self) -> int:
        """The offset that the next event will have: every event below it is durable."""
        ...

    def read(self, offset: int, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events from `offset` in order, and where to read on; nothing and `offset` itself at the end.

        Raises: DamagedFrameError where events were damaged on disk (never skipped in silence), JournalError.
        """
        ...

    def fetch(self, offset: int) -> Event:
        """The one event at `offset`. Raises: JournalError when there is none, DamagedFrameError."""
        ...

    def dead_letters(self, offset: int, limit: int) -> tuple[list[DeadLetter], int]:
        """As `read`, for dead letters, which have offsets of their own."""
        ...

    def dead_start(self) -> int:
        """The lowest offset of a dead letter that can be read."""
        ...

    def dead_end(self) -> int:
        """The offset that the next dead letter will have."""
        ...

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten, as durable as the events before it."""
        ...

    def committed(self, consumer: str) -> int:
        """Where this consumer goes on reading; `start()` for one that never committed."""
        ...

    def wait(self, offset: int, timeout_s: float) -> bool:
        """Block until there is an event at `offset`; False when the time is over or the journal is closed."""
        ...

    def close(self) -> None:
        """Release files and waiters; a second time changes nothing."""
        ...


class JournalWriter(Protocol):
    """What an intake asks of a journal, also from a process that is not the one that writes its files."""

    def marks(self) -> dict[str, Mark]:
        """The last mark under every key that was not forgotten, as durable as the events before it."""
        ...

    def append(self, events: Sequence[Event], marks: Mapping[str, Mark | None], dead: Sequence[DeadLetter]) -> int:
        """Write one transaction; returns the next offset once it is durable. A mark of None forgets that key.

        An event that cannot be written at all (a lone surrogate, an integer beyond 64 bits) becomes a dead letter of the same
        transaction, so the result minus `end()` before counts what was journalled. Raises: JournalError (a full disk); then nothing
        of the batch is in the journal and the same call is worth a retry.
        """
        ...


class Journal(JournalReader, JournalWriter, Protocol):
    """The one writer of a journal, which may read it as well."""

    def append_packed(self, content: bytes, events: int, dead: int, marks: Mapping[str, Mark | None]) -> int:
        """As `append`, of a transaction that another process packed (`packing.pack`): so many events and dead letters, and these marks."""
        ...

    def commit(self, consumer: str, offset: int) -> None:
        """Remember that `consumer` is done with everything below `offset`; survives a crash. Raises: JournalError."""
        ...


def open_journal(config: JournalConfig | KafkaJournalConfig, lock: Path | None = None) -> Journal:
    """The journal, for its one writer. Raises: JournalError when another process writes it, or its files are not ours.

    On Kafka the newest writer is the one, and the one before is refused from then on; `lock`: a folder that only one on this machine holds.
    """
    if not isinstance(config, JournalConfig):
        from collectors.journal.kafka import KafkaJournal

        return KafkaJournal(config, lock)
    from collectors.journal.local import LocalJournal

    return LocalJournal(config)


def open_reader(config: JournalConfig | KafkaJournalConfig) -> JournalReader:
    """The journal for reading only, from any process. Raises: JournalError when there is none."""
    if not isinstance(config, JournalConfig):
        from collectors.journal.kafka_reader import KafkaReader

        return KafkaReader(config)
    from collectors.journal.reader import LocalReader

    return LocalReader(config.path)


def writer_of(folder: Path) -> int:
    """The process that writes the journal of this folder now; 0 where none does."""
    from collectors.journal.lock import writer

    return writer(folder)
