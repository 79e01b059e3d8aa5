"""soc.store.ids: a text of ids is what a list of them is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc.store.ids import Ids, packed

IDS = st.lists(st.text("ab\x00é", min_size=3, max_size=3), unique=True, max_size=12)


@given(IDS, st.integers(-15, 15), st.slices(12))
def test_ids_of_one_length_are_what_a_list_is(ids: list[str], at: int, part: slice) -> None:
    held = packed("\n".join(ids))
    assert isinstance(held, Ids) == (len(ids) > 1)
    assert (list(held), len(held), held) == (ids, len(ids), ids)
    assert held[part] == ids[part]
    if -len(ids) <= at < len(ids):
        assert held[at] == ids[at]
        assert held.index(ids[at]) == ids.index(ids[at])
        assert ids[at] in held
    else:
        with pytest.raises(IndexError):
            held[at]
    assert "zzz" not in held
    with pytest.raises(ValueError, match="a"):
        held.index("a\nb")


@given(st.lists(st.text("ab", min_size=1, max_size=4), max_size=12))
def test_ids_of_several_lengths_stay_a_list(ids: list[str]) -> None:
    assert list(packed("\n".join(ids))) == ids


def test_an_id_is_found_from_a_place_on() -> None:
    held = packed("aaa\nbbb\naab")
    assert held.index("aab", 1) == 2
    with pytest.raises(ValueError, match="aaa"):
        held.index("aaa", 1)
    with pytest.raises(ValueError, match="aab"):
        held.index("aab", 0, 2)
