"""Files followed through every rotation, stopped and resumed: no line lost, none twice."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from collectors.errors import SourceError
from collectors.record import Mark
from collectors.sources import FileConfig, open_source

from .follower import Follower


def follow(path: Path | str, marks: dict[str, Mark] | None = None, **options: object) -> Follower:
    config = FileConfig("auth", str(path), **{"poll_s": 0.02, "rotate_wait_s": 0.3, **options})  # type: ignore[arg-type]
    return Follower(open_source(config, marks or {}))


def add(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def lines(start: int, stop: int) -> list[bytes]:
    return [b"2026-03-01T08:%02d:%02d web sshd[%d]: line %d" % (n // 60 % 60, n % 60, n, n) for n in range(start, stop)]


def test_a_file_that_grows_from_empty_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    with follow(log) as f:
        for n in range(40):
            add(log, *lines(n, n + 1))
            time.sleep(0.003)
        assert f.until(40) == lines(0, 40)
    records = f.records
    assert len({r.position.stream for r in records}) == 1
    assert [r.position.index for r in records] == list(range(1, 41))
    assert {r.position.path for r in records} == {str(log)}
    data = log.read_bytes()
    assert all(data[r.position.offset :].startswith(r.data + b"\n") for r in records)


def test_a_file_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    log = tmp_path / "later.log"
    with follow(log) as f:
        time.sleep(0.05)
        add(log, *lines(0, 3))
        assert f.until(3) == lines(0, 3)


def test_a_line_is_given_within_a_fifth_of_a_second(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.touch()
    with follow(log, poll_s=0.1) as f:
        slowest = 0.0
        for n in range(8):
            time.sleep(0.03)
            written = time.monotonic()
            add(log, *lines(n, n + 1))
            f.until(n + 1)
            slowest = max(slowest, time.monotonic() - written)
    assert slowest < 0.25


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(b"whole\nha")
    with follow(log) as f:
        assert f.until(1) == [b"whole"]
        time.sleep(0.1)
        add(log, b"lf")
        assert f.until(2) == [b"whole", b"half"]


def in_quotes(line: bytes, is_open: bool) -> bool:
    return is_open ^ bool(line.count(b'"') & 1)


def test_a_record_that_spans_lines_is_one_and_is_resumed_at_its_first_line(tmp_path: Path) -> None:
    log = tmp_path / "postgresql.csv"
    add(log, b"one,1", b'two,"select', b"  1")
    config = FileConfig("pg", str(log), poll_s=0.02)
    with Follower(open_source(config, {}, in_quotes)) as f:
        assert f.until(1) == [b"one,1"]
    add(log, b'from t",end', b"three,3")
    with Follower(open_source(config, f.marks, in_quotes)) as again:
        assert again.until(2) == [b'two,"select\n  1\nfrom t",end', b"three,3"]
        assert [r.position.index for r in again.records] == [2, 5]
        add(log, b'stray " quote')
        assert again.until(3)[2:] == [b'stray " quote'], "given after a while, though it looks open"
    with Follower(open_source(config, again.marks, in_quotes)) as third:
        time.sleep(0.1)
    assert third.lines == []


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.compress,
}


def pack(path: Path, suffix: str = ".gz") -> None:
    """As gzip and its like do: beside the file, then with its time, then in its place."""
    packed, status = path.with_name(path.name + suffix), path.stat()
    packed.write_bytes(PACKED[suffix](path.read_bytes()))
    os.utime(packed, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()


def test_rotation_by_rename_loses_nothing_also_what_comes_late_to_the_old_file(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 10))
    with follow(log) as f:
        f.until(5)
        with log.open("ab") as old:
            log.rename(tmp_path / "auth.log.1")
            add(log, *lines(20, 30))
            f.until(20)
            old.write(b"late\nunfinished")
            old.flush()
            assert f.when(lambda: b"unfinished" in f.lines)
        add(log, *lines(30, 31))
        f.until(23)
        assert sorted(f.lines) == sorted([*lines(0, 10), *lines(20, 31), b"late", b"unfinished"])
        assert f.when(lambda: len(f.marks) == 1), "the old file's mark is forgotten"
    assert len({r.position.stream for r in f.records}) == 2


def test_rotation_by_copytruncate_is_seen_and_what_only_the_copy_holds_is_read_from_it(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 30))
    with follow(log, poll_s=0.2) as f:
        f.until(30)
        add(log, *lines(30, 50))
        shutil.copyfile(log, tmp_path / "auth.log.1")
        os.truncate(log, 0)
        add(log, *lines(50, 120))  # longer than before, so the size tells nothing
        f.until(120)
        time.sleep(0.3)
        assert sorted(f.lines) == sorted(lines(0, 120))
    assert f.source.counts.restarts == 1


def test_truncation_without_a_copy_starts_anew(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    add(log, b"same", b"same", b"old")
    with follow(log) as f:
        f.until(3)
        log.write_bytes(b"")
        f.when(lambda: f.source.counts.restarts == 1)
        add(log, b"same", b"same")
        assert f.until(5) == [b"same", b"same", b"old", b"same", b"same"]
    assert len({(r.position.stream, r.position.offset) for r in f.records}) == 5, "each has an id of its own"


def test_a_pattern_follows_many_files_and_their_renames_without_reading_twice(tmp_path: Path) -> None:
    a, b = tmp_path / "a.log", tmp_path / "b.log"
    add(a, *lines(0, 20))
    with follow(tmp_path / "*.log*") as f:
        f.until(20)
        add(b, *lines(100, 110))
        f.until(30)
        a.rename(tmp_path / "a.log.1")
        add(a, *lines(20, 40))
        f.until(50)
        shutil.copyfile(a, tmp_path / "a.log.2")
        os.truncate(a, 0)
        add(a, *lines(40, 50))
        f.until(60)
        time.sleep(1.3)  # the pattern is expanded once a second
        assert sorted(f.lines) == sorted([*lines(0, 50), *lines(100, 110)])
    with follow(tmp_path / "*.log*", f.marks) as again:
        time.sleep(0.3)
        add(b, *lines(110, 111))
        assert again.until(1) == lines(110, 111)


@pytest.mark.parametrize("rotation", ["none", "rename", *PACKED, "copytruncate", "copytruncate-pack", "delete"])
def test_stopped_and_resumed_from_marks_it_goes_on_at_the_very_line(tmp_path: Path, rotation: str) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 20))
    with follow(log) as f:
        f.until(20)
    add(log, *lines(20, 30))
    if rotation == "rename":
        log.rename(tmp_path / "auth.log-20260301")
    elif rotation in PACKED:
        log.rename(tmp_path / "auth.log-20260301")
        pack(tmp_path / "auth.log-20260301", rotation)
    elif rotation.startswith("copytruncate"):
        shutil.copyfile(log, tmp_path / "auth.log.1")
        os.truncate(log, 0)
        if rotation.endswith("pack"):
            pack(tmp_path / "auth.log.1")
    elif rotation == "delete":
        log.unlink()
    add(log, *lines(30, 40))
    missing = lines(20, 30) if rotation != "delete" else []
    with follow(log, f.marks) as again:
        again.until(len(missing) + 10)
        time.sleep(0.5)
        assert sorted(again.lines) == sorted([*missing, *lines(30, 40)])
        assert again.source.counts.dead == 0
    with follow(log, again.marks) as third:
        time.sleep(0.1)
    assert third.lines == []


@pytest.mark.parametrize("rotation", ["rename", "copytruncate", *PACKED])
def test_generations_that_came_and_went_while_it_was_stopped_are_read(tmp_path: Path, rotation: str) -> None:
    log = tmp_path / "auth.log"
    add(tmp_path / "auth.log.9", *lines(900, 909))
    add(tmp_path / "auth.log.bak", *lines(900, 909))
    add(log, *lines(0, 20))
    with follow(log) as f:
        f.until(20)
    for n in range(3):
        add(log, *lines(20 + 10 * n, 30 + 10 * n))
        time.sleep(0.02)
        if rotation != "copytruncate":
            log.rename(tmp_path / f"auth.log.{3 - n}")
            if rotation in PACKED:
                pack(tmp_path / f"auth.log.{3 - n}", rotation)
        else:
            shutil.copyfile(log, tmp_path / f"auth.log.{3 - n}")
            os.truncate(log, 0)
        time.sleep(0.02)
    add(log, *lines(50, 60))
    with follow(log, f.marks) as again:
        again.until(40)
        time.sleep(0.5)
        assert again.lines == lines(20, 60)
    with follow(log, again.marks) as third:
        time.sleep(0.1)
    assert third.lines == []


@pytest.mark.parametrize("poll_s", [0.02, 0.1])
@pytest.mark.parametrize("rotation", ["rename", "gzip", "copytruncate"])
def test_a_storm_of_rotations_loses_and_repeats_nothing(tmp_path: Path, rotation: str, poll_s: float) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 25))
    written = 25
    with follow(log, poll_s=poll_s) as f:
        f.until(25)
        for n in range(100):  # up to 40 a second, one or more between two looks
            add(log, *lines(written, written + 25))
            time.sleep(0.025)
            add(log, *lines(written + 25, written + 50))
            written += 50
            generation = tmp_path / f"auth.log.{100 - n}"
            if rotation == "copytruncate":
                shutil.copyfile(log, generation)
                os.truncate(log, 0)
            else:
                log.rename(generation)
                if rotation == "gzip":
                    pack(generation)
        add(log, *lines(written, written + 10))
        f.until(written + 10)
        time.sleep(0.5)
        assert sorted(f.lines) == sorted(lines(0, written + 10))
        assert f.dead == []


@pytest.mark.parametrize("suffix", PACKED)
def test_a_bomb_among_the_rotated_files_is_one_dead_letter(tmp_path: Path, suffix: str) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 10))
    with follow(log) as f:
        f.until(10)
    time.sleep(0.02)
    (tmp_path / f"auth.log.1{suffix}").write_bytes(PACKED[suffix](b"\n" * 100_000_000))
    log.rename(tmp_path / "auth.log.2")
    add(log, *lines(10, 20))
    with follow(log, f.marks) as again:
        again.until(10)
        assert again.lines == lines(10, 20)
        [letter] = again.dead
        assert f"auth.log.1{suffix}: unpacks to more than 500 times its size" in letter.reason


def test_from_the_end_only_new_lines_are_given_also_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    add(log, *lines(0, 5))
    with follow(log, from_start=False) as f:
        assert f.when(lambda: bool(f.marks))
    assert f.lines == []
    add(log, *lines(5, 7))
    with follow(log, f.marks, from_start=False) as again:
        assert again.until(2) == lines(5, 7)


def test_read_once_ends_gives_the_last_line_without_newline_and_resumes(tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(b"one\r\n\n\ntwo")
    source = open_source(FileConfig("once", str(log), follow=False), {})
    batches = list(source.batches(threading.Event()))
    assert [(r.data, r.position.index) for b in batches for r in b.records] == [(b"one", 1), (b"two", 4)]
    assert source.counts.blank == 2
    source.close()
    marks = {key: mark for b in batches for key, mark in b.marks.items() if mark}
    again = open_source(FileConfig("once", str(log), follow=False), marks)
    assert [r for b in again.batches(threading.Event()) for r in b.records] == []
    again.close()
    with pytest.raises(SourceError, match="no such file"):
        open_source(FileConfig("once", str(tmp_path / "absent"), follow=False), {})


def test_batches_hold_at_most_5000_records_and_each_has_the_mark_of_its_end(tmp_path: Path) -> None:
    log = tmp_path / "short.log"
    log.write_bytes(b"".join(b"%d\n\n" % n for n in range(12_345)))
    source = open_source(FileConfig("once", str(log), follow=False), {})
    batches = list(source.batches(threading.Event()))
    source.close()
    assert max(len(b.records) for b in batches) <= 5_000
    assert [r.data for b in batches for r in b.records] == [b"%d" % n for n in range(12_345)]
    for batch in batches[:-1]:
        (mark,) = batch.marks.values()
        assert mark is not None
        again = open_source(FileConfig("once", str(log), follow=False), {"once/x": mark})
        after = [r.position.offset for b in again.batches(threading.Event()) for r in b.records]
        again.close()
        assert after[0] > batch.records[-1].position.offset
        assert len(after) == 12_345 - 1 - int(batch.records[-1].data)


def test_a_binary_file_a_folder_and_a_pipe_are_dead_letters_and_the_rest_goes_on(tmp_path: Path) -> None:
    (tmp_path / "wtmp.log").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "journal.log").write_bytes(b"LPKSHHRH" + bytes(500))
    os.mkfifo(tmp_path / "pipe.log")
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "old.log.gz").write_bytes(b"\x1f\x8b")
    add(tmp_path / "auth.log", *lines(0, 3))
    with follow(tmp_path / "*.log*") as f:
        f.until(3)
        f.when(lambda: len(f.dead) >= 3)
        time.sleep(0.1)
    assert f.lines == lines(0, 3)
    assert sorted(d.reason.rsplit("/", 1)[1] for d in f.dead) == [
        "journal.log: a systemd journal, not lines of text",
        "pipe.log: not a regular file",
        "wtmp.log: binary data, not lines of text",
    ]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody without rights")
def test_an_unreadable_file_is_one_dead_letter_with_its_reason(tmp_path: Path) -> None:
    secret = tmp_path / "secret.log"
    add(secret, b"x")
    secret.chmod(0o600)
    tmp_path.chmod(0o755)
    code = (
        "import os, sys, threading; sys.path.insert(0, sys.argv[2])\n"
        "from collectors.sources import *; stop = threading.Event(); os.seteuid(65534)\n"
        "for batch in open_source(FileConfig('s', sys.argv[1], poll_s=0.01), {}).batches(stop):\n"
        "    print(len(batch.dead), batch.dead[0].reason); threading.Timer(0.2, stop.set).start()\n"
    )
    for parent in tmp_path.parents:
        if parent.stat().st_mode & 0o001 == 0:
            parent.chmod(parent.stat().st_mode | 0o011)
            break
    root = str(Path(__file__).parents[3])
    run = subprocess.run([sys.executable, "-c", code, str(secret), root], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"1 {secret}: cannot be read: Permission denied\n"


def test_a_10_mb_line_is_cut_counted_and_the_next_line_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"before\n" + b"x" * 10_000_000 + b"\nafter\n")
    with follow(log) as f:
        f.until(3)
    assert [(len(r.data), r.truncated) for r in f.records] == [(6, 0), (65_536, 10_000_000 - 65_536), (5, 0)]
    assert (f.source.counts.truncated, f.source.counts.truncated_bytes) == (1, 10_000_000 - 65_536)


def test_a_name_that_is_no_text_stands_escaped(tmp_path: Path) -> None:
    log = tmp_path / os.fsdecode(b"caf\xe9.log")
    add(log, b"line")
    with follow(log) as f:
        f.until(1)
    assert f.records[0].position.path.endswith(r"caf\xe9.log")
    with follow(log, f.marks) as again:
        time.sleep(0.1)
    assert again.lines == []
