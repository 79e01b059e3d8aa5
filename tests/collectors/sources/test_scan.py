"""One file to its end: text, packed text, and whatever else lies in a folder of logs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard

from collectors.record import DeadLetter, RawRecord
from collectors.sources import looks_binary, read_file, read_text
from collectors.sources.text import binary_kind

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def read(path: Path) -> tuple[list[RawRecord], list[DeadLetter]]:
    batches = list(read_file(path, "scan", NOW))
    assert all(len(b.records) <= 5_000 for b in batches)
    return [r for b in batches for r in b.records], [d for b in batches for d in b.dead]


def test_lines_with_their_places_and_progress(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"".join(b"line %d\n" % n for n in range(60_000)) + b"end")
    batches = list(read_text(log, "scan", NOW))
    records = [r for b in batches for r in b.records]
    assert [r.data for r in records[:2] + records[-1:]] == [b"line 0", b"line 1", b"end"]
    assert (records[-1].position.index, records[-1].position.path) == (60_001, str(log))
    progress = [b.read_bytes for b in batches]
    assert progress == sorted(progress)
    assert progress[-1] == batches[-1].total_bytes == log.stat().st_size
    assert progress[0] < progress[-1]


def test_the_same_content_has_the_same_ids_wherever_it_lies(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"one\ntwo\n")
    streams = {r.position.stream for name in ("a", "b") for r in read(tmp_path / name)[0]}
    assert len(streams) == 1


PACKED: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zstd": zstandard.compress,
}
packed = pytest.mark.parametrize("kind", PACKED)


@packed
def test_what_is_packed_is_unpacked_also_in_several_members_with_padding(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "a.log.packed"
    pack = PACKED[kind]
    log.write_bytes(pack(b"one\ntwo\nth") + bytes(8) + pack(b"ree\n" + b"x" * 1_000_000 + b"\nfour") + bytes(400_000))
    records, dead = read(log)
    assert [(r.data[:5], r.truncated) for r in records] == [
        (b"one", 0), (b"two", 0), (b"three", 0), (b"xxxxx", 1_000_000 - 65_536), (b"four", 0),
    ]  # fmt: skip
    assert not dead


@packed
def test_what_is_cut_gives_what_it_has_and_the_reason(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "a.log.packed"
    log.write_bytes(PACKED[kind](os.urandom(2_000_000).hex("\n", 20).encode())[:1_500_000])
    records, dead = read(log)
    assert len(records) > 100
    assert [d.reason for d in dead] == [f"{log}: {kind}: the end is missing"]


@packed
def test_what_is_damaged_is_told(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "a.log.packed"
    log.write_bytes(PACKED[kind](b"")[:6] + b"rubbish" * 10)
    records, dead = read(log)
    assert not records
    assert dead[0].reason.startswith(f"{log}: {kind}: ")


@packed
def test_a_bomb_is_left_within_bounded_memory(tmp_path: Path, kind: str) -> None:
    log = tmp_path / "bomb"
    log.write_bytes(PACKED[kind]((bytes(1 << 20) + b"\n") * 140))
    tracemalloc.start()
    records, dead = read(log)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "unpacks to more than 500 times its size" in dead[0].reason
    assert len(records) <= 75
    assert peak < 24 << 20


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.log", b"LPKSHHRH" + bytes(100), "a systemd journal, not lines of text"),
        ("a.log", bytes(range(256)) * 20, "binary data, not lines of text"),
        ("a.log", b"\xff\xfea\0b\0\n\0", "UTF-16 text, not lines of text"),
        ("a.evtx", b"not one", "not a Windows event file"),
        ("a.evtx", b"", "not a Windows event file"),
    ],
)
def test_what_is_no_log_is_one_dead_letter_with_its_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    records, dead = read(tmp_path / name)
    assert not records
    assert [d.reason for d in dead] == [f"{tmp_path / name}: {reason}"]


def test_what_cannot_be_opened_is_a_dead_letter(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (
        ("absent", "No such file or directory"),
        (".", "Is a directory"),
        ("pipe", "not a regular file"),
    ):
        records, dead = read(tmp_path / name)
        assert not records
        assert dead[0].reason.endswith(reason) or "not a regular file" in dead[0].reason


def test_an_empty_file_has_no_records_and_no_fault(tmp_path: Path) -> None:
    (tmp_path / "empty.log").touch()
    assert read(tmp_path / "empty.log") == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a\0b\n",
        "xin chào, tiếng Việt\n".encode(),
        b"caf\xe9 latin-1\n",
        b"\x1b[31mred\x1b[0m\n" * 50,
        b"ok\n" + bytes(2_000) + b"Oct 11 line\n",
    ],
)
def test_text_in_any_encoding_based_on_ascii_is_no_binary(text: bytes) -> None:
    assert not looks_binary(text)


def test_signatures_name_what_it_is() -> None:
    assert binary_kind(gzip.compress(b"x")) == "gzip"
    assert binary_kind(b"ElfFile\0") == "a Windows event file (EVTX)"
    assert looks_binary(b"\x7fELF\x02\x01")
