"""The saved state of correlations: whole or absent after a crash, and never used where it does not belong."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import pytest

from collectors.journal import Journal, JournalConfig, open_journal
from soc.app.correlation_state import Saved, StateFile, last_id
from tests.soc.desk_fixtures import event


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    opened = open_journal(JournalConfig(tmp_path / "journal"))
    opened.append([event(n, n) for n in range(10)], {}, [])
    return opened


def test_what_was_saved_is_there_again(tmp_path: Path, journal: Journal) -> None:
    file = StateFile(tmp_path / "state" / "correlations")
    assert file.load(journal, 10) is None
    file.save(7, last_id(journal, 7), lambda: b"what they remember", wait=True)
    assert file.load(journal, 10) == Saved(7, event(6, 6).id, b"what they remember")
    assert file.load(journal, 7) is not None


def test_a_state_of_events_that_were_not_evaluated_is_not_used(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    file = StateFile(tmp_path / "correlations")
    file.save(7, last_id(journal, 7), lambda: b"", wait=True)
    assert file.load(journal, 6) is None
    assert "it is of offset 7, and only 6 were evaluated" in [r.__dict__.get("why") for r in caplog.records]


def test_a_state_of_another_journal_is_not_used(tmp_path: Path, journal: Journal) -> None:
    file = StateFile(tmp_path / "correlations")
    file.save(7, event(99, 1).id, lambda: b"", wait=True)
    assert file.load(journal, 10) is None


@pytest.mark.parametrize("at", [0, 30, -1])
def test_a_damaged_state_is_not_used(tmp_path: Path, journal: Journal, at: int) -> None:
    path = tmp_path / "correlations"
    file = StateFile(path)
    file.save(7, last_id(journal, 7), lambda: b"state", wait=True)
    damaged = bytearray(path.read_bytes())
    damaged[at] ^= 1
    path.write_bytes(damaged)
    assert file.load(journal, 10) is None


def test_the_state_is_that_of_the_moment_while_the_process_goes_on(tmp_path: Path, journal: Journal) -> None:
    memory = ["before"]
    file = StateFile(tmp_path / "correlations")

    def state() -> bytes:
        time.sleep(0.3)
        return memory[0].encode()

    began = time.monotonic()
    file.save(7, last_id(journal, 7), state)
    assert time.monotonic() - began < 0.2
    memory[0] = "after"
    file.save(8, last_id(journal, 8), lambda: b"too soon")
    file.save(9, last_id(journal, 9), lambda: b"at the end", wait=True)
    saved = file.load(journal, 10)
    assert saved is not None
    assert saved.state == b"at the end"
    file.save(7, last_id(journal, 7), state, wait=True)
    saved = file.load(journal, 10)
    assert saved is not None
    assert saved.state == b"after"


def test_a_child_that_fails_leaves_the_state_before_and_is_told(
    tmp_path: Path, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    file = StateFile(tmp_path / "correlations")
    file.save(7, last_id(journal, 7), lambda: b"good", wait=True)
    with caplog.at_level(logging.WARNING):
        file.save(8, last_id(journal, 8), lambda: os._exit(3), wait=True)
    assert [r.__dict__["status"] for r in caplog.records] == [3]
    saved = file.load(journal, 10)
    assert saved is not None
    assert saved.offset == 7
