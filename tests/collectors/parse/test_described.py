"""Descriptions become formats, and what is wrong with one is told with its place, all at once."""

from __future__ import annotations

import copy
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import Context, Format, Message, parse
from collectors.parse.described import describe
from collectors.parse.registry import DESCRIPTIONS
from tests.collectors.parse.golden import CONTEXT, record

SHIPPED = sorted(DESCRIPTIONS.glob("*.yml"))
BASE: dict[str, Any] = {
    "title": "t",
    "about": "a",
    "dataset": "x.log",
    "samples": [{"line": "x", "fields": {"message": "x"}}],
}


def made(**more: object) -> Format:
    found, wrong = describe("x", BASE | more)
    assert found is not None, wrong
    assert isinstance(found.made, Format)
    return found.made


def read(line: str, **more: object) -> dict[str, Value]:
    fields = dict(parse(record(line.encode()), made(**more), CONTEXT).fields)
    assert fields.pop("event.dataset") == "x.log"
    return fields


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_description_has_no_fault_and_its_samples_become_what_stands_beside(path: Path) -> None:
    found, wrong = describe(path.stem, yaml.load(path.read_text(), yaml.CSafeLoader))
    assert wrong == []
    assert found is not None
    for sample in found.samples:
        fields: dict[str, Value] = {}
        if isinstance(found.made, Message):
            found.made.parse(sample.line, fields)
            assert fields == (sample.fields or {})
        elif sample.fields is None:
            with pytest.raises(ParseError):
                parse(record(sample.line.encode()), found.made, CONTEXT)
        else:
            event = parse(record(sample.line.encode()), path.stem, Context())
            assert event.fields == {**sample.fields, "event.dataset": found.made.gives[0].dataset}
            assert sample.time in (None, event.time)


def test_the_first_pattern_that_fits_the_whole_line_gives_its_constants() -> None:
    patterns = [
        {"match": r"(?P<user>\w+) in", "set": {"event.action": "login"}},
        {"match": r"(?P<user>\w+) \w+", "set": {"event.action": "other"}},
    ]
    found = {"patterns": patterns, "fields": {"user": "user.name"}}
    assert read("an in", **found) == {"user.name": "an", "event.action": "login"}
    assert read("an out", **found) == {"user.name": "an", "event.action": "other"}
    with pytest.raises(ParseError, match="not a record of x: 'an'"):
        read("an", **found)


def test_a_head_stands_before_every_pattern() -> None:
    patterns = [{"match": "a(?P<n>.)"}, {"match": "b(?P<n>.)"}]
    found = {"head": r"\d+ ", "patterns": patterns, "fields": {"n": "x.n"}}
    assert read("12 b7", **found) == {"x.n": "7"}


def test_columns_are_split_as_csv_and_another_number_of_them_is_refused() -> None:
    found = {
        "columns": {"names": ["user", "_", "text"], "separator": ";"},
        "fields": {"user": "user.name", "text": "message"},
    }
    assert read('an;passed over;"semi;colon and ""quotes"""', **found) == {
        "user.name": "an",
        "message": 'semi;colon and "quotes"',
    }
    for line in ("an;b", "an;b;c;d"):
        with pytest.raises(ParseError):
            read(line, **found)


def test_pairs_may_be_quoted_and_what_has_no_field_goes_to_the_rest() -> None:
    found = {"pairs": {}, "fields": {"src": {"host": "source"}}, "rest": "x"}
    assert read('src=192.0.2.7 msg="two words" odd name a/b=1 open="to the end', **found) == {
        "source.ip": "192.0.2.7", "x.msg": "two words", "x.a_b": "1", "x.open": "to the end",
    }  # fmt: skip


def test_json_has_its_paths_as_names() -> None:
    found = {
        "json": True,
        "fields": {"who.name": "user.name", "n": {"field": "x.n", "type": "integer"}},
        "required": ["n"],
    }
    assert read('{"who": {"name": "an"}, "n": "7"}', **found) == {"user.name": "an", "x.n": 7}
    with pytest.raises(ParseError):
        read('{"who": {"name": "an"}}', **found)


def test_a_value_gets_the_type_of_its_field_or_is_kept_as_text() -> None:
    found = {"patterns": [{"match": "(?P<port>.+)"}], "fields": {"port": "source.port"}}
    assert read("514", **found) == {"source.port": 514}
    assert read("syslog", **found) == {"producer.source.port": "syslog"}


def test_a_value_can_mean_fields_text_or_itself() -> None:
    fields = {
        "s": {
            "field": "event.action",
            "values": {"a": "allow", "d": {"event.action": "drop", "event.outcome": "failure"}},
        }
    }
    found = {"patterns": [{"match": "(?P<s>.+)"}], "fields": fields}
    assert read("a", **found) == {"event.action": "allow"}
    assert read("d", **found) == {"event.action": "drop", "event.outcome": "failure"}
    assert read("other", **found) == {"event.action": "other"}


def test_a_number_can_be_of_another_unit() -> None:
    found = {"patterns": [{"match": "(?P<s>.+)"}], "fields": {"s": {"field": "event.duration", "times": 1_000_000_000}}}
    assert read("0.25", **found) == {"event.duration": 250_000_000}
    assert read("9" * 400, **found) == {"producer.event.duration": "9" * 400}


@pytest.mark.parametrize(
    ("form", "text", "time"),
    [
        ("iso", "2026-11-22 10:00:00,5", datetime(2026, 11, 22, 3, 0, 0, 500_000, UTC)),
        ("syslog", "Nov 22 10:00:00", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("clf", "22/Nov/2026:10:00:00 +0700", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("asctime", "Sun Nov 22 10:00:00 2026", datetime(2026, 11, 22, 3, tzinfo=UTC)),
        ("epoch", "1795316400.25", datetime(2026, 11, 22, 3, 0, 0, 250_000, UTC)),
        ("epoch_ms", "1795316400250", datetime(2026, 11, 22, 3, 0, 0, 250_000, UTC)),
        ("%d.%m.%Y %H:%M", "22.11.2026 10:00", datetime(2026, 11, 22, 3, tzinfo=UTC)),
    ],
)
def test_time_is_read_in_the_form_that_is_named(form: str, text: str, time: datetime) -> None:
    found = made(patterns=[{"match": "(?P<when>.+)"}], time={"from": "when", "form": form})
    assert parse(record(text.encode()), found, CONTEXT).time == time
    for bad in ("never", "9" * 60, "0000-00-00", f"{text}{' ' * 90}x"):
        with pytest.raises(ParseError):
            parse(record(bad.encode()), found, CONTEXT)


def test_a_leap_second_is_the_last_moment_before_it() -> None:
    found = made(patterns=[{"match": "(?P<when>.+)"}], time={"from": "when", "form": "%d/%m/%Y %H:%M:%S"})
    moment = parse(record(b"01/01/2017 06:59:60"), found, CONTEXT).time
    assert moment == datetime(2016, 12, 31, 23, 59, 59, 999_999, UTC)
    with pytest.raises(ParseError):
        parse(record(b"01/01/2017 06:60:60"), found, CONTEXT)


def test_an_expression_costs_linear_time_whatever_it_is() -> None:
    found = made(patterns=[{"match": "(a+)+b(?P<n>x)"}], fields={"n": "x.n"})
    with pytest.raises(ParseError):  # a backtracking engine would take longer than the universe has
        parse(record(b"a" * 65_536), found, CONTEXT)


@pytest.mark.parametrize(
    ("more", "at", "message"),
    [
        ({"titel": "x"}, ("titel",), 'unknown key "titel"; did you mean "title"?'),
        ({}, (), "one of patterns, columns, pairs, json is needed, not none"),
        ({"json": True, "pairs": {}}, (), "not pairs and json"),
        ({"json": 1}, ("json",), "`json: true`"),
        ({"patterns": []}, ("patterns",), "a list of patterns"),
        ({"patterns": [{"mach": "x"}]}, ("patterns", 0, "mach"), 'did you mean "match"?'),
        ({"patterns": [{"match": "(x"}]}, ("patterns", 0, "match"), "RE2 does not take this expression: missing )"),
        ({"patterns": [{"match": "(?=x)"}]}, ("patterns", 0, "match"), "RE2 does not take this expression"),
        ({"patterns": [{"match": "x" * 5_000}]}, ("patterns", 0, "match"), "5,000 characters"),
        ({"patterns": [{"match": "(?P<a>x)"}]}, ("patterns",), 'the part "a" is used nowhere'),
        ({"patterns": [{"match": "x"}], "fields": {"b": "x.b"}}, ("fields", "b"), '"b" is not a part of the record'),
        ({"json": True, "head": "x"}, ("head",), "each of the patterns"),
        ({"json": True, "fields": {"a": "event.id"}}, ("fields", "a"), "not for a record to say"),
        ({"json": True, "fields": {"a": "no name"}}, ("fields", "a"), "no field name"),
        ({"json": True, "fields": {"a": {"host": "sauce"}}}, ("fields", "a", "host"), 'did you mean "source"?'),
        ({"json": True, "fields": {"a": {"host": "source", "field": "b"}}}, ("fields", "a", "field"), "does not go with"),
        ({"json": True, "fields": {"a": {}}}, ("fields", "a"), 'one of "field", "host" and "values"'),
        ({"json": True, "fields": {"a": {"field": "x.a", "type": "int"}}}, ("fields", "a", "type"), "is not a type"),
        ({"json": True, "fields": {"a": {"field": "source.port", "type": "text"}}}, ("fields", "a", "type"), "is known"),
        ({"json": True, "fields": {"a": {"field": "x.a", "times": "2"}}}, ("fields", "a", "times"), "a number"),
        ({"json": True, "fields": {"a": {"values": {"x": "y"}}}}, ("fields", "a", "values", "x"), 'without "field"'),
        ({"json": True, "fields": {"a": {"values": {1: {}}}}}, ("fields", "a", "values"), "in quotes where"),
        ({"json": True, "set": {"source.port": "ssh"}}, ("set", "source.port"), "no value that source.port can have"),
        ({"json": True, "time": {"from": "a", "form": "isoo"}}, ("time", "form"), 'did you mean "iso"?'),
        ({"json": True, "time": {"from": "a", "form": "%H:%M"}}, ("time", "form"), "does not say the whole date"),
        ({"json": True, "time": {"form": "iso"}}, ("time",), '"from" is missing'),
        ({"json": True, "dataset": "No Set"}, ("dataset",), "no dataset as"),
        ({"json": True, "samples": []}, ("samples",), "at least one sample"),
        ({"json": True, "samples": [{"line": "x"}]}, ("samples", 0), '"fields" is missing'),
        ({"json": True, "samples": [{"line": "x", "fields": {}, "time": "noon"}]}, ("samples", 0, "time"), "with its zone"),
        ({"json": True, "behind": {}}, ("behind",), "the programs that write it"),
        ({"json": True, "behind": {"programs": ["a"]}, "time": {"from": "a", "form": "iso"}}, ("time",), "header's time"),
        ({"columns": {"names": ["a", "a"]}}, ("columns", "names"), 'column "a" stands twice'),
        ({"columns": {"names": ["_"], "separator": "--"}}, ("columns", "separator"), "1 character"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_its_place(more: dict[str, object], at: tuple[str | int, ...], message: str) -> None:
    found, wrong = describe("x", BASE | more)
    assert found is None
    assert any(each.at == at and message in each.message for each in wrong), wrong


def test_all_faults_are_told_at_once() -> None:
    _, wrong = describe("X y", {"titel": "x", "json": 1, "set": {"event.id": "1"}, "fields": 7})
    assert len(wrong) >= 8


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_whatever_stands_in_a_description_only_faults_come_out(path: Path) -> None:
    """Each value in turn is replaced by each odd one."""
    whole = yaml.load(path.read_text(), yaml.CSafeLoader)
    places = list(_places(whole, ()))
    for at in random.Random(path.stem).sample(places, min(15, len(places))):
        for odd in (None, "", "x", 7, -1.5, True, [], ["a"], [[]], {}, {"a": {}}, {7: 8}):
            changed = copy.deepcopy(whole)
            holder = changed
            for key in at[:-1]:
                holder = holder[key]
            holder[at[-1]] = odd
            found, wrong = describe(path.stem, changed)
            assert (found is None) == bool(wrong)
            assert all(len(each.message) < 2_000 for each in wrong)


def _places(data: Any, at: tuple[Any, ...]) -> Any:
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*at, key)
        yield from _places(value, (*at, key))
