"""A collector that is killed at any moment, over files that rotate: every line is in the journal once."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from collectors.journal import JournalConfig, open_reader

_COLLECT = """
import pathlib, sys, threading
sys.path.insert(0, sys.argv[3])
from collectors.event import make_event
from collectors.journal import JournalConfig, open_journal
from collectors.sources import FileConfig, open_source
journal = open_journal(JournalConfig(pathlib.Path(sys.argv[2]), 200_000))
source = open_source(FileConfig("app", sys.argv[1], poll_s=0.005, rotate_wait_s=0.5), journal.marks())
for batch in source.batches(threading.Event()):
    journal.append([make_event(r, None, {}) for r in batch.records], batch.marks, batch.dead)
    pathlib.Path(sys.argv[4]).touch()
"""


@pytest.mark.parametrize("rotation", ["rename", "gzip", "copytruncate"])
def test_ten_kills_lose_nothing_and_repeat_nothing(tmp_path: Path, rotation: str) -> None:
    log = tmp_path / "app.log"
    journal = tmp_path / "journal"
    root = str(Path(__file__).parents[3])
    rng = random.Random(rotation)
    written = rotations = kills = 0
    alive = tmp_path / "alive"

    def start() -> subprocess.Popen[bytes]:
        alive.unlink(missing_ok=True)
        return subprocess.Popen([sys.executable, "-c", _COLLECT, str(log), str(journal), root, str(alive)])

    child = start()
    kill_at = 0.0
    rotate_at = float("inf")
    deadline = time.monotonic() + 60
    while kills < 10 and time.monotonic() < deadline:
        with log.open("ab") as file:
            for _ in range(rng.randrange(40)):
                file.write(b"%d %s\n" % (written, b"x" * rng.randrange(120)))
                written += 1
        now = time.monotonic()
        if now > rotate_at:
            rotations += 1
            rotate_at = now + 0.3
            if rotation != "copytruncate":
                log.rename(tmp_path / f"app.log.{rotations}")
                if rotation == "gzip":
                    subprocess.run(["gzip", str(tmp_path / f"app.log.{rotations}")], check=True)
            else:
                shutil.copyfile(log, tmp_path / f"app.log.{rotations}")
                os.truncate(log, 0)
        time.sleep(0.005)
        if not kill_at and alive.exists():  # it has journalled something since its start
            kill_at = now + rng.random() * 0.25
            rotate_at = min(rotate_at, now + 0.3)
        if kill_at and now > kill_at:
            child.kill()
            child.wait()
            kills += 1
            child, kill_at = start(), 0.0
    try:
        end = time.monotonic() + 20
        reader = open_reader(JournalConfig(journal))
        while reader.end() < written and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.2)
    finally:
        child.kill()
        child.wait()
    assert rotations >= 5
    events, _ = reader.read(0, written * 2)
    seen = Counter(int(event.raw.split(b" ")[0]) for event in events)
    assert [n for n, times in seen.items() if times > 1] == []
    assert [n for n in range(written) if n not in seen] == []
    assert len({event.id for event in events}) == len(events)
