"""systemd's journal, read by the real journalctl from real journal files: nothing is lost, nothing comes twice."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from collectors.choosing import ChoosingParser
from collectors.errors import SourceError
from collectors.parse import Context
from collectors.record import Mark, RawRecord
from collectors.sources import open_source
from collectors.sources.journald import JournaldSource, asked
from collectors.sources.journald_config import JournaldConfig
from tests.servers import journal

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("_tools")]
SOON_S = 10.0


@pytest.fixture
def _tools() -> None:
    journal.needed()


class Following:
    """A source in a thread; keeps what it gave, and the marks as a journal would."""

    def __init__(self, source: JournaldSource) -> None:
        self.source = source
        self.records: list[RawRecord] = []
        self.marks: dict[str, Mark] = {}
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._drive)
        self._thread.start()

    def _drive(self) -> None:
        for batch in self.source.batches(self.stop):
            self.records += batch.records
            self.marks.update({key: mark for key, mark in batch.marks.items() if mark is not None})

    @property
    def messages(self) -> list[str]:
        return [json.loads(record.data)["MESSAGE"] for record in self.records]

    def until(self, count: int) -> None:
        end = time.monotonic() + SOON_S
        while len(self.records) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.records) == count

    def end(self) -> None:
        begun = time.monotonic()
        self.stop.set()
        self._thread.join(SOON_S)
        self.source.close()
        assert not self._thread.is_alive()
        assert time.monotonic() - begun < 2.5


@contextmanager
def following(folder: Path, marks: Mapping[str, Mark] | None = None, **keys: object) -> Iterator[Following]:
    source = open_source(JournaldConfig("j", directory=folder, **keys), marks or {})  # type: ignore[arg-type]
    assert isinstance(source, JournaldSource)
    each = Following(source)
    try:
        yield each
    finally:
        each.end()


def test_entries_come_as_they_are_written_and_after_a_restart_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "system.journal"
    journal.write(path, journal.entry("one"), journal.entry("two"))
    with following(tmp_path) as first:
        first.until(2)
        journal.write(path, journal.entry("three"))
        first.until(3)
        assert first.messages == ["one", "two", "three"]
    journal.write(path, journal.entry("four"))
    with following(tmp_path, first.marks) as second:
        second.until(1)
        journal.write(path, journal.entry("five"))
        second.until(2)
        assert second.messages == ["four", "five"]
    with following(tmp_path, second.marks) as third:
        time.sleep(0.5)
    assert third.records == []


def test_journalctl_that_is_killed_is_started_again_after_the_last_entry(tmp_path: Path) -> None:
    path = tmp_path / "system.journal"
    journal.write(path, journal.entry("one"), journal.entry("two"))
    with following(tmp_path) as each:
        each.until(2)
        child = each.source._child
        assert child is not None
        os.kill(child.pid, signal.SIGKILL)
        journal.write(path, journal.entry("three"))
        each.until(3)
        assert each.messages == ["one", "two", "three"]


def test_what_was_not_taken_over_comes_again(tmp_path: Path) -> None:
    """The crash between a batch and its append: the mark of the batch before still stands."""
    journal.write(tmp_path / "system.journal", *(journal.entry(f"m{n}") for n in range(3)))
    config = JournaldConfig("j", directory=tmp_path, follow=False)
    (batch,) = JournaldSource(config, {}).batches(threading.Event())
    assert len(batch.records) == 3
    (again,) = JournaldSource(config, {}).batches(threading.Event())
    places = [record.position for record in batch.records]
    assert [record.position for record in again.records] == places
    assert len(set(places)) == 3


def test_entries_parse_as_the_messages_that_they_hold(tmp_path: Path) -> None:
    failed = "Failed password for invalid user admin from 192.0.2.7 port 40022 ssh2"
    journal.write(
        tmp_path / "system.journal", journal.entry(failed, SYSLOG_IDENTIFIER="sshd", _SYSTEMD_UNIT="ssh.service")
    )
    (batch,) = JournaldSource(JournaldConfig("j", directory=tmp_path, follow=False), {}).batches(threading.Event())
    ([event], dead) = ChoosingParser("journald", Context()).parse(batch.records)
    assert dead == []
    assert (event.fields["event.dataset"], event.fields["source.ip"]) == ("sshd", "192.0.2.7")
    assert event.fields["systemd.unit"] == "ssh.service"


def test_units_choose(tmp_path: Path) -> None:
    path = tmp_path / "system.journal"
    journal.write(
        path, journal.entry("a", _SYSTEMD_UNIT="ssh.service"), journal.entry("b", _SYSTEMD_UNIT="cron.service")
    )
    config = JournaldConfig("j", directory=tmp_path, follow=False, units=("cron.service",))
    (batch,) = JournaldSource(config, {}).batches(threading.Event())
    assert [json.loads(record.data)["MESSAGE"] for record in batch.records] == ["b"]


def test_hostile_messages_neither_break_nor_move_the_cursor(tmp_path: Path) -> None:
    forged = '"__CURSOR":"s=0;i=ff;b=0;m=0;t=0;x=0"'
    hostile: list[str | bytes] = [
        forged,
        f"{forged}\n{forged}",
        b"\xff\xfe\0\x1b[31m",
        "x" * 100_000,
        b"\0" * 9,
        "after",
    ]
    journal.write(tmp_path / "system.journal", *map(journal.entry, hostile))
    config = JournaldConfig("j", directory=tmp_path, follow=False, max_line_bytes=20_000)
    records = [each for batch in JournaldSource(config, {}).batches(threading.Event()) for each in batch.records]
    assert len(records) == len(hostile)
    assert [record.truncated > 0 for record in records] == [False, False, False, True, False, False]
    numbers = [record.position.offset for record in records if not record.truncated]
    assert numbers == sorted(numbers)
    assert numbers[-1] < 0xFF
    assert json.loads(records[-1].data)["MESSAGE"] == "after"
    events, dead = ChoosingParser("journald", Context()).parse(records)
    assert (len(events), len(dead)) == (len(hostile) - 1, 1)


def test_journal_that_cannot_be_read_is_told_with_its_reason(tmp_path: Path) -> None:
    source = JournaldSource(JournaldConfig("j", directory=tmp_path / "none"), {})
    with pytest.raises(SourceError, match=r"journalctl: .*[Nn]o such file"):
        next(iter(source.batches(threading.Event())))


def test_what_journalctl_says_against_it_is_told(tmp_path: Path) -> None:
    assert asked(JournaldConfig("j", directory=tmp_path)) in ("", "No journal files were found.")
    journal.write(tmp_path / "system.journal", journal.entry("one"))
    assert asked(JournaldConfig("j", directory=tmp_path)) == ""
    with pytest.raises(SourceError, match=r"[Nn]o such file"):
        asked(JournaldConfig("j", directory=tmp_path / "none"))


def test_without_journalctl_the_source_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="journalctl cannot be started: No such file"):
        next(iter(JournaldSource(JournaldConfig("j"), {}).batches(threading.Event())))


def test_while_nobody_asks_nothing_is_read_ahead(tmp_path: Path) -> None:
    journal.write(tmp_path / "system.journal", *(journal.entry("x" * 2_000) for _ in range(1_000)))
    source = JournaldSource(JournaldConfig("j", directory=tmp_path, follow=False), {})
    stop = threading.Event()
    batches = source.batches(stop)
    next(batches)
    time.sleep(0.3)
    assert source.counts.records < 500, "one chunk of a pipe, not the journal"
    assert sum(len(batch.records) for batch in batches) + source.counts.records >= 1_000
    assert source.counts.records == 1_000
    source.close()
