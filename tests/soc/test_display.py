"""soc.display: what reaches a terminal only ever shows itself."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from soc.display import MAX_MARKS, clip, fit, sanitise, width

ANY = st.text(st.characters(), max_size=60)
"""Every code point, lone surrogates included."""


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b]0;pwned\x07", "␛]0;pwned␇"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\x9b31mb", "a<U+009B>31mb"),
        ("\x7f\x00", "␡␀"),
        ("a\tb\r\nc", "a␉b␍␊c"),
        ("exe\u202egpj.scr", "exe<U+202E>gpj.scr"),
        ("\u2066\u2069\u200f\u061c", "<U+2066><U+2069><U+200F><U+061C>"),
        ("pay\u200bpal\ufeff", "pay<U+200B>pal<U+FEFF>"),
        ("\u3164\u2800\ufe0f", "<U+3164><U+2800><U+FE0F>"),
        ("\U000e0041tag", "<U+E0041>tag"),
        ("\ud800", "<U+D800>"),
        ("no\u00a0break", "no<U+00A0>break"),
        ("line\u2028sep", "line<U+2028>sep"),
        ("Đăng nhập từ nước ngoài", "Đăng nhập từ nước ngoài"),
        ("Tiê\u0301ng Viê\u0323t", "Tiê\u0301ng Viê\u0323t"),
        ("漢字 日本 한국 🚨", "漢字 日本 한국 🚨"),
        ("[@click=app.bell]x[/]", "[@click=app.bell]x[/]"),
    ],
)
def test_a_character_that_acts_or_hides_is_shown_by_name(raw: str, shown: str) -> None:
    assert sanitise(raw) == shown


@given(ANY)
def test_nothing_that_acts_or_hides_survives(text: str) -> None:
    shown = sanitise(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]
    shown.encode("utf-8")
    assert sanitise(shown) == shown


@given(ANY, st.integers(0, 40), st.booleans())
def test_a_fitted_text_takes_exactly_its_cells(text: str, cells: int, right: bool) -> None:
    assert cell_len(fit(text, cells, right=right)) == cells


@given(ANY, st.integers(0, 40))
def test_a_clipped_text_never_takes_more_than_its_cells(text: str, cells: int) -> None:
    head, taken = clip(sanitise(text), cells)
    assert taken == width(head) <= cells


def test_a_wide_character_is_never_cut_in_half() -> None:
    assert fit("漢字漢字", 6) == "漢字… "
    assert fit("漢字漢字", 5) == "漢字…"


def test_zalgo_keeps_its_marks_to_itself() -> None:
    shown = sanitise("z" + "\u0301" * 500)
    assert shown.count("\u0301") == MAX_MARKS


def test_a_cell_never_reads_more_of_a_value_than_it_could_show() -> None:
    assert fit("a" * 65_536, 10) == "aaaaaaaaa…"
    assert len(fit("\u0301" * 65_536, 10)) < 500


@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0x9FFC), max_size=30))
def test_the_quick_way_passes_only_what_the_careful_way_passes(text: str) -> None:
    careful = "".join(sanitise(f"\ufffc{c}")[1:] if unicodedata.category(c) not in ("Mn", "Me") else c for c in text)
    if not any(unicodedata.category(c) in ("Mn", "Me") for c in text):
        assert sanitise(text) == careful
