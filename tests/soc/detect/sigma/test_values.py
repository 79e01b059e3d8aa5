"""Plain values become the same patterns as through pySigma's modifier chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soc import yaml_file
from soc.detect.sigma.chain import Chain
from soc.detect.sigma.values import parts, plain
from tests.soc.detect.sigma.material import FOLDERS, SIGMAHQ

WORDS = st.lists(st.sampled_from(["contains", "startswith", "endswith", "all"]), unique=True)
VALUES = st.one_of(
    st.text(alphabet="aBΣ*?\\%-/ é", max_size=8), st.integers(-(10**20), 10**20), st.none(), st.text(max_size=8)
)


def assert_same(field: str, words: list[str], values: list[object]) -> bool:
    quick = plain(field, words, values)
    if quick is None:
        return False
    for value, patterns in zip(values, quick, strict=True):
        slow, linked, negated = Chain({}).patterns(field, words, value)
        assert (patterns, "all" in words, False) == (slow, linked, negated)
        assert [type(each.value) for each in patterns] == [type(each.value) for each in slow]
    return True


@given(st.sampled_from(["", "Image"]), WORDS, st.lists(VALUES, min_size=1, max_size=3))
def test_plain_values_are_what_the_chain_makes_of_them(field: str, words: list[str], values: list[object]) -> None:
    assert_same(field, words, values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (r"a\*b", ["a*b"]),
        (r"a\\*b", ["a\\", 0, "b"]),
        (r"C:\Temp\x?", ["C:\\Temp\\x", 1]),
        ("\\", ["\\"]),
        (r"\\\?", ["\\?"]),
        ("", []),
    ],
)
def test_escapes_are_undone_as_the_specification_has_it(value: str, expected: list[object]) -> None:
    assert parts(value) == expected


def items(definition: object) -> Iterator[tuple[str, list[object]]]:
    for each in definition if isinstance(definition, list) else [definition]:
        if isinstance(each, dict):
            for key, value in each.items():
                yield key, value if isinstance(value, list) else [value]
        else:
            yield "", [each]


@pytest.mark.corpus
@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="needs ../shared/corpus/sigmahq")
def test_every_value_of_sigmahq_is_made_alike_and_nearly_all_are_plain() -> None:
    quick = whole = 0
    for folder in FOLDERS:
        for path in sorted((SIGMAHQ / folder).rglob("*.yml")):
            detection = yaml_file.read(path)[0].data["detection"]
            for name, definition in detection.items():
                for key, values in items(definition) if name != "condition" else ():
                    field, *words = key.split("|")
                    whole += 1
                    quick += assert_same(field, words, values)
    assert quick > 0.9 * whole > 10_000
