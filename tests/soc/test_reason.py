"""Why something is as it is: codes in the ledger, words of a language where it is read."""

from __future__ import annotations

import json
import string

import msgspec
import pytest

from soc.detect import Level
from soc.incident import Phase, TaskState
from soc.incident.actions import DEEDS
from soc.reason import _WORDS, LEVELS, NAMES, Because, Reason, read, words
from soc.respond import StepState


def places(message: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(message) if name is not None)


@pytest.mark.parametrize("because", Because)
def test_both_languages_say_every_reason_with_the_same_values(because: Because) -> None:
    english, vietnamese = _WORDS[because]
    assert places(english) == places(vietnamese)
    assert english
    assert vietnamese


def test_names_are_those_that_the_domain_has() -> None:
    assert list(LEVELS) == list(Level)
    assert {*LEVELS, *Phase, *TaskState, *StepState, "collected", *DEEDS} == set(NAMES)


def test_a_reason_is_said_in_the_readers_language() -> None:
    assert words(Reason(Because.LEVEL, ("high", 60)), "vi") == "mức cao: 60"
    confidence = Reason(Because.CONFIDENCE, (1, 4, 1.17))
    assert str(confidence) == "1 of 4 decided alerts of the rule were confirmed: times 1.17"
    assert words(confidence, "vi").endswith("nhân 1,17")
    assert words(confidence, "tlh") == str(confidence)


def test_only_what_is_a_name_there_is_translated() -> None:
    """A system may be called as a level is."""
    assert words(Reason(Because.CRITICALITY, ("high", 5, 1.3)), "vi").startswith("hệ thống high quan trọng")
    assert words(Reason(Because.TASK_ENDED, ("lan", "done", "low", "")), "vi") == "lan: việc đã xong: low"


def test_a_reason_may_stand_in_another() -> None:
    proposed = Reason(Because.CLASS_PROPOSED, ("M1",))
    told = Reason(Because.CLASS_OF_SYSTEMS, (proposed, "portal", 4))
    assert str(told) == "class M1, proposed by the matrix, not assessed yet, of portal of level 4 or higher"
    assert words(told, "vi") == "mức M1, theo ma trận, chưa đánh giá, của portal cấp độ 4 trở lên"
    assert read(json.loads(json.dumps(msgspec.to_builtins((told,))))) == (told,)


def test_what_a_person_or_a_ledger_of_before_wrote_stands_for_itself() -> None:
    assert words("level high: {0}", "vi") == "level high: {0}"
    hostile = Reason(Because.ESCALATED, ("lan", "{0} {x} %s"))
    assert str(hostile) == "lan escalated: {0} {x} %s"


def test_reasons_come_back_from_facts_as_they_were() -> None:
    told = (Reason(Because.CRITICALITY, ("portal", 5, 1.3)), Reason(Because.ANOMALY, (1.0,)), "level high: 60")
    assert read(json.loads(json.dumps(msgspec.to_builtins(told)))) == told
