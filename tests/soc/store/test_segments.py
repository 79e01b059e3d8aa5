"""Segments: events come back as they were journalled, a search finds what it means, and damage never makes it lie."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from collectors.event import Event, Value, make_event
from collectors.record import Position, RawRecord
from soc.store.config import StoreConfig
from soc.store.language import parse
from soc.store.local_events import LocalEventStore
from soc.store.matching import text_of
from soc.store.meaning import elements, fold, holds
from soc.store.segments import building, counting, files, writing
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
        ["@timestamp >= 2026-10-14T10:00", "@timestamp < 2026-10-15", "@timestamp:2026-10-14*", "x.mixed:đ*"]
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


def history(count: int, random: Random) -> list[Event]:
    return [
        made(n, {"message": f"line {n} {random.choice(WORDS)}", "user.name": f"u{n % 7}"}, b"", n * 60, n)
        for n in range(count)
    ]
