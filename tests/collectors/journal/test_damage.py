"""Torn tails, flipped bits, full disks: what is left is the exact prefix, or the damage is named with its place."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from collectors.errors import DamagedFrameError, JournalError
from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.journal.local import LocalJournal

from .events import event, events, letter, mark

FRAMES = 12
PER_FRAME = 5


def written(path: Path, segment_bytes: int = 1 << 26) -> list[int]:
    """A journal of FRAMES transactions; gives the size of its last segment after each of them."""
    journal = open_journal(JournalConfig(path, segment_bytes))
    sizes = [max(path.glob("*.seg")).stat().st_size]
    for n in range(FRAMES):
        journal.append(events(n * PER_FRAME, (n + 1) * PER_FRAME), {"a": mark(n)}, [letter(n)])
        sizes.append(max(path.glob("*.seg")).stat().st_size)
    journal.close()
    return sizes


def test_a_torn_end_leaves_the_exact_prefix_and_keeps_the_rest_aside(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sizes = written(path)
    segment = next(path.glob("*.seg"))
    whole = segment.read_bytes()
    rng = random.Random(7)
    for cut in sorted({*sizes, *(rng.randrange(16, len(whole)) for _ in range(150))}):
        segment.write_bytes(whole[:cut])
        for torn in path.glob("*.torn"):
            torn.unlink()
        journal = LocalJournal(JournalConfig(path))
        frames = sum(size <= cut for size in sizes[1:])
        assert journal.read(0, 1_000) == (events(0, frames * PER_FRAME), frames * PER_FRAME)
        assert journal.dead_end() == frames
        assert journal.marks() == ({"a": mark(frames - 1)} if frames else {})
        assert segment.stat().st_size == max([16, *(s for s in sizes if s <= cut)])
        assert sum(t.stat().st_size for t in path.glob("*.torn")) == cut - segment.stat().st_size
        assert journal.append([event(frames * PER_FRAME)], {}, []) == frames * PER_FRAME + 1
        assert journal.fetch(frames * PER_FRAME) == event(frames * PER_FRAME)
        journal.close()


def test_a_tail_of_zeros_as_power_loss_leaves_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path)
    segment = next(path.glob("*.seg"))
    size = segment.stat().st_size
    os.truncate(segment, size + 10_000)
    journal = LocalJournal(JournalConfig(path))
    assert (journal.end(), journal.damage()) == (FRAMES * PER_FRAME, [])
    assert segment.stat().st_size == size
    journal.close()


def test_a_flipped_bit_never_gives_a_wrong_event_and_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sizes = written(path)
    segment = next(path.glob("*.seg"))
    whole = segment.read_bytes()
    rng = random.Random(11)
    for _ in range(200):
        bit = rng.randrange(16 * 8, len(whole) * 8)
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        for old in [*path.glob("*.seg"), *path.glob("*.torn")]:
            old.unlink()
        segment.write_bytes(broken)
        hit = sum(size <= bit // 8 for size in sizes) - 1  # -1: the snapshot
        journal = LocalJournal(JournalConfig(path))
        if hit == FRAMES - 1:  # the last frame: not to be told from a torn end
            assert journal.read(0, 1_000)[0] == events(0, hit * PER_FRAME)
            assert next(path.glob("*.torn")).read_bytes() == broken[sizes[hit] :]
        elif hit < 0:
            assert journal.read(0, 1_000)[0] == events(0, FRAMES * PER_FRAME)
        else:
            lost = range(hit * PER_FRAME, (hit + 1) * PER_FRAME)
            if hit:
                assert journal.read(0, 1_000) == (events(0, lost.start), lost.start)
            with pytest.raises(DamagedFrameError) as caught:
                journal.read(lost.start, 10)
            error = caught.value
            assert (error.path, error.position) == (str(segment), sizes[hit])
            assert (error.offset, error.next_offset) == (lost.start, lost.stop)
            assert journal.read(lost.stop, 1_000)[0] == events(lost.stop, FRAMES * PER_FRAME)
            assert [str(d) for d in journal.damage()] == [str(error)]
            assert journal.marks() == {"a": mark(FRAMES - 1)}
            assert [str(d) for d in open_reader(JournalConfig(path)).damage()] == [str(error)]  # type: ignore[attr-defined]
        assert journal.append([event(0)], {}, []) == journal.end()
        journal.close()
        LocalJournal(JournalConfig(path)).close()


def test_a_flipped_bit_in_an_old_segment_is_named_and_the_rest_stays_readable(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path, segment_bytes=5_000)
    old = sorted(path.glob("*.seg"))[1]
    whole = old.read_bytes()
    rng = random.Random(13)
    everything = events(0, FRAMES * PER_FRAME)
    for _ in range(100):
        bit = rng.randrange(len(whole) * 8)
        broken = bytearray(whole)
        broken[bit // 8] ^= 1 << bit % 8
        old.write_bytes(broken)
        journal = LocalJournal(JournalConfig(path))
        damages = journal.damage()
        lost = {n for d in damages for n in range(d.offset, d.next_offset)}
        assert all(d.path == str(old) for d in damages)
        assert len(lost) in {0, PER_FRAME}
        assert bool(lost) or bit // 8 < 200, "only the header and the snapshot hold no events"
        for n, expected in enumerate(everything):
            if n not in lost:
                assert journal.fetch(n) == expected
        journal.close()


def test_a_frame_forged_inside_an_event_is_never_taken_for_one(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    written(path)
    segment = next(path.glob("*.seg"))
    forged = segment.read_bytes()[16:]
    other = LocalJournal(JournalConfig(tmp_path / "other"))
    other.append([event(0)], {}, [])
    target = next((tmp_path / "other").glob("*.seg"))
    start = target.stat().st_size
    other.append([event(1, forged)], {}, [])
    other.append([event(2)], {}, [])
    other.close()
    data = bytearray(target.read_bytes())
    data[start] ^= 1  # its length, so the next frame has to be searched for
    target.write_bytes(data)
    other = LocalJournal(JournalConfig(tmp_path / "other"))
    assert [d.offset for d in other.damage()] == [1]
    assert other.fetch(2) == event(2)
    other.close()


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.mkdir()
    (path / "00000000000000000000.seg").write_bytes(b"hello" * 100)
    with pytest.raises(JournalError, match=r"00000000000000000000\.seg: not a segment"):
        LocalJournal(JournalConfig(path))


def test_a_committed_offset_beyond_a_torn_end_is_the_end(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    sizes = written(path)
    journal = LocalJournal(JournalConfig(path))
    journal.commit("store", FRAMES * PER_FRAME)
    journal.close()
    os.truncate(next(path.glob("*.seg")), sizes[-1] - 1)
    journal = LocalJournal(JournalConfig(path))
    assert journal.committed("store") == (FRAMES - 1) * PER_FRAME
    journal.close()


_FULL = """
import pathlib, resource, signal, sys
sys.path.insert(0, sys.argv[2])
from collectors.errors import JournalError
from collectors.journal import JournalConfig, open_journal
from tests.collectors.journal.events import events, mark
journal = open_journal(JournalConfig(pathlib.Path(sys.argv[1]), int(sys.argv[3])))
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
n = failed = 0
while failed < 3:
    try:
        journal.append(events(n, n + 7), {"a": mark(n)}, [])
        n += 7
    except JournalError as error:
        assert "File too large" in str(error), error
        assert journal.end() == n
        failed += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
journal.append(events(n, n + 7), {"a": mark(n)}, [])
assert journal.read(0, n + 7)[0] == events(0, n + 7)
print(n + 7)
"""


def test_a_file_that_may_not_grow_rolls_back_and_the_writer_goes_on(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    run = subprocess.run(
        [sys.executable, "-c", _FULL, str(tmp_path / "journal"), root, str(1 << 26)],
        capture_output=True,
        text=True,
        cwd=root,
    )
    assert run.returncode == 0, run.stderr
    journal = LocalJournal(JournalConfig(tmp_path / "journal"))
    count = int(run.stdout)
    assert journal.read(0, count + 1) == (events(0, count), count)
    assert not list(journal._path.glob("*.torn"))
    journal.close()


def test_a_full_disk_loses_nothing_and_the_same_append_works_when_space_is_back(tmp_path: Path) -> None:
    mount = tmp_path / "disk"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", str(mount)], capture_output=True).returncode:
        pytest.skip("may not mount a small tmpfs here")
    try:
        ballast = mount / "ballast"
        ballast.write_bytes(bytes(60_000))
        journal = LocalJournal(JournalConfig(mount / "journal", segment_bytes=40_000))
        n = 0
        reasons = []
        ends = []
        while len(reasons) < 3:
            try:
                n = journal.append(events(n, n + 9), {"a": mark(n)}, [])
            except JournalError as error:
                reasons.append(str(error))
                ends.append((journal.end(), journal.read(0, n + 9)[1], n))
        assert all("No space left" in reason for reason in reasons)
        assert all(end == read == n for end, read, n in ends)
        ballast.unlink()
        assert journal.append(events(n, n + 9), {"a": mark(n)}, []) == n + 9
        journal.close()
        journal = LocalJournal(JournalConfig(mount / "journal"))
        assert journal.read(0, n + 10) == (events(0, n + 9), n + 9)
        assert journal.marks() == {"a": mark(n)}
        journal.close()
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_killed_writer_leaves_every_acknowledged_event_once(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[2])\n"
        "from collectors.journal import *; from tests.collectors.journal.events import events, mark\n"
        "journal = open_journal(JournalConfig(pathlib.Path(sys.argv[1]), 20_000)); n = journal.end()\n"
        "while True:\n"
        "    n = journal.append(events(n, n + 5), {'a': mark(n + 5)}, []); print(n, flush=True)\n"
    )
    root = str(Path(__file__).parents[3])
    acknowledged = 0
    rng = random.Random(3)
    for _ in range(6):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "journal"), root], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert child.stdout
        for _ in range(rng.randrange(1, 60)):
            acknowledged = int(child.stdout.readline())
        child.kill()
        acknowledged = max([acknowledged, *(int(line) for line in child.stdout.read().split("\n")[:-1])])
        child.wait()
        child.stdout.close()
        journal = LocalJournal(JournalConfig(tmp_path / "journal"))
        end = journal.end()
        assert end >= acknowledged
        assert journal.read(0, end) == (events(0, end), end)
        assert journal.marks() == {"a": mark(end)}
        journal.close()
