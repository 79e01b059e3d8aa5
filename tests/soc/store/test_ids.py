"""soc.store.ids: ids held as bytes are what a list of them is."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.store import ids as packing
from soc.store.ids import SEPARATOR, Ids, packed, without

SHAPED = st.lists(st.text("01a", min_size=4, max_size=4), unique=True, max_size=12)
ANY = st.lists(st.text("aA0-\x00é", min_size=1, max_size=4), max_size=12)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """Lists of a few ids in several pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packing, "PER", 3)
        yield


def parts_of(ids: list[str], size: int) -> list[str]:
    return [SEPARATOR.join(ids[begin : begin + size]) for begin in range(0, len(ids), size)]


@given(SHAPED, st.sampled_from(["", "A-", "inc-"]), st.integers(1, 5), st.integers(-15, 15), st.slices(12))
def test_ids_of_one_shape_are_what_a_list_is(hexes: list[str], prefix: str, size: int, at: int, part: slice) -> None:
    ids = [prefix + each for each in hexes]
    held = packed(parts_of(ids, size))
    assert isinstance(held, Ids) == bool(ids)
    assert (list(held), len(held), held) == (ids, len(ids), ids)
    assert held[part] == ids[part]
    if -len(ids) <= at < len(ids):
        assert held[at] == ids[at]
        assert held.index(ids[at]) == ids.index(ids[at])
        assert ids[at] in held
    else:
        with pytest.raises(IndexError):
            held[at]
    for strange in ("zzz", prefix, "B-0101", prefix + "010101", f"{prefix}01\n01", prefix + "ABAB", ""):
        assert strange not in held
        with pytest.raises(ValueError):
            held.index(strange)


@given(ANY, st.integers(1, 5))
def test_ids_of_any_shape_are_what_they_were(ids: list[str], size: int) -> None:
    assert list(packed(parts_of(ids, size))) == ids


@given(SHAPED, ANY, SHAPED)
def test_ids_become_a_list_where_one_is_of_another_shape(before: list[str], odd: list[str], after: list[str]) -> None:
    ids = [*before, *odd, *after]
    assert list(packed(parts_of(ids, 4))) == ids


@given(SHAPED, SHAPED, st.booleans())
def test_what_is_left_keeps_its_order(ids: list[str], gone: list[str], as_list: bool) -> None:
    rest = without(ids if as_list else packed(parts_of(ids, 4)), {*gone, "strange"})
    assert list(rest) == [each for each in ids if each not in gone]


def test_an_id_is_found_from_a_place_on_and_not_across_two() -> None:
    held = packed(["A-0a0b\nA-0c0d\nA-0b0c"])
    assert held.index("A-0b0c") == 2
    assert held.index("A-0b0c", 1) == 2
    with pytest.raises(ValueError, match="A-0a0b"):
        held.index("A-0a0b", 1)
    with pytest.raises(ValueError, match="A-0b0c"):
        held.index("A-0b0c", 0, 2)
    assert "A-0d0b" not in held


def test_ids_take_what_their_bytes_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "PER", 8192)
    parts = (
        SEPARATOR.join(f"A-{number:012x}" for number in range(at, at + 10_000)) for at in range(0, 100_000, 10_000)
    )
    held = packed(parts)
    assert isinstance(held, Ids)
    assert 600_000 <= sys.getsizeof(held) < 610_000
    assert (held[77_777], held.index("A-000000012fd1")) == ("A-000000012fd1", 77_777)
