"""Windows event files in, one record an event out: the JSON text that the `evtx` package gives for it, as bytes.

    {"Event":{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon",…}},"EventID":10,…},"EventData":{…}}}

Format: libevtx documentation, "Windows XML Event Log (EVTX)": a header of 4 KiB, then chunks of 64 KiB, each naming the first and last
identifier of its records. What those names promise and the file does not give becomes dead letters: a file cut in the middle gives no
error by itself. The checksums of the records are not verified. A record's place: `offset` is its ordinal in the file, `index` its
identifier (1, 2, … in an exported file, which need not be the EventRecordID inside the event).
Delivery: exactly once, crashes included, when the marks are journalled with the records; files are read once, not followed.
"""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Literal

from collectors.errors import SourceError
from collectors.record import DeadLetter, Mark, Position, RawRecord
from collectors.sources.evtx_chunks import (
    HEADER_BYTES,
    cut_records,
    lost_records,
    parsed_items,
    promised_chunks,
    readable,
)
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.tail import shown

SIGNATURE = b"ElfFile\x00"
FORMAT = "windows-json"
_IDENTITY_BYTES = HEADER_BYTES + 512
"""The file's header and the first chunk's, which has a checksum over its records: no two logs agree in them."""


@dataclass(frozen=True, slots=True)
class EvtxConfig:
    """`path`: one file or a pattern."""

    id: str
    path: str
    format: str = FORMAT
    kind: Literal["evtx"] = "evtx"


class EvtxSource:
    """Reads the files of one configuration, one after the other."""

    def __init__(self, config: EvtxConfig, marks: Mapping[str, Mark]) -> None:
        self._config = config
        self._done = {mark.stream: mark.offset for mark in marks.values() if mark.source == config.id}
        literal = Path(config.path).exists()
        self._paths = [config.path] if literal else sorted(glob.glob(config.path, recursive=True))  # noqa: PTH207
        if not self._paths:
            raise SourceError(f"{config.path}: no such file")
        self.counts = Counts()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until every file is read, or `stop`."""
        for path in self._paths:
            received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
            for batch in read_evtx(Path(path), self.id, received, done=self._done):
                self.counts.add(batch.records)
                self.counts.dead += len(batch.dead)
                yield batch
                if stop.is_set():
                    return

    def close(self) -> None:
        """Nothing stays open between batches."""


def read_evtx(path: Path, source: str, received: datetime, *, done: Mapping[str, int] | None = None) -> Iterator[Batch]:
    """All of one file in batches, each with a mark and the progress; never raises for what a file holds or is.

    `done`: stream -> how many records and dead letters of it are out already.
    """
    name = shown(path)
    try:
        start, total = _identity(path)
        parsed = parsed_items(str(path))
        chunks = promised_chunks(path)
    except (OSError, RuntimeError, SourceError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        yield Batch(dead=[_letter(b"", source, Position(name, "", 0, 0), received, f"{name}: {reason}")])
        return
    stream = blake2b(start, digest_size=8).hexdigest()
    skip = (done or {}).get(stream, 0)
    expected = sum(chunk.records for chunk in chunks)
    errors: list[str] = []
    records: list[RawRecord] = []
    ordinal = index = 0

    def batch(dead: list[DeadLetter]) -> Batch:
        mark = Mark(source, stream, name, ordinal, index)
        read = total if dead or ordinal >= expected else total * ordinal // expected
        return Batch(records, {f"{source}/{stream}": mark}, dead, read, total)

    for item in chain(readable(parsed, errors, limit=len(chunks)), cut_records(path, chunks)):
        index = item["event_record_id"]
        if ordinal >= skip:
            records.append(RawRecord(item["data"].encode(), source, Position(name, stream, ordinal, index), received))
        ordinal += 1
        if len(records) == BATCH_RECORDS:
            yield batch([])
            records = []
    dead: list[DeadLetter] = []
    if errors or ordinal < expected or any(chunk.fault for chunk in chunks):
        for lost in lost_records(path, chunks, errors):
            if ordinal >= skip:
                reason = f"{name}: {lost.reason}"
                dead.append(_letter(lost.data, source, Position(name, stream, ordinal, lost.first), received, reason))
            ordinal += 1
    if records or dead or (not ordinal and not skip):
        yield batch(dead)


def _identity(path: Path) -> tuple[bytes, int]:
    """What no two logs share, and the size. Raises: OSError, SourceError for another kind of file."""
    with path.open("rb") as file:
        start = file.read(_IDENTITY_BYTES)
        if not start.startswith(SIGNATURE):
            raise SourceError("not a Windows event file")
        return start, os.fstat(file.fileno()).st_size


def _letter(data: bytes, source: str, position: Position, received: datetime, reason: str) -> DeadLetter:
    return DeadLetter(RawRecord(data, source, position, received), FORMAT, reason)
