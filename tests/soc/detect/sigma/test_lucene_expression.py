"""Regular expressions as Lucene has them: whole values, lower case, no anchors; what cannot be said or may be too large is told.

That they match the same values is tests/soc/store/test_elastic_rules.py's, on a real node.
"""

from __future__ import annotations

import re

import pytest

from soc.detect.sigma.lucene_expression import CASE, LARGE, NoLuceneExpressionError, lucene

ANY = "(.|\n)*"


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        (r"7", f"{ANY}7{ANY}"),
        (r"^7$", "7"),
        (r"(^|/)7", f"(7{ANY}|{ANY}\\/7{ANY})"),
        (r"^7|8$", f"(7{ANY}|{ANY}8)"),
        (r"^\d{2,}-?[^\s/].$", r"([0-9]){2,}(\-)?[^ " + "\t\n\r\f\v" + r"\/][^" + "\n" + "]"),
        (r"^(?:7|8)*\.$", r"([78])*\."),
    ],
)
def test_an_expression_is_written_for_whole_values(expression: str, written: str) -> None:
    assert lucene(expression, "") == (written, ())


def test_letters_are_lower_case_and_that_is_told_unless_the_rule_folds_case_too() -> None:
    assert lucene("^Ab[C-E]$", "") == ("ab[c-e]", (CASE,))
    assert lucene("^Ab[C-E]$", "i") == ("ab[c-e]", ())
    assert lucene("^Ab[C-E]$", "")[0] == lucene("(?i)^Ab[C-E]$", "")[0]


def test_what_takes_many_states_is_told() -> None:
    assert lucene(r"7.{1,100}8", "")[1] == (LARGE,)
    assert lucene(r"(7.*)+8", "")[1] == (LARGE,)
    assert lucene(r"7.*8.{1,9}", "")[1] == ()


def test_repetitions_are_counted_in_all_and_those_within_others_for_each_of_these() -> None:
    assert lucene(r"7.{0,40}8.{0,40}9", "")[1] == (LARGE,)
    assert lucene(r"(7.{0,9}){0,9}8", "")[1] == (LARGE,)
    assert lucene(r"(7.{0,5}){0,9}8", "")[1] == ()


def test_an_alternative_of_nothing_is_written_as_lucene_has_it() -> None:
    assert lucene(r"^7(?:8|)9$", "")[0] == "7(8|())9"


@pytest.mark.parametrize("expression", [r"\bx", r"(?!x)", r"a^b", r"(x)\1", r"x{2000}", r"(?m)^x"])
def test_what_lucene_does_not_have_is_refused(expression: str) -> None:
    with pytest.raises(NoLuceneExpressionError):
        lucene(expression, "")


def test_a_range_that_holds_letters_of_one_case_and_others_is_spelt_out() -> None:
    written, reasons = lucene("^[X-b]$", "")
    assert reasons == (CASE,)
    members = re.fullmatch(r"\[(.*)\]", written)
    assert members is not None
    assert set(members[1].replace("\\\\", "\0").replace("\\", "").replace("\0", "\\")) == set("xyz[\\]^_`ab")
