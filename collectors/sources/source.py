"""The port of the sources: `Source` gives `Batch`es of `RawRecord` until it is told to stop."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from collectors.record import DeadLetter, Mark, RawRecord

BATCH_RECORDS = 5_000
"""The most records in one batch: beyond 100,000 live dicts the garbage collector halves the rate of the parsers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a source hands over at once. Journal `records` (parsed), `dead` and `marks` in one append, and nothing is lost or repeated.

    `marks`: how far each stream is read once this batch is durable; None forgets a stream that is over. `read_bytes` of
    `total_bytes`: progress through a file that is read once; 0 where that has no meaning.
    """

    records: Sequence[RawRecord] = ()
    marks: Mapping[str, Mark | None] = field(default_factory=dict)
    dead: Sequence[DeadLetter] = ()
    read_bytes: int = 0
    total_bytes: int = 0


@dataclass(slots=True)
class Counts:
    """What a source has seen since its start; only its own thread adds, everyone may read.

    `records` and `dead` are what it handed over, `size_bytes` their data; `truncated`: records cut at the limit, `truncated_bytes` what
    was cut; `blank`: empty lines, which are no records; `dropped`: datagrams that the kernel threw away before we saw
    them, or that were beyond their sender's rate;
    `refused`: connections beyond the limit, requests and messages of who may not send; `framing_faults`: octet counts that cannot be
    true, datagrams that cannot be read; `restarts`: files found truncated;
    `repeated`: records that a sender sent again because it had no answer, and that are in the journal already; `failed`: requests to a
    service that brought no reply that could be read; `missing`: flows that exporters say they sent and that never came; `undecoded`: sets
    of flows whose template never came.
    """

    records: int = 0
    size_bytes: int = 0
    dead: int = 0
    truncated: int = 0
    truncated_bytes: int = 0
    blank: int = 0
    dropped: int = 0
    refused: int = 0
    framing_faults: int = 0
    restarts: int = 0
    repeated: int = 0
    failed: int = 0
    missing: int = 0
    undecoded: int = 0

    def add(self, records: Sequence[RawRecord]) -> None:
        """Count records that are about to be handed over."""
        self.records += len(records)
        self.size_bytes += sum([len(record.data) for record in records])
        if cut := [record.truncated for record in records if record.truncated]:
            self.truncated += len(cut)
            self.truncated_bytes += sum(cut)


class Source(Protocol):
    """One configured source, driven by one thread: `for batch in source.batches(stop): …`.

    Asking for the next batch says that the last one is taken over; while nobody asks, nothing is read, which is the back-pressure.
    """

    @property
    def id(self) -> str:
        """As in soc.yaml; it stands in every record."""
        ...

    @property
    def counts(self) -> Counts:
        """What was seen so far."""
        ...

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches as they come, none empty; ends with the input, or soon (< 0.3 s) after `stop` is set, having given what had arrived.

        Raises: SourceError when the source cannot be read at all.
        """
        ...

    def close(self) -> None:
        """Release files and sockets; a second time changes nothing."""
        ...
