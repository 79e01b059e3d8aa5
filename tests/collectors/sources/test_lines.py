"""Framing by newline, against a plain split of the whole input."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from collectors.record import RawRecord
from collectors.sources.lines import TAIL_BYTES, LineCutter

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def take_all(cutter: LineCutter, limit: int = 3) -> list[RawRecord]:
    records: list[RawRecord] = []
    while cutter.more:
        records += cutter.take(limit, "s", "p", "x", NOW)
    return records


@given(
    st.lists(st.one_of(st.just(b"\n"), st.just(b"\r\n"), st.binary(max_size=5), st.binary(max_size=700)), max_size=25),
    st.integers(1, 300),
)
def test_any_chunking_gives_the_lines_of_the_whole(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    cutter = LineCutter(limit)
    records: list[RawRecord] = []
    for chunk in chunks:
        cutter.feed(chunk)
        records += take_all(cutter)
        assert cutter.tail == whole[max(0, cutter.offset - TAIL_BYTES) : cutter.offset]
    records += cutter.finish("s", "p", "x", NOW)
    assert cutter.offset == len(whole)
    assert cutter.tail == whole[-TAIL_BYTES:]
    given_lines = [(r.position.index, r.position.offset, r.data, r.truncated > 0) for r in records]
    expected, offset = [], 0
    for index, line in enumerate(whole.split(b"\n"), 1):
        text = line.removesuffix(b"\r")
        if text:
            expected.append((index, offset, text[:limit], len(text) > limit))
        offset += len(line) + 1
    assert [g[:3] for g in given_lines] == [e[:3] for e in expected]
    for (_, _, _, flagged), (_, _, text, cut) in zip(given_lines, expected, strict=True):
        assert flagged == cut or len(text) == limit, "a CR just beyond the limit may be counted"


def test_a_10_mb_line_costs_bounded_memory_and_is_cut_and_flagged() -> None:
    cutter = LineCutter(64 * 1024)
    tracemalloc.start()
    cutter.feed(b"first\n")
    first = take_all(cutter)
    for _ in range(160):
        cutter.feed(b"x" * 65_536)
        assert not take_all(cutter)
    cutter.feed(b"\nlast\n")
    rest = take_all(cutter)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000
    assert [(len(r.data), r.truncated) for r in first + rest] == [(5, 0), (65_536, 159 * 65_536), (4, 0)]
    assert [r.position.offset for r in rest] == [6, 6 + 160 * 65_536 + 1]


def test_bytes_that_are_no_text_pass() -> None:
    cutter = LineCutter(100)
    cutter.feed(b"\xff\xfe\x00\x80 a\0b\n")
    assert [r.data for r in take_all(cutter)] == [b"\xff\xfe\x00\x80 a\0b"]


def in_quotes(line: bytes, is_open: bool) -> bool:
    """As in csvlog: an odd number of quotes opens or closes."""
    return is_open ^ bool(line.count(b'"') & 1)


_record = st.one_of(
    st.just(b"plain,line"),
    st.builds(
        lambda parts: b'a,"' + b"\n".join(parts) + b'",b',
        st.lists(st.sampled_from([b"select", b"", b"  1\r", b"x" * 9]), max_size=6),
    ),
)


@given(st.lists(_record, max_size=12), st.lists(st.integers(1, 40), min_size=1), st.integers(1, 4), st.booleans())
def test_records_that_span_lines_are_joined_in_any_chunking(
    parts: list[bytes], steps: list[int], limit: int, ended: bool
) -> None:
    whole = b"\n".join(parts) + (b"\n" if ended and parts else b"")
    cutter = LineCutter(200, continues=in_quotes)
    records: list[RawRecord] = []
    at = turn = 0
    while at < len(whole):
        step = steps[turn % len(steps)]
        cutter.feed(whole[at : at + step])
        records += take_all(cutter, limit)
        assert cutter.tail == whole[max(0, cutter.offset - TAIL_BYTES) : cutter.offset]
        at, turn = at + step, turn + 1
    records += cutter.finish("s", "p", "x", NOW)
    assert cutter.offset == len(whole)
    assert [r.data for r in records] == parts
    assert all(whole.startswith(r.data, r.position.offset) for r in records)
    indexes = [1 + whole.count(b"\n", 0, r.position.offset) for r in records]
    assert [r.position.index for r in records] == indexes


def test_a_stray_quote_costs_its_own_line_only() -> None:
    cutter = LineCutter(1_000, continues=in_quotes)
    good = [b'%d,"one line"' % n for n in range(200)]
    cutter.feed(b'stray " quote\n' + b"".join(g + b"\n" for g in good))
    records = take_all(cutter, 50) + cutter.finish("s", "p", "x", NOW)
    assert [r.data for r in records] == [b'stray " quote', *good]


def test_an_open_record_of_endless_lines_is_bounded_in_memory_and_time() -> None:
    cutter = LineCutter(64 * 1024, continues=lambda line, is_open: True)
    records = 0
    for _ in range(3):
        cutter.feed(b"x\n" * 5_000)
        records += len(take_all(cutter, 5_000))
        assert len(cutter._open) <= 500
    assert records + len(cutter.finish("s", "p", "x", NOW)) == 15_000
    assert cutter.offset == 30_000


@given(
    st.lists(st.one_of(st.just(b"\n"), st.just(b'"'), st.binary(max_size=5), st.binary(max_size=700)), max_size=25),
    st.integers(1, 300),
)
def test_any_bytes_joined_or_not_keep_their_places(chunks: list[bytes], limit: int) -> None:
    whole = b"".join(chunks)
    cutter = LineCutter(limit, continues=in_quotes)
    records: list[RawRecord] = []
    for chunk in chunks:
        cutter.feed(chunk)
        records += take_all(cutter)
        assert cutter.tail == whole[max(0, cutter.offset - TAIL_BYTES) : cutter.offset]
    records += cutter.finish("s", "p", "x", NOW)
    assert cutter.offset == len(whole)
    assert all(whole.startswith(r.data, r.position.offset) and len(r.data) <= limit for r in records)
