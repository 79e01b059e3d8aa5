"""The verifier's reading of canonical form against the ledger's writing of it: two programs, one form."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.errors import LedgerError
from iso27001.ledger import Fact, encode
from iso27001.verifier.canonical import read
from tests.iso27001.ledger.test_canonical import values

NOON = datetime(2026, 11, 22, 5, tzinfo=UTC)
facts = st.builds(
    Fact,
    id=st.text(max_size=20),
    kind=st.text(max_size=8),
    time=st.datetimes(timezones=st.just(UTC)),
    actor=st.text(max_size=8),
    body=st.dictionaries(st.text(max_size=8), values, max_size=4),
)


@given(st.lists(facts, max_size=5))
def test_what_the_ledger_writes_is_canonical_to_the_verifier(group: list[Fact]) -> None:
    raws = []
    for fact in group:
        try:
            raws.append(encode(fact))
        except LedgerError:
            continue
    found, bad = read(raws)
    assert bad == {}
    assert [each["id"] for each in found] == [json.loads(raw)["id"] for raw in raws]


@pytest.mark.parametrize(
    "number", [1e-5, 1.5e-5, 1e-7, 1e16, 1.7976931348623157e308, 5e-324, -0.0, 1e22, 123456789012345680.0]
)
def test_floats_that_python_writes_otherwise_are_canonical(number: float) -> None:
    assert read([encode(Fact("a", "b", NOON, "c", {"n": number}))])[1] == {}


GOOD = encode(Fact("a", "b", NOON, "c", {"n": 1.5, "text": "Đăng nhập", "z": [1, {"k": None}]}))


@pytest.mark.parametrize("place", [n for n, letter in enumerate(GOOD) if letter == ord(",")])
def test_facts_that_end_elsewhere_than_their_lines_are_named(place: int) -> None:
    assert list(read([GOOD[:place], GOOD[place + 1 :], GOOD + b"," + GOOD])[1]) == [0, 1, 2]


def test_a_fact_may_say_what_the_verifier_writes_between_facts() -> None:
    raws = [encode(Fact("a", "b", NOON, "c", {"list": ["x", "\x1e", "y"]}))] * 2
    assert read(raws) == ([json.loads(raw) for raw in raws], {})


@pytest.mark.parametrize(
    "raw",
    [
        GOOD.replace(b":", b": "),
        GOOD + b" ",
        GOOD + b"{}",
        GOOD.replace(b"1.5", b"1.50"),
        GOOD.replace(b"1.5", b"15e-1"),
        GOOD.replace(b"Z", b"+00:00"),
        GOOD.replace(b".000000Z", b"Z"),
        GOOD.replace(b"2026-11-22", b"2026-02-30"),
        GOOD.replace(b'"kind":"b",', b'"kind":"b","kind":"b",'),
        GOOD.replace(b'"kind":"b",', b""),
        GOOD.replace(b'"kind":"b"', b'"kind":1'),
        GOOD.replace(b'"a"', b'"\\u0061"'),
        GOOD.replace(b'{"k":null}', b'{"k":NaN}'),
        unicodedata.normalize("NFD", GOOD.decode()).encode(),
        b'{"body":{},"actor":"c","id":"a","kind":"b","time":"2026-11-22T05:00:00.000000Z"}',
        b"[]",
        b"",
        b"\xff",
        b"[" * 100_000,
    ],
    ids=range(19),
)
def test_another_form_of_a_fact_is_named_and_its_neighbours_are_not(raw: bytes) -> None:
    assert list(read([GOOD, raw, GOOD])[1]) == [1]
    assert list(read([raw])[1]) == [0]


def test_a_value_that_runs_over_into_the_next_line_is_no_fact() -> None:
    """Joined with a comma these lines are one good JSON text; each alone is none."""
    first, second = b'{"actor":"c","body":[{}', b'{}],"id":"a","kind":"b","time":"2026-11-22T05:00:00.000000Z"}'
    assert list(read([first, second])[1]) == [0, 1]
