"""Whatever stands in a text of a row is looked for there: by brute force over every run of characters of odd records, and in recordings."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.event import Event
from collectors.parse import Context, parse_batch
from collectors.parse.windows_table import FORMAT, WindowsTables
from collectors.record import RawRecord
from soc.detect.sigma import Matcher, ir, load
from soc.detect.sigma.keywords import Block, Pieces
from soc.detect.sigma.leaf import haystack
from soc.detect.table import EventTable, RowTable
from tests.collectors.parse.test_windows_table import ODD, lines_of, unchanged
from tests.collectors.parse.test_windows_table import event as line
from tests.soc.detect.sigma.material import CORPUS, FOLDERS, SIGMAHQ, event

ADDED = ("Web Frontend", "pc-\u212a1.example")
RUNS = (3, 7, 60)
SEEN = 300
"""Characters of a text from which runs are taken."""


def block_of(table: RowTable) -> Block:
    places = range(len(table))
    return Block(table.lines(places), table.words(places))


def missed(table: RowTable) -> list[tuple[int, str]]:
    """Rows in which a literal stands and is not looked for."""
    block = block_of(table)
    rows_of: dict[str, set[int]] = {}
    for row in range(len(table)):
        for text in table.texts(row):
            for low in {text.lower(), haystack(text.lower())}:
                for length in RUNS:
                    for start in range(max(1, min(len(low), SEEN) - length + 1)):
                        rows_of.setdefault(low[start : start + length], set()).add(row)
    return [
        (row, literal) for literal, rows in rows_of.items() for row in rows - set(Pieces([literal]).suspects(block))
    ]


def windows_table(lines: Iterable[bytes]) -> RowTable:
    def enriched(events: Sequence[Event]) -> list[Event]:
        for each in events:
            each.fields.update({"labels.service_name": ADDED[0], "source.domain": ADDED[1]})
        return list(events)

    return WindowsTables(Context(), enriched, ADDED).read(lines_of(list(lines)))[0]


SPELLED = {
    "a letter as an escape": line({"Image": "mimikatz"}).replace(b"mimi", b"m\\u0069mi"),
    "a slash as an escape": line({"Image": "atk/x"}).replace(b"/x", b"\\/x"),
    "a Kelvin sign": line({"Image": "mimi\u212aatz"}),
    "a Kelvin sign as an escape": line({"Image": "mimi-atz"}).replace(b"-", b"\\u212A"),
    "a dotted capital I": line({"Image": "m\u0130mikatz"}),
    "a dotted capital I as an escape": line({"Image": "m-mikatz"}).replace(b"-", b"\\u0130"),
    "a long s": line({"Image": "\u017fekurlsa::"}),
    "a long s as an escape": line({"Image": "-ekurlsa::"}).replace(b"-", b"\\u017F"),
    "an address in another spelling": line({"SourceIp": "2001:0DB8:0:0:0:0:0:1", "DestinationIp": "::ffff:7f00:1"}, EventID=3),
}  # fmt: skip


@pytest.mark.parametrize("odd", [*SPELLED.values(), *ODD.values()], ids=[*SPELLED.keys(), *ODD.keys()])
def test_what_stands_in_an_odd_line_is_looked_for_there(odd: bytes) -> None:
    table = windows_table([line({"Image": "C:\\a.exe"}), odd, line({"Image": "x"})])
    assert missed(table) == []
    whole = windows_table([odd])
    for row in range(len(whole)):  # before the row was asked for its texts, and after
        assert missed(EventTable([whole.event(row)])) == []


_texts = st.text(st.sampled_from('aikKsS\u0130\u0131\u017f\u212a\u00e9\u0661"\\/\0\n\t \x7f\ud800'), max_size=9)


@given(
    st.lists(st.dictionaries(st.sampled_from(["Image", "Data", "New Value"]), _texts, max_size=3), max_size=3),
    st.booleans(),
)
def test_what_stands_in_any_line_is_looked_for_there(data: list[dict[str, str]], escaped: bool) -> None:
    lines = [line({name: text.replace("\ud800", "") for name, text in each.items()}) for each in data]
    if escaped:
        lines = ["".join(c if c < "\x80" else f"\\u{ord(c):04X}" for c in each.decode()).encode() for each in lines]
    assert missed(windows_table(lines)) == []


@given(st.lists(st.tuples(_texts, _texts, st.lists(_texts, max_size=2)), max_size=3))
def test_what_stands_in_any_event_is_looked_for_there(drawn: list[tuple[str, str, list[str]]]) -> None:
    events = [event({"a": text, "b": many, "n": 7}, raw, at) for at, (raw, text, many) in enumerate(drawn)]
    assert missed(EventTable(events)) == []


def test_no_other_character_has_a_letter_of_ascii_in_lower_case() -> None:
    beyond = map(chr, range(0x80, sys.maxunicode + 1))
    assert [c for c in beyond if min(haystack(c.lower())) < "\x80"] == ["\u0130", "\u017f", "\u212a"]


def test_rows_without_a_literal_are_not_looked_at() -> None:
    lines = [line({"Image": f"C:\\Windows\\{name}"}) for name in ("a.exe", "MIMIKATZ.exe", "caf\u00e9.exe")]
    block = block_of(windows_table(lines))
    assert list(Pieces(["nowhere", "mimikatz"]).suspects(block)) == [1]
    assert list(Pieces(["\\mimikatz"]).suspects(block)) == [1]
    assert list(Pieces(["web frontend"]).suspects(block)) == [0, 1, 2]  # enrichment may say that of any
    assert list(Pieces(["caf\u00e9", "mimikatz"]).suspects(block)) == [1, 2]
    assert list(Pieces(["mimikatz", "\u00e9\u00e9"]).suspects(block)) == [0, 1, 2]  # nothing to look for
    assert list(Pieces(["nowhere"]).suspects(Block([], []))) == []


@pytest.mark.corpus
@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")
def test_all_keyword_rules_find_the_same_in_rows_as_in_events_and_in_single_events() -> None:
    import evtx

    content = load([SIGMAHQ / folder for folder in FOLDERS], cache=None)
    rules = [rule for _, rule in content if isinstance(rule, ir.Rule) and _has_keywords(rule.tree)]
    assert len(rules) >= 50
    matcher, count, fired, looked_at, rows = Matcher(rules), 0, 0, 0, 0
    needles = Pieces(["dpapi::masterkey", "gentilkiwi.com", "sekurlsa::"])
    for path in sorted(CORPUS.rglob("*.evtx"))[::3]:
        try:
            data = [record["data"].encode() for record in evtx.PyEvtxParser(str(path)).records_json()]
        except (RuntimeError, OSError):
            continue
        records: Sequence[RawRecord] = lines_of(data)
        events, _ = parse_batch(records, FORMAT, Context())
        table = WindowsTables(Context(), unchanged).read(records)[0]
        found = [(hit.at, hit.fired) for hit in matcher.match(table)]
        assert found == [(hit.at, hit.fired) for hit in matcher.match(events)]
        fired += len(found)
        count += len(events)
        block = block_of(table)
        looked_at += len(needles.suspects(block))
        rows += len(block)
    assert fired >= 10
    assert count > 3_000
    assert looked_at < rows / 50


def _has_keywords(node: ir.Node) -> bool:
    if isinstance(node, ir.Leaf):
        return node.field is None or node.field == ""
    return _has_keywords(node.item) if isinstance(node, ir.Not) else any(map(_has_keywords, node.items))
