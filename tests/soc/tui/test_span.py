"""soc.tui.span: lines are folded without loss."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soc.display import sanitise, width
from soc.tui.span import Line, Role, Span, cut, fold, length, merge

SPANS = st.lists(
    st.builds(Span, st.text(max_size=40), st.sampled_from([Role.PLAIN, Role.MARK, Role.DIM])), max_size=6
).map(tuple)


@given(SPANS, st.integers(2, 50))
def test_folding_loses_nothing_and_fits(spans: tuple[Span, ...], cells: int) -> None:
    folded = fold(Line(spans), cells)
    assert all(length(one) <= cells for one in folded)
    assert "".join(s.text for one in folded for s in one) == "".join(sanitise(s.text) for s in spans)


@given(SPANS, st.integers(2, 50))
def test_folding_keeps_each_character_in_its_role(spans: tuple[Span, ...], cells: int) -> None:
    def roles(some: list[Span]) -> list[tuple[str, Role]]:
        return [(c, s.role) for s in some for c in s.text]

    before = roles([Span(sanitise(s.text), s.role) for s in spans])
    assert [pair for one in fold(Line(spans), cells) for pair in roles(one)] == before


def test_a_long_line_breaks_after_a_space_where_one_is_near() -> None:
    folded = fold(Line((Span("sshd accepted a password for root"),), indent=2), 20)
    assert ["".join(s.text for s in one) for one in folded] == ["sshd accepted a ", "  password for root"]


def test_a_line_without_spaces_breaks_at_the_edge() -> None:
    assert [length(one) for one in fold(Line((Span("x" * 65_536),)), 80)] == [80] * 819 + [16]


@given(SPANS, st.integers(0, 30))
def test_cutting_never_takes_more_than_its_cells(spans: tuple[Span, ...], cells: int) -> None:
    shown = cut(spans, cells)
    assert length(shown) <= cells
    if sum(width(sanitise(s.text)) for s in spans) <= cells:
        assert merge(shown) == merge(Span(sanitise(s.text), s.role) for s in spans)
    elif cells:
        assert "…" in shown[-1].text


def test_neighbours_of_one_role_become_one_span() -> None:
    assert merge([Span("a"), Span(""), Span("b"), Span("c", Role.MARK)]) == [Span("ab"), Span("c", Role.MARK)]
