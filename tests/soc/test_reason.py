"""Why something is as it is: codes in the ledger, words of a language where it is read."""

from __future__ import annotations

import json
import string

import msgspec
import pytest

from soc.detect import Level
from soc.reason import _WORDS, LEVELS, Because, Reason, read, words


def places(message: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(message) if name is not None)


@pytest.mark.parametrize("because", Because)
def test_both_languages_say_every_reason_with_the_same_values(because: Because) -> None:
    english, vietnamese = _WORDS[because]
    assert places(english) == places(vietnamese) != []


def test_levels_are_those_of_rules() -> None:
    assert list(LEVELS) == list(Level)


def test_a_reason_is_said_in_the_readers_language() -> None:
    assert words(Reason(Because.LEVEL, ("high", 60)), "vi") == "mức cao: 60"
    confidence = Reason(Because.CONFIDENCE, (1, 4, 1.17))
    assert str(confidence) == "1 of 4 decided alerts of the rule were confirmed: times 1.17"
    assert words(confidence, "vi").endswith("nhân 1,17")
    assert words(confidence, "tlh") == str(confidence)


def test_what_a_person_or_a_ledger_of_before_wrote_stands_for_itself() -> None:
    assert words("level high: {0}", "vi") == "level high: {0}"
    hostile = Reason(Because.ESCALATED, ("lan", "{0} {x} %s"))
    assert str(hostile) == "lan escalated: {0} {x} %s"


def test_reasons_come_back_from_facts_as_they_were() -> None:
    told = (Reason(Because.CRITICALITY, ("portal", 5, 1.3)), Reason(Because.ANOMALY, (1.0,)), "level high: 60")
    assert read(json.loads(json.dumps(msgspec.to_builtins(told)))) == told
