"""YAML is read with places, and what PyYAML would swallow or die of is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from soc import yaml_file
from soc.errors import FaultsError
from soc.yaml_file import MAX_BYTES, nearest, parse, read, read_one


def faults(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(FaultsError) as caught:
        parse(text, "f.yml")
    return [(f.line, f.column, f.message) for f in caught.value.faults]


def test_every_duplicate_key_is_a_fault_with_its_place() -> None:
    [document] = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f.yml")
    assert sorted((f.line, f.column, f.message) for f in document.duplicates) == [
        (2, 11, 'duplicate key "c": the value on line 2 would be lost'),
        (3, 1, 'duplicate key "a": the value on line 1 would be lost'),
    ]


def test_a_syntax_fault_names_where_its_block_began() -> None:
    [(line, column, message)] = faults("a:\n  - [1\n    b: 2\n")
    assert (line, column) == (3, 6)
    assert "which began on line 2" in message


@pytest.mark.parametrize(
    "text", ["[" * 60_000, "{a: " * 60_000, "- " * 60_000, "\n".join(" " * i + "a:" for i in range(60))]
)
def test_deep_nesting_is_refused_before_it_recurses(text: str) -> None:
    assert "nested deeper than 50 levels" in faults(text)[0][2]


def test_aliases_are_refused() -> None:
    assert faults("a: &x [1]\nb: *x\n") == [(2, 4, "aliases are not supported: write the value out")]


@pytest.mark.parametrize("text", ["a: !!python/object/apply:os.system [x]", "? [a]\n: 1", "a: !!int x"])
def test_tags_and_keys_that_are_not_plain_data_are_refused(text: str) -> None:
    assert faults(text)[0][2].startswith("YAML value: ")


def test_a_date_stays_what_its_author_wrote() -> None:
    assert parse("date: 2026-11-22\ntime: 2026-11-22 10:00:00", "f.yml")[0].data == {
        "date": "2026-11-22",
        "time": "2026-11-22 10:00:00",
    }


def test_control_characters_are_refused_with_their_line() -> None:
    [(line, _, message)] = faults("a: 1\nb: \x00\n")
    assert line == 2
    assert "not allowed in YAML" in message


def test_bytes_that_are_not_utf8_are_refused_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "f.yml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(FaultsError) as caught:
        read(path)
    [fault] = caught.value.faults
    assert (fault.line, fault.column, fault.message) == (2, 4, "byte 0xff is not UTF-8")


def test_a_file_over_the_limit_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "f.yml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(FaultsError, match="at most 1,000,000"):
        read(path)


def test_a_missing_file_is_a_fault_and_not_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(FaultsError, match="cannot be read"):
        read(tmp_path / "none.yml")


def test_one_document_is_expected_where_one_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "f.yml"
    path.write_text("a: 1\n---\nb: 2\n")
    with pytest.raises(FaultsError, match="holds 2 YAML documents"):
        read_one(path)


def test_a_fault_points_into_the_scalar_with_a_caret() -> None:
    [document] = parse("detection:\n  sel:\n    Image|endwith: 'x'\n", "rule.yml")
    fault = document.fault(("detection", "sel", "Image|endwith"), "unknown modifier", on_key=True, offset=6, length=7)
    assert str(fault) == ("rule.yml:3:11: unknown modifier\n    3 |     Image|endwith: 'x'\n      |           ^^^^^^^")


def test_the_nearest_word_is_offered_only_when_it_is_near() -> None:
    assert nearest("contian", ["contains", "cidr"]) == '; did you mean "contains"?'
    assert nearest("zzz", ["contains"]) == ""


# --- Two ways to one answer -----------------------------------------------------------------------------------------------------

SCALARS = st.sampled_from(
    ["", "~", "null", "Null", "x", "'x'", '"1"', "1", "0", "01", "0x1f", "-5", "+5", "1_000", "19:30", "1.5", ".inf", "1e3",
     "yes", "Off", "TRUE", "y", "<<", "=", "2026-11-22", "9" * 30, "a b", "- ", "!x y", "!!str 1", "&a 1", "*a", "| \n  t", "?", "%"]
)  # fmt: skip


def _careful(text: str) -> object:
    """What the path that composes nodes gives: data and lines, or the faults."""
    whole = yaml_file._Text(text, "f.yml")
    yaml_file._refuse_bombs(whole)
    return [(yaml_file._construct(node, whole), node.start_mark.line + 1) for node in whole.nodes()]


def _same(text: str) -> None:
    try:
        plain = yaml_file._plain(text)
    except yaml.YAMLError:
        with pytest.raises((yaml.YAMLError, FaultsError)):
            _careful(text)
        return
    if plain is not None:
        assert repr(plain) == repr(_careful(text))


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from(["k: ", "- ", "k2: ", "", "---\n", "k: - ", "{", "[", "? "]), SCALARS
        )
    )
)
def test_one_pass_over_plain_files_gives_what_the_nodes_give(lines: list[tuple[int, str, str]]) -> None:
    _same("\n".join(f"{'  ' * depth}{prefix}{scalar}" for depth, prefix, scalar in lines))


@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4)))
def test_flow_style_is_read_alike_both_ways(data: object) -> None:
    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key}: {written(each)}" for key, each in value.items()) + "}"
        return f"[{', '.join(map(written, value))}]" if isinstance(value, list) else str(value)

    _same(written(data))


def test_plain_file_of_several_documents_keeps_their_lines() -> None:
    documents = parse("# a comment\na: [1, {b: no}]\n---\n- x\n---\n\n---\ntext\n", "f.yml")
    assert [(each.line, each.data) for each in documents] == [
        (2, {"a": [1, {"b": False}]}),
        (4, ["x"]),
        (7, None),
        (8, "text"),
    ]
    assert [each.fault([], "here").line for each in documents] == [2, 4, 7, 8]
