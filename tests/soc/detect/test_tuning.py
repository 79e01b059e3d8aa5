"""A tuning filter hides the case it was made for, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.event import Value
from soc.detect import tuning as room
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir
from soc.detect.sigma.load import linked, read
from soc.detect.sigma.references import Loaded
from soc.detect.tuning import MAX_CASES, Standing, Tuning, cases_of, choices, escaped, filter_text, standing
from soc.errors import SocError
from tests.soc.detect.sigma.material import NOW, RULE_ID, event, rule, write


def rules(folder: Path) -> list[Loaded]:
    return linked(read([write(folder, rule({"all": {"word": "x"}, "condition": "all"}, level="high"))]))


def tuned(folder: Path, *cases: Mapping[str, Value], expires: date = date(2099, 1, 1)) -> RuleSet:
    """The rule that fires where `word` is x, and a tuning of it by its file."""
    found = rules(folder)
    [(_, each)] = found
    assert isinstance(each, ir.Rule)
    text = filter_text(Tuning("A tuning", each, cases, "it is benign", "lan", expires, date(2026, 11, 22)))
    return RuleSet(linked([*found, *read([write(folder, text, name="tuning.yml")])]))


def fires(rule_set: RuleSet, fields: Mapping[str, Value]) -> bool:
    return bool(rule_set.detect([event({"event.module": "test", "word": "x", **fields})]))


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TRICKY = st.text(st.sampled_from("*?\\ab%|'\"\n\t #:-{}[]"), max_size=12)


@settings(deadline=None)
@given(value=TEXT | TRICKY, other=TEXT | TRICKY)
@example("C:\\*\\a?", "C:\\x\\ab")
@example("\\\\server\\*", "\\\\server\\a")
@example("a\\", "a")
@example("\\*", "*")
@example("*", "")
@example("?", "a")
@example("", "a")
@example("null", "None")
@example("2026-11-22", "x")
@example("4104", "41040")
@example("1e3", "1000")
@example("%admins%", "lan")
@example("\x00\x85\u2028\ufeff", "\x00")
def test_a_value_of_an_event_hides_itself_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, value: str, other: str
) -> None:
    rule_set = tuned(tmp_path_factory.mktemp("tuning"), {"field": value})
    assert not fires(rule_set, {"field": value})
    if other.lower() != value.lower() and other.casefold() != value.casefold():
        assert fires(rule_set, {"field": other})
    assert fires(rule_set, {})


NUMBERS = st.integers(-(2**53), 2**53) | st.booleans()


@settings(deadline=None)
@given(value=NUMBERS, other=NUMBERS)
def test_numbers_and_truths_hide_themselves_and_no_other(
    tmp_path_factory: pytest.TempPathFactory, value: int, other: int
) -> None:
    rule_set = tuned(tmp_path_factory.mktemp("tuning"), {"field": value})
    assert not fires(rule_set, {"field": value})
    if (type(value), value) != (type(other), other) and value != other:
        assert fires(rule_set, {"field": other})


def test_of_a_list_every_item_must_be_there(tmp_path: Path) -> None:
    rule_set = tuned(tmp_path, {"field": ["a*", "b"]})
    assert not fires(rule_set, {"field": ["b", "a*", "c"]})
    assert fires(rule_set, {"field": ["a*"]})
    assert fires(rule_set, {"field": ["ax", "b"]})


def test_cases_are_hidden_as_they_were_and_not_crossed(tmp_path: Path) -> None:
    rule_set = tuned(tmp_path, {"user": "lan", "host": "a"}, {"user": "minh", "host": "b"})
    assert not fires(rule_set, {"user": "lan", "host": "a"})
    assert not fires(rule_set, {"user": "minh", "host": "b"})
    assert fires(rule_set, {"user": "lan", "host": "b"})


def test_a_tuning_says_who_answers_for_it_and_acts_until_it_expires(tmp_path: Path) -> None:
    rule_set = tuned(tmp_path, {"field": "a"}, expires=NOW.date())
    assert fires(rule_set, {"field": "a"})
    [(_, each)] = read([tmp_path / "tuning.yml"])
    assert isinstance(each, ir.Filter)
    assert (each.reason, each.owner, each.expires, each.rules) == ("it is benign", "lan", "2026-11-22", (RULE_ID,))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 11, 7, 23, 59, tzinfo=UTC), Standing.ACTIVE),
        (datetime(2026, 11, 8, tzinfo=UTC), Standing.SOON),
        (datetime(2026, 11, 21, 23, 59, tzinfo=UTC), Standing.SOON),
        (datetime(2026, 11, 22, tzinfo=UTC), Standing.EXPIRED),
    ],
)
def test_a_tuning_is_told_before_and_after_its_end(tmp_path: Path, moment: datetime, expected: Standing) -> None:
    tuned(tmp_path, {"field": "a"}, expires=NOW.date())
    content = read([tmp_path / "tuning.yml"])
    [(_, each)] = content
    assert isinstance(each, ir.Filter)
    assert standing(each, moment) is expected
    assert len(room.expired(content, moment)) == (expected is Standing.EXPIRED)


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ({"field": "\ud800"}, "half a character"),
        ({"field|re": "x"}, "cannot stand in a Sigma rule"),
        ({"field": []}, "empty list"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, case: Mapping[str, Value], message: str) -> None:
    with pytest.raises(SocError, match=message):
        tuned(tmp_path, case)


def test_a_case_needs_its_fields_in_every_event_and_few_combinations() -> None:
    events = [event({"user.name": f"user{n}", "host.name": "a"}, number=n) for n in range(MAX_CASES + 1)]
    assert cases_of(events, ["host.name"]) == ({"host.name": "a"},)
    assert len(cases_of(events[:-1], ["user.name", "host.name"])) == MAX_CASES
    with pytest.raises(SocError, match=f"{MAX_CASES + 1} combinations"):
        cases_of(events, ["user.name"])
    with pytest.raises(
        SocError, match=r"source\.ip is not in every event of the alert; there are: user\.name, host\.name"
    ):
        cases_of(events, ["source.ip"])


def test_choices_are_what_the_rule_looked_at_and_then_what_tells_cases_apart() -> None:
    events = [event({"word": "x", "user.name": name, "host.name": "a"}, number=n) for n, name in enumerate("aba")]
    assert choices(events, ["word", "gone"]) == [("word", ("x",)), ("user.name", ("a", "b")), ("host.name", ("a",))]


def test_escapes_are_those_of_the_specification() -> None:
    assert escaped(r"C:\*\?") == r"C:\\\*\\\?"
