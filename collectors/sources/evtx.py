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
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

from collectors.errors import SourceError
from collectors.record import DeadLetter, Mark, Position, RawRecord
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.tail import shown

SIGNATURE = b"ElfFile\x00"
FORMAT = "windows"
_HEADER_BYTES = 4_096
_CHUNK_BYTES = 65_536
_CHUNK_SIGNATURE = b"ElfChnk\x00"
_CHUNK_IDS = struct.Struct("<QQ")
_CHUNK_IDS_AT = 24
_CHUNK_COUNT = struct.Struct("<H")
_CHUNK_COUNT_AT = 42
_MOST_RECORDS = 2_800
"""A record has 24 bytes at least, so no chunk holds more; a header that says so is damaged."""
_IDENTITY_BYTES = _HEADER_BYTES + 512
"""The file's header and the first chunk's, which has a checksum over its records: no two logs agree in them."""


@dataclass(frozen=True, slots=True)
class EvtxConfig:
    """`path`: one file or a pattern."""

    id: str
    path: str
    format: str = FORMAT

    @property
    def kind(self) -> str:
        """What soc.yaml calls this source."""
        return "evtx"


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
        parsed = _parser(path)
        chunks = _chunks(path)
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

    for item in _items(parsed, errors, limit=len(chunks)):
        index = item["event_record_id"]
        if ordinal >= skip:
            records.append(RawRecord(item["data"].encode(), source, Position(name, stream, ordinal, index), received))
        ordinal += 1
        if len(records) == BATCH_RECORDS:
            yield batch([])
            records = []
    dead: list[DeadLetter] = []
    if errors or ordinal < expected or any(chunk.fault for chunk in chunks):
        for lost in _lost(path, chunks, errors):
            if ordinal >= skip:
                reason = f"{name}: {lost.reason}"
                dead.append(_letter(lost.data, source, Position(name, stream, ordinal, lost.first), received, reason))
            ordinal += 1
    if records or dead or (not ordinal and not skip):
        yield batch(dead)


class _Item(TypedDict):
    """What the package gives for a record, as far as we read it."""

    event_record_id: int
    data: str


class _Chunk(NamedTuple):
    """A chunk by its header. `fault`: why it cannot be whole; "" otherwise."""

    number: int
    first: int
    last: int
    fault: str

    @property
    def position(self) -> int:
        return _HEADER_BYTES + self.number * _CHUNK_BYTES

    @property
    def records(self) -> int:
        return self.last - self.first + 1


class _Lost(NamedTuple):
    data: bytes
    first: int
    reason: str


def _identity(path: Path) -> tuple[bytes, int]:
    """What no two logs share, and the size. Raises: OSError, SourceError for another kind of file."""
    with path.open("rb") as file:
        start = file.read(_IDENTITY_BYTES)
        if not start.startswith(SIGNATURE):
            raise SourceError("not a Windows event file")
        return start, os.fstat(file.fileno()).st_size


def _parser(path: Path) -> Iterator[_Item]:
    """The records. One thread: the files are small, and the order stays that of the file. Raises: OSError, RuntimeError."""
    from evtx import PyEvtxParser

    return cast("Iterator[_Item]", PyEvtxParser(str(path), number_of_threads=1).records_json())


def _chunks(path: Path) -> list[_Chunk]:
    """What the headers promise. Chunks of zeros are room that Windows keeps free, unless the file's header counts them."""
    found: list[_Chunk] = []
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        size = os.fstat(fd).st_size
        promised = _CHUNK_COUNT.unpack(os.pread(fd, _CHUNK_COUNT.size, _CHUNK_COUNT_AT))[0]
        present = -(-(size - _HEADER_BYTES) // _CHUNK_BYTES)
        last = 0
        for number in range(max(present, promised)):
            header = os.pread(fd, 128, _HEADER_BYTES + number * _CHUNK_BYTES)
            first_id, last_id = _CHUNK_IDS.unpack_from(header, _CHUNK_IDS_AT) if len(header) == 128 else (1, 0)
            cut = size < _HEADER_BYTES + (number + 1) * _CHUNK_BYTES
            if header.startswith(_CHUNK_SIGNATURE) and 0 <= last_id - first_id < _MOST_RECORDS:
                found.append(_Chunk(number, first_id, last_id, "the file is cut here" if cut else ""))
                last = last_id
            elif not header and promised > number:
                missing = promised - number
                found.append(
                    _Chunk(number, last + 1, last, f"the file is cut: {missing} of {promised} chunks are not there")
                )
                break
            elif header.strip(b"\0"):
                found.append(_Chunk(number, last + 1, last, "the header of the chunk is damaged"))
            elif number < promised:
                found.append(_Chunk(number, last + 1, last, "the chunk is empty"))
    return found


def _items(parsed: Iterator[_Item], errors: list[str], limit: int) -> Iterator[_Item]:
    """What can be parsed; the iterator goes on with the next chunk after an error."""
    while len(errors) <= limit:
        try:
            yield from parsed
            return
        except (RuntimeError, OSError, ValueError) as error:
            errors.append(str(error))


def _lost(path: Path, chunks: list[_Chunk], errors: list[str]) -> Iterator[_Lost]:
    """Each chunk that did not give all its records: its bytes, the first identifier that is missing, and why."""
    seen = {item["event_record_id"] for item in _items(_parser(path), [], limit=len(chunks))}
    with path.open("rb", buffering=0) as file:
        for chunk in chunks:
            missing = [n for n in range(chunk.first, chunk.last + 1) if n not in seen]
            if not missing and (not chunk.fault or chunk.records):
                continue
            names = (f"chunk number {chunk.number}:", f"record IDs {chunk.first}..{chunk.last}:")
            said = next((error for error in errors if any(name in error for name in names)), "")
            what = (
                f"records {missing[0]} to {missing[-1]}, {len(missing)} in all"
                if missing
                else "an unknown number of records"
            )
            reason = chunk.fault or said or "; ".join(errors[:3]) or "the records are damaged"
            data = os.pread(file.fileno(), _CHUNK_BYTES, chunk.position)
            yield _Lost(data, missing[0] if missing else chunk.first, f"chunk {chunk.number}: {what} lost: {reason}")


def _letter(data: bytes, source: str, position: Position, received: datetime, reason: str) -> DeadLetter:
    return DeadLetter(RawRecord(data, source, position, received), FORMAT, reason)
