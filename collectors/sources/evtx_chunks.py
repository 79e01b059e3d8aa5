"""An EVTX file in, what its chunks promise and what they do not give out: the accounts behind "nothing is lost in silence".

Format: libevtx documentation, "Windows XML Event Log (EVTX)", 3 (chunk) and 4 (event record).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import NamedTuple, TypedDict, cast

HEADER_BYTES = 4_096
_CHUNK_BYTES = 65_536
_CHUNK_SIGNATURE = b"ElfChnk\x00"
_CHUNK_IDS = struct.Struct("<QQ")
_CHUNK_IDS_AT = 24
_CHUNK_COUNT = struct.Struct("<H")
_CHUNK_COUNT_AT = 42
_MOST_RECORDS = 2_800
"""A record has 24 bytes at least, so no chunk holds more; a header that says so is damaged."""
_RECORDS_AT = 512
_RECORD_SIGNATURE = b"**\0\0"
_RECORD = struct.Struct("<4xIQ")
_SIZE = struct.Struct("<I")
_LEAST_RECORD = 24


class Item(TypedDict):
    """What the package gives for a record, as far as we read it."""

    event_record_id: int
    data: str


class Chunk(NamedTuple):
    """A chunk by its header. `fault`: why it cannot be whole; "" otherwise."""

    number: int
    first: int
    last: int
    fault: str
    cut: bool = False

    @property
    def position(self) -> int:
        """The byte where it begins."""
        return HEADER_BYTES + self.number * _CHUNK_BYTES

    @property
    def records(self) -> int:
        """How many it holds, as its header says."""
        return self.last - self.first + 1


class Lost(NamedTuple):
    """What one chunk did not give: its bytes, the first identifier that is missing, why."""

    data: bytes
    first: int
    reason: str


def parsed_items(file: str | BytesIO) -> Iterator[Item]:
    """The records. One thread: the files are small, and the order stays that of the file. Raises: OSError, RuntimeError."""
    from evtx import PyEvtxParser

    return cast("Iterator[Item]", PyEvtxParser(file, number_of_threads=1).records_json())


def promised_chunks(path: Path) -> list[Chunk]:
    """What the headers promise. Chunks of zeros are room that Windows keeps free, unless the file's header counts them."""
    found: list[Chunk] = []
    with path.open("rb", buffering=0) as file:
        fd = file.fileno()
        size = os.fstat(fd).st_size
        promised = _CHUNK_COUNT.unpack(os.pread(fd, _CHUNK_COUNT.size, _CHUNK_COUNT_AT))[0]
        present = -(-(size - HEADER_BYTES) // _CHUNK_BYTES)
        last = 0
        for number in range(max(present, promised)):
            header = os.pread(fd, 128, HEADER_BYTES + number * _CHUNK_BYTES)
            first_id, last_id = _CHUNK_IDS.unpack_from(header, _CHUNK_IDS_AT) if len(header) == 128 else (1, 0)
            cut = size < HEADER_BYTES + (number + 1) * _CHUNK_BYTES
            if header.startswith(_CHUNK_SIGNATURE) and 0 <= last_id - first_id < _MOST_RECORDS:
                found.append(Chunk(number, first_id, last_id, "the file is cut here" if cut else "", cut))
                last = last_id
            elif not header and promised > number:
                missing = promised - number
                found.append(
                    Chunk(number, last + 1, last, f"the file is cut: {missing} of {promised} chunks are not there")
                )
                break
            elif header.strip(b"\0"):
                found.append(Chunk(number, last + 1, last, "the header of the chunk is damaged"))
            elif number < promised:
                found.append(Chunk(number, last + 1, last, "the chunk is empty"))
    return found


def readable(parsed: Iterator[Item], errors: list[str], limit: int) -> Iterator[Item]:
    """What can be parsed; the iterator goes on with the next chunk after an error."""
    while len(errors) <= limit:
        try:
            yield from parsed
            return
        except (RuntimeError, OSError, ValueError) as error:
            errors.append(str(error))


def cut_records(path: Path, chunks: list[Chunk]) -> Iterator[Item]:
    """The records that stand whole in a chunk whose end is missing; the package passes such a chunk over."""
    for chunk in chunks:
        if not (chunk.cut and chunk.records):
            continue
        with path.open("rb", buffering=0) as file:
            header = os.pread(file.fileno(), HEADER_BYTES, 0)
            data = os.pread(file.fileno(), _CHUNK_BYTES, chunk.position)
        whole = set(_whole(data))
        completed = BytesIO(header + data.ljust(_CHUNK_BYTES, b"\0"))
        yield from (i for i in readable(parsed_items(completed), [], limit=1) if i["event_record_id"] in whole)


def _whole(data: bytes) -> Iterator[int]:
    """The identifiers of the records that are all there: each names its size before and after its content."""
    at = _RECORDS_AT
    while data.startswith(_RECORD_SIGNATURE, at) and at + _RECORD.size <= len(data):
        size, identifier = _RECORD.unpack_from(data, at)
        end = at + size
        if size < _LEAST_RECORD or end > len(data) or _SIZE.unpack_from(data, end - _SIZE.size)[0] != size:
            return
        yield identifier
        at = end


def lost_records(path: Path, chunks: list[Chunk], errors: list[str]) -> Iterator[Lost]:
    """Each chunk that did not give all its records: its bytes, the first identifier that is missing, and why."""
    items = chain(readable(parsed_items(str(path)), [], limit=len(chunks)), cut_records(path, chunks))
    seen = {item["event_record_id"] for item in items}
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
            yield Lost(data, missing[0] if missing else chunk.first, f"chunk {chunk.number}: {what} lost: {reason}")
