"""What the port promises, on the local implementation."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.errors import JournalError
from collectors.event import Event
from collectors.journal import Journal, JournalConfig, open_journal, open_reader, writer_of
from collectors.journal.kafka_config import KafkaJournalConfig
from collectors.journal.local import LocalJournal
from collectors.journal.packing import pack
from collectors.record import DeadLetter, Mark
from tests.servers.kafka import KafkaNode

from .events import any_event, any_letter, any_mark, event, events, letter, mark

Config = JournalConfig | KafkaJournalConfig


@pytest.fixture(params=["local", "segments", pytest.param("kafka", marks=pytest.mark.server)])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Config:
    """Of a journal that is not there yet, of each kind; "segments": of many small ones."""
    if request.param == "kafka":
        return new_topic(request.getfixturevalue("kafka_node"), partitions=2)
    return JournalConfig(tmp_path / "journal", segment_bytes=4_000 if request.param == "segments" else 1 << 26)


def new_topic(node: KafkaNode, partitions: int = 1) -> KafkaJournalConfig:
    return KafkaJournalConfig((node.server,), topic=f"journal-{uuid.uuid4().hex}", partitions=partitions)


@pytest.fixture
def local(tmp_path: Path) -> JournalConfig:
    return JournalConfig(tmp_path / "journal")


def append(
    journal: Journal, events: list[Event], marks: dict[str, Mark | None], dead: list[DeadLetter], *, apart: bool
) -> int:
    """`apart`: packed first, as by a process that does not write the journal."""
    if not apart:
        return journal.append(events, marks, dead)
    content = bytearray()
    got, letters = pack(content, events, marks, dead)
    return journal.append_packed(bytes(content), len(got), len(letters), marks)


def test_events_come_back_in_order_with_their_offsets(config: Config) -> None:
    journal = open_journal(config)
    assert journal.append(events(0, 10), {}, []) == 10
    assert journal.append(events(10, 12), {}, []) == 12
    assert journal.read(0, 100) == (events(0, 12), 12)
    assert journal.read(7, 4) == (events(7, 11), 11)
    assert journal.read(12, 5) == ([], 12)
    assert journal.fetch(9) == event(9)
    with pytest.raises(JournalError, match="no event at offset 12"):
        journal.fetch(12)
    journal.close()


def test_every_offset_reads_alike_across_segments_and_after_reopening(config: Config) -> None:
    journal = open_journal(config)
    for n in range(0, 300, 3):
        journal.append(events(n, n + 3), {"a": mark(n)}, [letter(n)] if n % 2 else [])
    if isinstance(config, JournalConfig) and config.segment_bytes == 4_000:
        assert len(list(config.path.glob("*.seg"))) > 5
    for _ in range(2):
        assert journal.end() == 300
        for n in range(0, 300, 1 if isinstance(config, JournalConfig) else 29):
            assert journal.fetch(n) == event(n)
            assert journal.read(n, 5) == (events(n, min(n + 5, 300)), min(n + 5, 300))
        assert journal.dead_letters(0, 1_000) == ([letter(n) for n in range(3, 300, 6)], 50)
        assert journal.dead_letters(48, 1) == ([letter(291)], 49)
        assert journal.dead_end() == 50
        assert journal.marks() == {"a": mark(297)}
        journal.close()
        journal = open_journal(config)
    journal.close()


def test_replay_gives_equal_bytes(config: Config) -> None:
    journal = open_journal(config)
    for n in range(0, 60, 20):
        journal.append(events(n, n + 20), {}, [])
    assert journal.read(0, 60) == journal.read(0, 60)
    stepwise = [journal.read(n, 1)[0][0] for n in range(60)]
    assert stepwise == journal.read(0, 60)[0]
    journal.close()


@given(
    st.lists(st.tuples(st.lists(any_event, max_size=4), st.booleans()), min_size=1, max_size=5),
    st.integers(0, 20),
    st.integers(1, 20),
)
@settings(max_examples=50, deadline=None)
def test_what_the_writer_still_remembers_reads_as_the_disk_does(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[Event], bool]], offset: int, limit: int
) -> None:
    path = tmp_path_factory.mktemp("remembered")
    journal = open_journal(JournalConfig(path))
    for batch, apart in batches:
        append(journal, batch, {}, [], apart=apart)
    assert journal.read(min(offset, journal.end()), limit) == open_reader(JournalConfig(path)).read(
        min(offset, journal.end()), limit
    )
    journal.close()


def test_a_reader_that_is_far_behind_gets_from_disk_what_the_writer_forgot(
    local: JournalConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collectors.journal.local._RECENT_BYTES", 2_000)
    journal = open_journal(local)
    assert isinstance(journal, LocalJournal)
    for n in range(0, 300, 3):
        journal.append(events(n, n + 3), {}, [])
    assert 0 < sum(len(each.events) for each in journal._recent) < 30
    for n in range(300):
        assert journal.read(n, 40) == (events(n, min(n + 40, 300)), min(n + 40, 300))
    journal.close()


def test_a_mark_of_none_forgets_its_key_also_across_segments(config: Config) -> None:
    journal = open_journal(config)
    journal.append([], {"a": mark(1), "b": mark(2)}, [])
    for n in range(0, 60, 20):
        journal.append(events(n, n + 20), {"c": mark(n)}, [])
    journal.append([], {"a": None}, [])
    journal.close()
    assert open_reader(config).marks() == {"b": mark(2), "c": mark(40)}
    journal = open_journal(config)
    assert journal.marks() == {"b": mark(2), "c": mark(40)}
    journal.append(events(60, 61), {"b": None}, [])
    assert open_reader(config).marks() == {"c": mark(40)}, "also while it is written"
    journal.close()


def test_who_writes_is_known_from_outside(local: JournalConfig) -> None:
    assert writer_of(local.path) == 0
    journal = open_journal(local)
    assert writer_of(local.path) == os.getpid()
    journal.close()
    assert writer_of(local.path) == 0


def test_an_empty_append_writes_nothing(local: JournalConfig) -> None:
    journal = open_journal(local)
    size = sum(p.stat().st_size for p in local.path.glob("*.seg"))
    assert journal.append([], {}, []) == 0
    assert sum(p.stat().st_size for p in local.path.glob("*.seg")) == size
    journal.close()


def test_consumers_keep_their_own_offsets(config: Config) -> None:
    journal = open_journal(config)
    journal.append(events(0, 10), {}, [])
    journal.commit("detect", 4)
    journal.commit("store", 10)
    assert (journal.committed("detect"), journal.committed("store"), journal.committed("new")) == (4, 10, 0)
    with pytest.raises(JournalError, match="beyond"):
        journal.commit("detect", 11)
    with pytest.raises(JournalError, match="no name"):
        journal.commit("../escape", 1)
    journal.commit("detect", 6)
    journal.commit("detect", 5)
    assert open_reader(config).committed("detect") == 5
    journal.close()
    assert open_reader(config).committed("detect") == 5
    journal = open_journal(config)
    journal.commit("detect", 7)
    assert journal.committed("detect") == 7
    journal.close()


def test_a_second_writer_is_refused_with_the_pid_of_the_first(local: JournalConfig) -> None:
    journal = open_journal(local)
    code = (
        "import sys, pathlib; from collectors.journal import *; open_journal(JournalConfig(pathlib.Path(sys.argv[1])))"
    )
    run = subprocess.run([sys.executable, "-c", code, str(local.path)], capture_output=True, text=True)
    assert run.returncode == 1
    assert "another process writes this journal (pid " in run.stderr
    journal.close()
    open_journal(local).close()


def test_another_process_reads_while_the_writer_writes(config: Config) -> None:
    journal = open_journal(config)
    reader = open_reader(config)
    assert reader.end() == 0
    for n in range(0, 200, 10):
        journal.append(events(n, n + 10), {}, [letter(n)])
        assert reader.end() == n + 10
        assert reader.fetch(n + 5) == event(n + 5)
    assert reader.read(0, 1_000) == (events(0, 200), 200)
    assert reader.dead_letters(0, 100)[0] == [letter(n) for n in range(0, 200, 10)]
    journal.close()


def test_waiting_ends_with_the_append_the_timeout_or_the_close(config: Config) -> None:
    journal = open_journal(config)
    assert not journal.wait(0, 0.01)
    for waiter in (journal, open_reader(config)):
        end = journal.end()
        threading.Timer(0.05, journal.append, ([event(end)], {}, [])).start()
        started = time.monotonic()
        assert waiter.wait(end, 5)
        assert time.monotonic() - started < 1
    threading.Timer(0.05, journal.close).start()
    assert not journal.wait(2, 5)


def test_an_event_that_cannot_be_written_becomes_a_dead_letter(config: Config) -> None:
    journal = open_journal(config)
    surrogate = event(1, b"\xed\xa0\x80")
    surrogate.fields["message"] = "\ud800"
    huge = event(2)
    huge.fields["n"] = 2**70
    assert journal.append([event(0), surrogate, huge, event(3)], {}, [letter(9)]) == 2
    assert journal.read(0, 10)[0] == [event(0), event(3)]
    letters, _ = journal.dead_letters(0, 10)
    assert [d.record.data for d in letters] == [b"line 9", b"\xed\xa0\x80", b"line 2"]
    assert all("cannot be journalled" in d.reason for d in letters[1:])
    journal.close()


def test_a_closed_journal_refuses_and_a_missing_one_cannot_be_read(config: Config) -> None:
    with pytest.raises(JournalError, match=r"no journal here|no such topic"):
        open_reader(config)
    journal = open_journal(config)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append([event(0)], {}, [])


def test_several_threads_read_while_one_appends(config: Config) -> None:
    journal = open_journal(config)
    faults: list[object] = []

    def consume() -> None:
        offset = 0
        while offset < 400:
            if journal.wait(offset, 5):
                got, following = journal.read(offset, 37)
                if got != events(offset, following):
                    faults.append((offset, following))
                offset = following

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for n in range(0, 400, 8):
        journal.append(events(n, n + 8), {}, [])
    for thread in threads:
        thread.join(20)
    assert not faults
    journal.close()


any_batches = st.lists(
    st.tuples(
        st.lists(any_event, max_size=4),
        st.dictionaries(st.text("abc", max_size=2), st.none() | any_mark, max_size=2),
        st.lists(any_letter, max_size=2),
        st.booleans(),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(any_batches)
def test_what_was_appended_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, batches: list) -> None:
    path = tmp_path_factory.mktemp("any") / "journal"
    appended_is_read(JournalConfig(path, segment_bytes=300), batches)


@pytest.mark.server
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_batches)
def test_what_was_appended_is_what_kafka_gives(kafka_node: KafkaNode, batches: list) -> None:
    appended_is_read(new_topic(kafka_node), batches)


def appended_is_read(config: Config, batches: list) -> None:
    journal = open_journal(config)
    marks = {}
    for items, change, dead, apart in batches:
        append(journal, items, change, dead, apart=apart)
        marks.update(change)
    journal.close()
    journal = open_journal(config)
    assert journal.read(0, 1_000)[0] == [e for items, *_ in batches for e in items]
    assert journal.dead_letters(0, 1_000)[0] == [d for _, _, dead, _ in batches for d in dead]
    assert journal.marks() == {k: m for k, m in marks.items() if m is not None}
    journal.close()
