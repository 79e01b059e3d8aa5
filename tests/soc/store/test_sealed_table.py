"""Rows of sealed groups against the events that were sealed: every field, every key, every text, and which rules fire on them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.event import ENVELOPE, Event
from soc.detect.sigma import Matcher, ir, load
from soc.detect.sigma.keywords import Pieces
from soc.detect.table import EventTable
from soc.store.language import All
from soc.store.segments import building
from soc.store.segments.files import DamagedFileError, Segment
from soc.store.segments.table import SealedTable
from soc.store.segments.view import Asked
from soc.store.segments.writing import seal, write_part
from tests.soc.detect.sigma.material import rule, write
from tests.soc.store.material import DAY
from tests.soc.store.test_segments import FIELDS, fields, made, raws

rows = st.lists(st.tuples(fields, raws, st.integers(0, 90)), min_size=1, max_size=30)
ROUTING = ("event.dataset", "user.name", "user.roles", "x.mixed", "source.port")

DETECTIONS: list[Any] = [
    {"s": {"user.name|contains": "lan"}, "condition": "s"},
    {"s": {"source.port": 22}, "condition": "s"},
    {"s": {"x.mixed": True}, "condition": "s"},
    {"s": {"user.roles": "clerk"}, "f": {"message|contains": "x"}, "condition": "s and not f"},
    {"s": {"x.mixed": None}, "f": {"user.name": "Lan"}, "condition": "s and f"},
    {"k": ["password", "clerk"], "condition": "k"},
    {"k": ["2001:db8"], "s": {"user": "22"}, "condition": "k or s"},
    {"s": {"user.name|fieldref": "user"}, "condition": "s"},
    {"s": {"soc.source": "auth"}, "f": {"_offset|exists": True}, "condition": "s and not f"},
]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> list[ir.Rule]:
    ids = [f"5e7f0c2e-93c7-4b5a-8d5a-{number:012x}" for number in range(len(DETECTIONS))]
    written = [rule(detection, id=each) for each, detection in zip(ids, DETECTIONS, strict=True)]
    folder = tmp_path_factory.mktemp("rules")
    return [each for _, each in load([write(folder, *written)]) if isinstance(each, ir.Rule)]


def sealed(folder: str, events: list[Event], asked: Asked, few: int, kept: str = "part") -> SealedTable:
    """`few`: rows up to which a field has no column; `kept`: in what kind of file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "FEW", few)
        patch.setattr(building, "ROWS", 1)
        types: dict[str, str] = {}
        group = building.build(list(enumerate(events, 100)), types)
    part = write_part(Path(folder), group, 100, types)
    return SealedTable(
        seal(Path(folder), [part]).groups() if kept == "segment" else [part], asked, at_once=kept == "part"
    )


@given(rows, st.integers(0, 3), st.booleans(), st.sampled_from(["part", "segment"]), st.randoms())
@settings(deadline=None)
def test_a_sealed_row_says_what_its_event_says(
    rules: list[ir.Rule], drawn: list[Any], few: int, cut: bool, kept: str, random: Any
) -> None:
    events = [made(n, said, raw, seconds, n * 10) for n, (said, raw, seconds) in enumerate(drawn)]
    asked = Asked(All(), DAY + timedelta(seconds=20), DAY + timedelta(seconds=60)) if cut else Asked(All())
    with TemporaryDirectory() as folder:
        table = sealed(folder, events, asked, few, kept)
        events = [each for each in events if not cut or 20 <= (each.time - DAY).total_seconds() < 60]
        assert len(table) == len(events)
        if not events:
            return
        plain = EventTable(events)
        places = range(len(events))
        some = sorted(random.sample(places, random.randint(1, len(events))))
        kinds = {at: repr(values) for values, ats in table.kinds(ROUTING) for at in ats.tolist()}
        assert [kinds[at] for at in places] == list(map(repr, plain.keys(ROUTING)))
        for name in (*FIELDS, *sorted(ENVELOPE), "nothing", "_shape", "_id4"):
            assert repr(table.column(name, places)) == repr(plain.column(name, places)), name
            assert repr(table.column(name, some)) == repr(plain.column(name, some)), name
            assert [repr(table.cell(name, at)) for at in places] == [repr(plain.cell(name, at)) for at in places], name
        for literals in (["failed"], ["clerk", "2001:db8"], ["đăng"], ["10.0.0.50", "nhập", "bad \x00"]):
            suspects = set(table.suspects(Pieces(literals), np.array(some)))
            for row, at in enumerate(some):
                said = any(literal in text.lower() for literal in literals for text in plain.texts(at))
                assert not said or row in suspects
        assert [sorted(table.texts(at)) for at in places] == [sorted(plain.texts(at)) for at in places]
        assert _seconds(table.latest()) == max(map(_seconds, events))
        table.expect(some)
        assert [table.event(at) for at in places] == events
        again = sealed(folder, events, Asked(All()), few, kept)
        for name in sorted({*FIELDS} - ENVELOPE):
            told = set(map(repr, again.told(name) or ()))
            for value in (None, *plain.column(name, places)):
                assert repr(value) in told or (isinstance(value, list) and told.issuperset(map(repr, value))), name
        wanted = [(hit.at, hit.fired) for hit in Matcher(rules).match(events)]
        assert [(hit.at, hit.fired) for hit in Matcher(rules).match(again)] == wanted


def test_texts_of_a_segment_are_read_without_its_rows(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = [
        {"few": f"v{n % 3}", "many": [f"{n:05}" * 200], "list": ["a", f"x{n % 2}"], "n": n} for n in range(2_000)
    ]
    types: dict[str, str] = {}
    group = building.build([(n, made(n, each, b"raw", n, n)) for n, each in enumerate(said)], types)
    segment = seal(tmp_path, [write_part(tmp_path, group, 0, types)])
    found = segment.groups()[0].texts({"few", "many", "list", "n", "nothing"})
    assert found.keys() == {"few", "many", "list"}
    assert [each and sorted(each.split(b"\0\0\0")) for each in (found["few"], found["list"])] == [
        [b"\2", b"v0\2", b"v1\2", b"v2"],
        [b"\1", b"a\2", b"x0\2", b"x1"],
    ]
    assert found["many"] is None  # too much for a dictionary
    data = segment.path.read_bytes()
    at = data.index(b"v0\2\0\0\0v1")
    segment.path.write_bytes(data[:at] + b"w" + data[at + 1 :])
    with pytest.raises(DamagedFileError):
        Segment(segment.path, segment.first, segment.end).groups()[0].texts({"few"})


def _seconds(event: Event) -> float:
    return (min(event.time, event.ingested) - DAY).total_seconds()
