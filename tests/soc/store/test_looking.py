"""What is looked at in columns is what the values say, each by itself."""

from __future__ import annotations

import sys

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from soc.store.language import Text
from soc.store.matching import in_network
from soc.store.meaning import fold, searcher
from soc.store.segments.addresses import suspects
from soc.store.segments.lines import FOLDED_TO_ASCII, Lines

LETTERS = "aAbK1.- \n" + "ĐđăÂệ́̂K;`Ω"
texts = st.text(LETTERS, max_size=12)


def test_only_three_letters_are_folded_to_ascii() -> None:
    letters = [chr(each) for each in range(0x80, sys.maxunicode + 1) if not 0xD800 <= each < 0xE000]
    assert [letter for letter in letters if any(map(str.isascii, fold(letter)))] == list(FOLDED_TO_ASCII)


@given(
    st.lists(texts | st.none(), min_size=1, max_size=8),
    st.lists(texts, min_size=1, max_size=3),
    st.lists(st.sampled_from("*?"), min_size=2, max_size=2),
)
def test_rows_hold_the_words_that_their_texts_hold(rows: list[str | None], parts: list[str], wild: list[str]) -> None:
    words = Text(tuple(parts), tuple(wild[: len(parts) - 1]))
    expected = [searcher(words)(fold(row or "").encode()) for row in rows]
    assert Lines(pa.array(rows, pa.string())).holding(words).tolist() == expected
    assert Lines(pa.array(["failed", *rows], pa.string())[1:]).holding(words).tolist() == expected


ADDRESSES = """10.0.0.5 10.0.0.50 10.0.0.0/24 10.0.0.5/32 10.1.2.3 010.0.0.5 ::ffff:10.0.0.5 ::ffff:a00:5 2001:db8::7 2001:DB8:0::7
fe80::1%eth0 172.16.0.1 172.32.0.1 1.2.3.4 - LOCAL local 167772165 0.0.0.0/0 ::/0
10.0.0.5\N{KELVIN SIGN} 172.16.0.0/12 ::ffff:0:0/96 10.0.0.0/8"""


@given(st.sampled_from(ADDRESSES.split()))
def test_no_address_of_a_network_is_passed_over(wanted: str) -> None:
    texts = [*ADDRESSES.split(), ""]
    met = in_network(wanted)
    found = [
        texts[place] for place in suspects(pa.array([*texts, None], pa.string()), wanted).tolist() if place < len(texts)
    ]
    assert [text for text in texts if met(text) or fold(text) == fold(wanted)] == [
        text for text in found if met(text) or fold(text) == fold(wanted)
    ]
