"""Records whose lines come between each other: each is put together, in any chunking; a place between records loses and repeats nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collectors.choosing import ChoosingParser
from collectors.parse import Context, formats
from collectors.record import RawRecord, Woven
from collectors.sources import FileConfig, open_source
from collectors.sources.lines import LineCutter
from collectors.sources.woven import unwoven

from .follower import Follower

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def _strand(line: bytes) -> tuple[bytes, int, bool] | None:
    """`7@3 ...` belongs to record 7 of second 3; with `!` it is its last."""
    name, at, rest = line.partition(b"@")
    return (name, int(rest.split(b" ")[0]), line.rstrip(b"\r").endswith(b"!")) if at else None


WOVEN = Woven(_strand, 2)


def cut(cutter: LineCutter, whole: bytes, steps: list[int], limit: int = 3) -> list[RawRecord]:
    records: list[RawRecord] = []
    at = turn = 0
    while at < len(whole):
        step = steps[turn % len(steps)]
        cutter.feed(whole[at : at + step])
        while cutter.more:
            records += cutter.take(limit, "s", "p", "x", NOW)
        at, turn = at + step, turn + 1
    return records


def end(cutter: LineCutter) -> list[RawRecord]:
    return cutter.finish("s", "p", "x", NOW)


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    """Lines of up to six records with ends, in any order, with lines of their own between them."""
    parts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    queues = [
        [b"%d@5 line %d%s" % (name, at, b"!" if at == count - 1 else b"") for at in range(count)]
        for name, count in enumerate(parts)
    ]
    queues.append([b"alone %d" % n for n in range(draw(st.integers(0, 3)))])
    lines: list[bytes] = []
    while waiting := [queue for queue in queues if queue]:
        lines.append(draw(st.sampled_from(waiting)).pop(0))
    return lines


@given(
    streams(),
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.integers(1, 5),
    st.sampled_from([b"\n", b"\r\n"]),
)
def test_every_record_is_whole_and_stands_where_it_begins_in_any_chunking(
    lines: list[bytes], steps: list[int], limit: int, ending: bytes
) -> None:
    whole = b"".join(line + ending for line in lines)
    cutter = LineCutter(1_000, continues=WOVEN)
    records = cut(cutter, whole, steps, limit)
    assert cutter.offset == len(whole), "all are over"
    assert not cutter.waits
    names = dict.fromkeys(line.partition(b"@")[0] if b"@" in line else line for line in lines)
    expected = [b"\n".join(line for line in lines if line == name or line.startswith(name + b"@")) for name in names]
    assert [each.data for each in records] == expected
    assert all(whole.startswith(each.data.split(b"\n")[0], each.position.offset) for each in records)
    assert [each.position.index for each in records] == [
        whole.count(b"\n", 0, each.position.offset) + 1 for each in records
    ]


@given(streams(), st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 10_000))
def test_what_is_read_again_from_any_mark_is_what_was_not_given(
    lines: list[bytes], steps: list[int], stop: int
) -> None:
    whole = b"".join(line + b"\n" for line in lines)
    uncut = LineCutter(1_000, continues=WOVEN)
    every = cut(uncut, whole, steps)
    first = LineCutter(1_000, continues=WOVEN)
    given_before = cut(first, whole[: stop % (len(whole) + 1)], steps)
    second = LineCutter(1_000, offset=first.offset, index=first.index, tail=first.tail, continues=WOVEN)
    assert given_before + cut(second, whole[first.offset :], steps) == every


def test_a_record_without_an_end_is_over_when_a_younger_one_comes() -> None:
    lines = [b"1@5 a", b"2@7 b", b"1@5 c", b"3@8 d", b"2@7 e!"]
    groups, taken = unwoven(lines, WOVEN, 500, 10_000)
    assert (groups, taken) == ([[0, 2]], 3) or (groups, taken) == ([], 0)
    cutter = LineCutter(1_000, continues=WOVEN)
    records = cut(cutter, b"\n".join(lines) + b"\n3@8 f!\n", [7])
    assert [each.data for each in records] == [b"1@5 a\n1@5 c", b"2@7 b\n2@7 e!", b"3@8 d\n3@8 f!"]


def test_records_that_never_end_are_bounded_and_nothing_is_lost() -> None:
    lines = [b"%d@5 x" % n for n in range(3_000)]
    cutter = LineCutter(1_000, continues=WOVEN)
    records = []
    for line in lines:
        cutter.feed(line + b"\n")
        records += cutter.take(10, "s", "p", "x", NOW)
        assert len(cutter._open) < 500
    records += end(cutter)
    assert [each.data for each in records] == lines


def test_bytes_of_open_records_are_bounded() -> None:
    cutter = LineCutter(1_000, continues=WOVEN)
    records = []
    for n in range(100):
        cutter.feed(b"%d@5 " % n + b"x" * 900 + b"\n")
        records += cutter.take(10, "s", "p", "x", NOW)
        assert sum(map(len, cutter._open)) < 17_000
    assert len(records + end(cutter)) == 100


def test_a_line_of_ten_megabytes_is_cut_and_the_others_are_whole() -> None:
    cutter = LineCutter(1_000, continues=WOVEN)
    records = cut(cutter, b"1@5 a\n2@5 " + b"x" * 10_000_000 + b"\n1@5 b!\n2@5 c!\n", [65_536])
    assert [(each.data[:5], len(each.data), each.truncated > 9_000_000) for each in records] == [
        (b"1@5 a", 12, False),
        (b"2@5 x", 1_000, True),
    ]
    assert cutter.offset == 10_000_000 + 6 + 5 + 7 + 7


def test_records_of_the_audit_log_are_told_apart_by_time_number_and_node() -> None:
    strand = formats()["auditd"].continues
    assert isinstance(strand, Woven)
    lines = [
        b"type=SYSCALL msg=audit(1795316400.123:871): arch=c000003e syscall=59",
        b"node=db01 type=SYSCALL msg=audit(1795316400.123:871): arch=c000003e syscall=59",
        b"type=USER_AUTH msg=audit(1795316400.124:872): pid=1 msg='op=x res=success'",
        b'type=EXECVE msg=audit(1795316400.123:871): argc=1 a0="id"',
        b"node=db01 type=PROCTITLE msg=audit(1795316400.123:871): proctitle=6964",
        b"no record",
        b"type=PROCTITLE msg=audit(1795316400.123:871): proctitle=6964",
        b"type=CONFIG_CHANGE msg=audit(1795316401.123:873): op=set audit_enabled=0",
        b"type=USER_END msg=audit(1795316403.123:874): pid=1 msg='op=x res=success'",
        b"type=USER_END msg=audit(1795316404.123:875): pid=1 msg='op=x res=success'",
    ]
    groups, taken = unwoven(lines, strand, 500, 100_000)
    assert groups == [[0, 3, 6], [1, 4], [2], [5], [7], [8], [9]]
    assert taken == len(lines)


def test_an_audit_log_that_is_read_on_after_a_stop_amid_an_event_gives_each_event_once_and_whole(
    tmp_path: Path,
) -> None:
    log = tmp_path / "audit.log"
    one, two = b"msg=audit(1795316400.123:871):", b"msg=audit(1795316400.124:872):"
    before = [
        b"type=USER_AUTH msg=audit(1795316400.100:870): pid=1 msg='op=x acct=\"an\" res=failed'",
        b"type=SYSCALL "
        + one
        + b' arch=c000003e syscall=59 success=yes exit=0 pid=7 uid=0 comm="id" exe="/usr/bin/id"',
        b"type=SYSCALL "
        + two
        + b' arch=c000003e syscall=87 success=yes exit=0 pid=8 uid=0 comm="rm" exe="/usr/bin/rm"',
        b"type=EXECVE " + one + b' argc=1 a0="id"',
    ]
    after = [
        b"type=PROCTITLE " + two + b" proctitle=726D",
        b"type=PROCTITLE " + one + b" proctitle=6964",
    ]
    parser = ChoosingParser("auditd", Context())
    config = FileConfig("audit", str(log), poll_s=0.02)
    log.write_bytes(b"".join(line + b"\n" for line in before))
    with Follower(open_source(config, {}, parser.continues())) as first:
        assert len(first.until(1)) == 1
    with log.open("ab") as file:
        file.write(b"".join(line + b"\n" for line in after))
    with Follower(open_source(config, first.marks, parser.continues())) as again:
        assert len(again.until(2)) == 2
    with Follower(open_source(config, again.marks, parser.continues())) as third:
        third.when(lambda: bool(third.records), 0.2)
    assert third.records == []
    events, dead = parser.parse([*first.records, *again.records])
    assert dead == []
    assert [event.fields["auditd.log.sequence"] for event in events] == [870, 871, 872]
    assert [event.fields["event.action"] for event in events] == ["authenticated", "executed", "deleted"]
    assert [event.position.index for event in events] == [1, 2, 3]
