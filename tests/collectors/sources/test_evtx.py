"""Real event files, whole, cut and damaged."""

from __future__ import annotations

import json
import random
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from collectors.errors import SourceError
from collectors.record import DeadLetter, RawRecord
from collectors.sources import Batch, EvtxConfig, open_source, read_evtx, read_file

pytestmark = pytest.mark.corpus
CORPUS = Path(__file__).parents[4] / "shared" / "corpus" / "evtx"
SAMPLE = "ID4688-5447-4950-Firewall_disabled_(command).evtx"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEADER, CHUNK = 4_096, 65_536


@pytest.fixture(scope="module")
def whole() -> bytes:
    """998 records in 43 chunks; records 37 to 57 are in chunk 1."""
    if not CORPUS.is_dir():
        pytest.skip("the corpus of event files is not here")
    return next(CORPUS.rglob(SAMPLE)).read_bytes()


def parts(batches: list[Batch]) -> tuple[list[RawRecord], list[DeadLetter]]:
    return [r for b in batches for r in b.records], [d for b in batches for d in b.dead]


def read(path: Path, content: bytes) -> tuple[list[RawRecord], list[DeadLetter]]:
    path.write_bytes(content)
    return parts(list(read_file(path, "scan", NOW)))


def test_every_record_is_json_with_its_number_and_no_fault(whole: bytes, tmp_path: Path) -> None:
    records, dead = read(tmp_path / "x.evtx", whole)
    assert not dead
    assert [r.position.index for r in records] == list(range(1, 999))
    assert [r.position.offset for r in records] == list(range(998))
    assert json.loads(records[0].data)["Event"]["System"]["Channel"]
    assert {r.position.path for r in records} == {str(tmp_path / "x.evtx")}


def test_it_is_known_by_its_signature_whatever_its_name(whole: bytes, tmp_path: Path) -> None:
    assert len(read(tmp_path / "x.log", whole)[0]) == 998


def test_the_whole_corpus_reads_without_a_dead_letter(whole: bytes) -> None:
    files = sorted(CORPUS.rglob("*.evtx"))[::4]
    for path in files:
        records, dead = parts(list(read_evtx(path, "scan", NOW)))
        assert records
        assert not dead


def test_a_file_cut_in_the_middle_of_a_chunk_gives_its_whole_records_and_says_what_is_lost(
    whole: bytes, tmp_path: Path
) -> None:
    intact = {r.position.index: r.data for r in read(tmp_path / "x.evtx", whole)[0]}
    records, dead = read(tmp_path / "x.evtx", whole[: len(whole) // 2 + 77])
    assert len(records) == 575
    assert all(r.data == intact[r.position.index] for r in records)
    assert [d.reason.split(": ", 1)[1] for d in dead] == [
        "chunk 24: records 576 to 589, 14 in all lost: the file is cut here",
        "chunk 25: an unknown number of records lost: the file is cut: 18 of 43 chunks are not there",
    ]
    assert dead[0].record.data == whole[HEADER + 24 * CHUNK : len(whole) // 2 + 77], "kept whole"


@pytest.mark.parametrize(
    ("start", "stop", "fill", "lost", "reason"),
    [
        (0, 512, b"\xff", 21, "the header of the chunk is damaged"),
        (0x300, 0x800, b"\xff", 21, "records 37 to 57, 21 in all lost: Failed to parse chunk"),
        (512, CHUNK, b"\0", 21, "records 37 to 57, 21 in all lost: the records are damaged"),
        (0, CHUNK, b"\0", 21, "the chunk is empty"),
    ],
)
def test_a_damaged_chunk_is_a_dead_letter_and_the_others_are_read(
    whole: bytes, tmp_path: Path, start: int, stop: int, fill: bytes, lost: int, reason: str
) -> None:
    data = bytearray(whole)
    at = HEADER + CHUNK
    data[at + start : at + stop] = fill * (stop - start)
    records, dead = read(tmp_path / "x.evtx", bytes(data))
    assert len(records) == 998 - lost
    assert len(dead) == 1
    assert reason in dead[0].reason
    assert dead[0].record.data == data[at : at + CHUNK]
    assert dead[0].record.position.index == 37


def test_random_damage_never_raises_and_never_loses_in_silence(whole: bytes, tmp_path: Path) -> None:
    rng = random.Random(5)
    small = bytearray(whole[: HEADER + 3 * CHUNK])
    small[42:44] = (3).to_bytes(2, "little")
    total = len(read(tmp_path / "x.evtx", bytes(small))[0])
    for _ in range(80):
        data = bytearray(small)
        for _ in range(rng.randrange(1, 40)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        records, dead = read(tmp_path / "x.evtx", bytes(data[: rng.choice([len(data), rng.randrange(len(data))])]))
        assert len(records) >= total or dead


def test_a_source_resumes_at_the_very_record_and_gives_no_dead_letter_twice(whole: bytes, tmp_path: Path) -> None:
    data = bytearray(whole)
    data[HEADER + CHUNK : HEADER + CHUNK + 512] = b"\xff" * 512
    (tmp_path / "x.evtx").write_bytes(data)
    config = EvtxConfig("win", str(tmp_path / "*.evtx"))
    batches = list(open_source(config, {}).batches(threading.Event()))
    records, dead = parts(batches)
    assert (len(records), len(dead)) == (977, 1)
    ((key, mark),) = batches[-1].marks.items()
    assert mark is not None
    assert parts(list(open_source(config, {key: mark}).batches(threading.Event()))) == ([], [])
    half = msgspec.structs.replace(mark, offset=500)
    again, lost = parts(list(open_source(config, {key: half}).batches(threading.Event())))
    assert [r.position for r in again] == [r.position for r in records[500:]]
    assert lost
    with pytest.raises(SourceError):
        open_source(EvtxConfig("win", str(tmp_path / "absent.evtx")), {})
