"""Segments: events come back as they were journalled, a search finds what it means, and damage never makes it lie."""

from __future__ import annotations

import os
import stat
import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from collectors.event import Event, Value, make_event
from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.journal.durable import make_directory
from collectors.record import Position, RawRecord
from soc.store.config import StoreConfig
from soc.store.language import parse
from soc.store.local_events import LocalEventStore
from soc.store.matching import text_of
from soc.store.meaning import elements, fold, holds
from soc.store.segments import building, counting, files, writing
from soc.store.segments.restoring import events
from soc.store.segments.view import Asked
from tests.soc.store.material import DAY, Site

WORDS = [
    "failed",
    "Failed",
    "password",
    "10.0.0.5",
    "10.0.0.50",
    "web1",
    "web1.example.vn",
    "Đăng",
    "đăng",
    "nhập",
    "a-b",
    "x",
]
SEPARATORS = [" ", "  ", "\n", ".", "-", ": ", "=", "…", '"']

texts = st.lists(st.sampled_from(WORDS + SEPARATORS + [" "]), max_size=9).map("".join)
values: st.SearchStrategy[Any] = st.one_of(
    texts,
    st.sampled_from(
        ["10.0.0.5", "2001:db8::7", "::ffff:10.0.0.5", "::ffff:a00:5", "-", "Lan", "lan", "LAN", "", "22", "true"]
    ),
    st.sampled_from([22, 23, -1, 0, 2**63 - 1, -(2**63), 2**63, 2**64 - 1]),
    st.sampled_from([1.5, 22.0, -0.0, 1e300, float("inf")]),
    st.booleans(),
    st.none(),
    st.lists(st.sampled_from(["clerk", "Lan", "10.0.0.5", "", "Đ"]), max_size=3),
    st.lists(st.integers(0, 30), max_size=2),
)
FIELDS = [
    "message",
    "user.name",
    "user",
    "user.roles",
    "source.ip",
    "source.port",
    "x.mixed",
    "event.dataset",
    "_offset",
    "soc.source",
]
fields = st.dictionaries(st.sampled_from(FIELDS), values, max_size=6)
raws = st.one_of(texts.map(str.encode), st.sampled_from([b"", b"\xff\xfe bad \x00 bytes", b"<38>failed"]))


def made(n: int, said: dict[str, Value], raw: bytes, seconds: int, offset: int) -> Event:
    received = DAY + timedelta(seconds=seconds)
    message = said.get("message")
    if isinstance(message, str) and n % 2:
        raw = b"<38>1 " + message.encode() + raw
    place = Position("" if n % 3 else "/var/log/x", f"s{n % 2}", offset, n + 1)
    event = make_event(RawRecord(raw, "auth", place, received, "192.0.2.7 CN=web" if n % 4 else ""), received, said)
    return event if n % 5 else Event("0" * 31 + str(n % 10), event.time, event.fields, raw, "auth", place, received)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    count = draw(st.integers(1, 60))
    shared = draw(st.lists(fields, min_size=1, max_size=4))
    found = []
    for n in range(count):
        said = draw(st.sampled_from(shared)) if draw(st.booleans()) else draw(fields)
        offset = draw(st.sampled_from([n, n, n, 2**63 + n]))
        found.append(made(n, dict(said), draw(raws), draw(st.integers(0, 200_000)), offset))
    unique = {event.id: event for event in found}
    return list(unique.values())


moments = st.one_of(
    st.datetimes(timezones=st.just(UTC)),
    st.builds(
        lambda second, more: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second, milliseconds=more),
        st.sampled_from([-1, 0, 2**31, 2**32 - 1, 2**32, 2**34 - 1, 2**34]),  # where MessagePack takes more bytes
        st.sampled_from([0, 0, 1, 999]),
    ),
)
streams = st.sampled_from(["s", "t", "0123456789abcdef~", "fedcba9876543210~"])


@settings(max_examples=60)
@example([(datetime(2106, 2, 7, 6, 28, 16, 1, tzinfo=UTC), "a\0b", "s"), (DAY, "\0", "s"), (DAY, "", "s")])
@given(
    st.lists(
        st.tuples(moments, st.sampled_from(["", "a", "\0", "a\0b", "é\0", None]), streams), min_size=1, max_size=30
    )
)
def test_events_of_any_time_text_and_stream_are_built_as_they_were(
    drawn: list[tuple[datetime, str | None, str]],
) -> None:
    rows = []
    for n, (moment, text, stream) in enumerate(drawn):
        raw = b"<38>" + (text or "").encode() + b"\n" * (n % 2)
        record = RawRecord(raw, "auth", Position("", stream, n, n + 1), DAY)
        rows.append((n, make_event(record, moment, {"message": text, "user.name": text})))
    group = building.build(rows, {})
    with TemporaryDirectory() as folder:
        part = writing.write_part(Path(folder), group, 0, {})
        read = events(part, range(len(rows)))
    assert dict(zip(group.table["_offset"].to_pylist(), read, strict=True)) == dict(rows)
    assert group.marks == {("auth", event.position.stream): n for n, event in rows}


leaf = st.one_of(
    st.sampled_from(WORDS),
    texts.filter(lambda text: text.strip()).map(
        lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
    st.sampled_from(
        [
            "fail*",
            "*ssword",
            "w?b1",
            "10.0.*",
            "web1.*",
            "*a-b",
            "a*b",
            "message:failed",
            "message:*",
            "event.original:38",
        ]
    ),
    st.sampled_from(
        ["user.name:lan", "user:lan", "user.roles:clerk", "user.roles:*", "user.name:l*", "x.mixed:22", "x.mixed:true"]
    ),
    st.sampled_from(
        ["source.ip:10.0.0.0/8", "source.ip:10.0.0.5", "source.ip:2001:DB8:0::7", "source.ip:*", "source.ip > 10.0.0.4"]
    ),
    st.sampled_from(
        ["source.port > 21", "source.port <= 22.5", "source.port:22", "x.mixed:*", "x.mixed >= 0", "x.mixed:1.5"]
    ),
    st.sampled_from(
        ["_offset:22", "soc.source:auth", "soc.source:*", "log.offset >= 3", "log.file.path:*", "event.index:2"]
    ),
    st.sampled_from(
        ["log.source.address:192.0.2.7", "log.source.subject:cn=web", "event.dataset:*", "no.such:*", "event.id:0*"]
    ),
    st.sampled_from(
        [
            "@timestamp >= 2026-10-14T10:00",
            "@timestamp < 2026-10-15",
            "event.ingested >= 2026-10-14T10:00",
            "@timestamp:2026-10-14*",
            "x.mixed:đ*",
        ]
    ),
)
queries = st.recursive(
    leaf,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join).map("({})".format),
    ),
    max_leaves=4,
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups of 8 rows and segments of 3 groups, so that few events make many files."""
    monkeypatch.setattr(building, "ROWS", 8)
    monkeypatch.setattr(building, "FEW", 1)
    monkeypatch.setattr(writing, "GROUPS", 3)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = Site(tmp_path, StoreConfig())
    yield opened
    opened.close()


def local(site: Site) -> LocalEventStore:
    assert isinstance(site.store, LocalEventStore)
    return site.store


@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False)
@given(history=histories(), asked=st.lists(queries, min_size=1, max_size=6), since=st.none() | st.integers(0, 200_000))
def test_a_search_finds_what_it_means_and_gives_it_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, history: list[Event], asked: list[str], since: int | None
) -> None:
    site = Site(tmp_path_factory.mktemp("s"), StoreConfig())
    site.index(history)
    kept, _ = site.journal.read(0, 1_000)  # without what no journal can hold
    assert site.store.count() == len(kept)
    view = local(site).view()
    stored = {event.id: event for event in view.events([event.id for event in kept])}
    assert stored == {event.id: event for event in kept}
    assert [list(stored[event.id].fields) for event in kept] == [list(event.fields) for event in kept]
    start = DAY + timedelta(seconds=since) if since is not None else None
    order = sorted(enumerate(kept), key=lambda row: (row[1].time, row[0]), reverse=True)
    for text in asked:
        query = parse(text)
        check = holds(query)
        expected = [event for _, event in order if (start is None or event.time >= start) and check(event.document())]
        found = list(view.documents(Asked(query, start)))
        assert [document["event.id"] for document in found] == [event.id for event in expected], text
        assert found == [event.document() for event in expected]
        counts = counting.top(view, Asked(query, start), "x.mixed")
        assert counts == Counter(text_of(v) for event in expected for v in elements(event.get("x.mixed")))
        drawn = counting.histogram(view, Asked(query, start), timedelta(hours=1), "user.name")
        assert drawn == bars(expected, timedelta(hours=1), "user.name")
    site.close()


def bars(events: list[Event], every: timedelta, field: str) -> dict[datetime, Counter[str]]:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    found: dict[datetime, Counter[str]] = {}
    for event in events:
        begin = epoch + (event.time - epoch) // every * every
        found.setdefault(begin, Counter()).update([text_of(v) for v in elements(event.get(field))] or [""])
    return found


@given(st.text(string.ascii_letters + "._- :Đđ\n0", max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_every_whole_word_of_a_text_is_in_its_filter(text: str, start: int, length: int) -> None:
    from soc.store.language import Text
    from soc.store.meaning import searcher, whole_words
    from soc.store.segments.words import bits, side_by_side

    wanted = Text((text[start : start + length],))
    folded = fold(text).encode()
    if not wanted.parts[0] or not searcher(wanted)(folded):
        return
    numbers = side_by_side([bits([folded])])
    assert files._holding(whole_words(wanted), len(numbers), lambda at: numbers[at * 1024 : (at + 1) * 1024], 1) == 1


def some(count: int, random: Random) -> list[Event]:
    """Events of four shapes, 20 minutes apart, so that they fill parts and segments of several days."""
    shapes: list[dict[str, Value]] = [
        {},
        {"user.roles": ["clerk"]},
        {"x.mixed": 1},
        {"x.mixed": "one", "source.port": 22},
    ]
    return [
        made(
            n,
            {"message": f"line {n} {random.choice(WORDS)}", "user.name": f"u{n % 7}", **shapes[n % 4]},
            b"",
            n * 1_200,
            n,
        )
        for n in range(1, count + 1)
        if n % 5
    ]


QUESTIONS = ["", "password", "user.name:u3", "x.mixed:*", "web1 or line"]


def answers(store: LocalEventStore) -> list[object]:
    """All that a person could see of a store."""
    view = store.view()
    found: list[object] = [list(view.documents(Asked(parse(text)))) for text in QUESTIONS]
    found.append(counting.top(view, Asked(parse("")), "user.name"))
    found.append(counting.histogram(view, Asked(parse("line")), timedelta(hours=6), "x.mixed"))
    found.append(sorted(event.id for event in view.events([f"{n:032x}" for n in range(10)])))
    return found


@pytest.mark.parametrize("harm", ["torn", "flipped"])
def test_damaged_files_answer_as_before_while_the_journal_has_their_events(site: Site, harm: str) -> None:
    site.index(some(100, Random(3)))
    store = local(site)
    store.close()  # what was begun is written
    expected = answers(store)
    paths = sorted(path for path in store.path.iterdir() if path.name != "lock")
    assert {path.suffix for path in paths} == {".arrow", ".parquet", ".index"}
    random, told = Random(harm), 0
    for _ in range(300):
        path = random.choice(paths)
        whole = path.read_bytes()
        if harm == "torn":
            path.write_bytes(whole[: random.randrange(len(whole))])
        else:
            at = random.randrange(len(whole))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << random.randrange(8)]) + whole[at + 1 :])
        question = random.choice(QUESTIONS)
        assert list(store.view().documents(Asked(parse(question)))) == expected[QUESTIONS.index(question)], path
        told += 1
        path.write_bytes(whole)
    assert answers(store) == expected
    assert told == 300


def test_what_is_damaged_and_no_journal_has_is_told_and_the_rest_is_found(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.index(some(90, Random(4)))
    store = local(site)
    store.close()  # what was begun is written
    segment = next(file for file in store.view().files if file.path.suffix == ".parquet")
    whole = segment.path.read_bytes()
    segment.path.write_bytes(whole[:4] + bytes(len(whole) - 4))
    gone = LocalEventStore(store.path, open_reader(JournalConfig(empty_journal(site))))
    found = [document["event.id"] for document in gone.view().documents(Asked(parse("")))]
    expected = [str(one["event.id"]) for one in store.view().documents(Asked(parse("")))]
    lost = sum(about.rows for about in segment.header.groups)
    pending = len(store.view().tail)
    assert len(found) == len(expected) - lost - pending
    assert set(map(str, found)) < set(expected)
    assert "events cannot be read" in caplog.text


def empty_journal(site: Site) -> Path:
    path = site.folder / "other"
    open_journal(JournalConfig(path)).close()
    return path


def test_a_part_of_long_events_has_fewer_rows(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("soc.store.local_events.PART_BYTES", 1_000)
    long = [
        made(n, {"message": f"n{n}"}, b"x" * size, n, n) for n, size in enumerate([400, 400, 400, 5_000, 5_000, 10])
    ]
    site.index(long)
    local(site).close()
    parts = [about.rows for file in local(site).view().files for about in file.header.groups]
    assert parts == [2, 1, 1, 1]  # what is left waits in the journal
    assert site.store.count() == len(long)


def test_parts_that_a_crash_left_beside_their_segment_are_not_counted_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(Path, "unlink", lambda *_, **__: None)
        site.index(some(90, Random(5)))
        local(site).close()  # what was begun is written
    store = local(site)
    assert len(list(store.path.glob("part-*"))) > len(
        [file for file in store.view().files if file.path.suffix == ".arrow"]
    )
    expected = answers(store)
    store.close()
    other = Site.events(site)
    assert isinstance(other, LocalEventStore)
    assert other.count() == len(some(90, Random(5)))
    assert answers(other) == expected
    site.store = other
    assert site.index([made(1_001, {"message": "later"}, b"", 900_000, 1_001)]).stored == 1
    other.close()
    assert len(list(store.path.glob("part-*"))) == len(
        [file for file in other.view().files if file.path.suffix == ".arrow"]
    )


class Disk:
    """What a power cut leaves: of each file what was synced last, under the names that its folder had when that was synced last."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.contents: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.syncs = 0
        for name in ("fsync", "fdatasync"):
            monkeypatch.setattr(os, name, self._sync)

    def _sync(self, fd: int) -> None:
        self.syncs += 1
        at = os.fstat(fd)
        if stat.S_ISDIR(at.st_mode):
            self.names[at.st_ino] = {entry.name: entry.inode() for entry in os.scandir(f"/proc/self/fd/{fd}")}
        else:
            self.contents[at.st_ino] = Path(f"/proc/self/fd/{fd}").read_bytes()

    def after_a_power_cut(self, folder: Path, copy: Path) -> None:
        """Make `copy` what `folder` would be."""
        self._restore(folder.stat().st_ino, copy)

    def _restore(self, inode: int, copy: Path) -> None:
        copy.mkdir()
        for name, each in self.names.get(inode, {}).items():
            if each in self.names:
                self._restore(each, copy / name)
            elif each in self.contents:
                (copy / name).write_bytes(self.contents[each])


@pytest.mark.parametrize("seed", range(12))
def test_a_power_cut_takes_nothing_that_was_acknowledged(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, disk = Random(seed), Disk(monkeypatch)
    folder = tmp_path / "site"
    make_directory(folder)
    site = Site(folder, StoreConfig())
    events, told = some(130, random), 0
    cut = random.randrange(20, 120)
    while told < len(events):
        batch = events[told : told + random.randrange(1, 9)]
        site.index(batch)
        told += len(batch)
        if disk.syncs > cut:
            break
    disk.after_a_power_cut(folder, tmp_path / "after")
    after = Site(tmp_path / "after", StoreConfig())
    assert after.journal.end() == told
    assert after.store.count() == told
    assert answers(local(after)) == answers(local(site))
    after.index(events[told:])
    assert after.store.count() == len(events)
    for each in (site, after):
        each.close()
