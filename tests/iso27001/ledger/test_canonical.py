"""One value, one byte form."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from iso27001.errors import LedgerError
from iso27001.ledger import Fact, canonical, decode, encode, rfc3339

HANOI = timezone(timedelta(hours=7))
COMPOSED = unicodedata.normalize("NFC", "Đăng nhập thất bại ở máy chủ")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def test_composed_and_decomposed_vietnamese_have_one_form() -> None:
    assert COMPOSED != DECOMPOSED
    assert (
        canonical({DECOMPOSED: [DECOMPOSED]})
        == canonical({COMPOSED: [COMPOSED]})
        == f'{{"{COMPOSED}":["{COMPOSED}"]}}'.encode()
    )


def test_keys_are_sorted_after_they_are_composed() -> None:
    assert canonical({"e\u0301": 1, "z": 2, "a": 3}) == '{"a":3,"z":2,"é":1}'.encode()


def test_keys_that_composing_makes_equal_are_refused() -> None:
    with pytest.raises(LedgerError, match="Unicode form"):
        canonical({"é": 1, "e\u0301": 2})


@pytest.mark.parametrize(
    "bad",
    [float("nan"), float("inf"), {1, 2}, b"bytes", {1: "a"}, "\ud800", 2**70, object(), {"a": [None, float("nan")]}],
)
def test_what_json_cannot_say_is_refused_by_name(bad: object) -> None:
    with pytest.raises(LedgerError, match="not a JSON value"):
        canonical({"value": bad})


@given(values)
def test_reading_back_and_writing_again_changes_nothing(value: object) -> None:
    try:
        raw = canonical(value)
    except LedgerError:  # half a surrogate pair, or keys that composing makes equal: the claims above
        reject()
    assert canonical(json.loads(raw)) == raw
    assert unicodedata.is_normalized("NFC", raw.decode())


def test_moments_are_utc_with_six_digits() -> None:
    moment = datetime(2026, 8, 19, 6, 30, tzinfo=HANOI)
    assert rfc3339(moment) == "2026-08-18T23:30:00.000000Z"
    assert canonical([moment]) == b'["2026-08-18T23:30:00.000000Z"]'
    assert rfc3339(datetime(2026, 8, 18, 23, 30, tzinfo=UTC)) == rfc3339(moment)
    assert rfc3339(datetime.min.replace(tzinfo=UTC)) == "0001-01-01T00:00:00.000000Z"


def test_a_moment_without_zone_is_refused() -> None:
    with pytest.raises(LedgerError, match="no time zone"):
        encode(Fact("a", "note", datetime(2026, 1, 1), "engine", {}))
    with pytest.raises(LedgerError, match="no time zone"):
        canonical({"at": datetime(2026, 1, 1)})


def test_a_fact_comes_back_from_its_bytes() -> None:
    fact = Fact(
        "alert.opened/1",
        "alert.opened",
        datetime(2026, 1, 1, 7, tzinfo=HANOI),
        "Nguyễn Văn A",
        {"n": 1, "tags": ["a"], "none": None},
    )
    assert (
        encode(fact)
        == (
            '{"actor":"Nguyễn Văn A","body":{"n":1,"none":null,"tags":["a"]},"id":"alert.opened/1","kind":"alert.opened",'
            '"time":"2026-01-01T00:00:00.000000Z"}'
        ).encode()
    )
    assert decode(encode(fact)) == fact


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"id":1}', b'{"actor":"","body":{},"id":"","kind":"","time":"soon"}'])
def test_other_bytes_are_no_fact(raw: bytes) -> None:
    with pytest.raises(LedgerError, match="not the bytes of a fact"):
        decode(raw)
