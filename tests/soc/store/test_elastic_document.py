"""The bytes that Elasticsearch gets of an event are the event's document, whatever it holds; what no node takes is told before."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.event import ENVELOPE, Event
from collectors.record import Position
from soc.store.columns import micros
from soc.store.elastic_document import MAX_EVENT_FIELDS, UnfitError, packed
from soc.store.elastic_mappings import LARGE, LONGS, MAX_KEYWORD, OFFSET, OURS, TIME_US
from tests.soc.store.material import event
from tests.strategies import moments, texts

names = st.one_of(st.sampled_from(["user.name", "message", "x.ratio", "event.dataset"]), texts).filter(
    lambda name: name not in {*ENVELOPE, *LONGS, *OURS}
)
longs = st.integers(-(2**63), 2**63 - 1)
values = st.one_of(
    texts,
    longs,
    st.booleans(),
    st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(texts),
    st.lists(longs),
)
fields = st.builds(
    lambda any_, whole: {**any_, **whole},
    st.dictionaries(names, values, max_size=8),
    st.dictionaries(st.sampled_from(sorted(LONGS - ENVELOPE)), st.one_of(longs, st.lists(longs)), max_size=3),
)
aware = moments.map(lambda moment: moment.replace(tzinfo=UTC))
events = st.builds(
    Event,
    id=st.text("0123456789abcdef", min_size=32, max_size=32),
    time=aware,
    fields=fields,
    raw=st.binary(max_size=60),
    source=texts,
    position=st.builds(Position, texts, texts, st.integers(0, 2**63 - 1), st.integers(0, 2**31)),
    ingested=aware,
    peer=texts,
)


@given(events, st.integers(0, 2**48))
def test_the_bytes_are_the_document_with_its_time_and_place(stored: Event, offset: int) -> None:
    wanted = {**stored.document(), TIME_US: micros(stored.time), OFFSET: offset}
    found = orjson.loads(packed(stored, offset))
    assert found == wanted
    assert [name for name in found if name not in OURS] == list(stored.document()), "as people read it"


def test_a_document_with_a_value_that_no_index_holds_is_marked() -> None:
    for length, marked in ((MAX_KEYWORD // 2, None), (MAX_KEYWORD + 1, True)):
        assert orjson.loads(packed(event(1, fields={"message": "x" * length}), 0)).get(LARGE) is marked


@pytest.mark.parametrize(
    ("unfit", "reason"),
    [
        ({"source.port": "ssh"}, 'source.port: "ssh" is not a whole number of 64 bits'),
        ({"user.name": "lan", "process.pid": True}, 'process.pid: "True" is not'),
        ({"source.bytes": 2**63}, 'source.bytes: "9223372036854775808" is not'),
        ({"source.bytes": float("nan")}, 'source.bytes: "nan" is not'),
        ({"file.size": ["1", "many"]}, 'file.size: "many" is not'),
        ({f"invented.{n}": n for n in range(MAX_EVENT_FIELDS + 1)}, "too many fields: 1,003, at most 1,000"),
        ({"event.id": "f" * 32}, "event.id is a name that the store keeps for itself"),
        ({OFFSET: 1}, "soc.offset is a name"),
        ({"x.huge": 2**64}, "not JSON: Integer exceeds 64-bit range"),
        ({"x.text": "\ud800"}, "not JSON: str is not valid UTF-8"),
    ],
)
def test_what_no_node_takes_is_told_with_field_and_value(unfit: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnfitError) as caught:
        packed(event(1, fields=unfit), 0)
    assert str(caught.value).startswith(reason)
