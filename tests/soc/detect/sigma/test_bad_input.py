"""Documents made to hurt, and documents that are merely broken: faults with their places in bounded time, never anything else."""

from __future__ import annotations

import copy
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from soc.detect.sigma.ir import Content
from soc.detect.sigma.load import linked, parsed
from soc.detect.sigma.logic import remarks
from soc.detect.sigma.review import review
from soc.errors import FaultsError
from soc.yaml_file import MAX_BYTES
from tests.soc.detect.sigma.material import RULE_ID, rule, write

RULE = rule(
    {
        "selection": {"Image|endswith": ["/sh", "*?x"], "Count|gte": 5, "Address|cidr": "10.0.0.0/8", "Empty": None},
        "filter_one": [{"User|re|i": "^root$"}, {"Name|windash|contains|all": ["-a", "-b"]}],
        "keywords": ["one", "two"],
        "condition": ["selection and not 1 of filter_*", "keywords"],
    },
    name="base",
    tags=["attack.t1110"],
    date="2026-11-22",
    references=["https://example.org"],
    related=[{"id": RULE_ID, "type": "similar"}],
)
CORRELATION = {
    "title": "C",
    "name": "c",
    "id": RULE_ID[:-1] + "1",
    "level": "high",
    "correlation": {
        "type": "value_percentile",
        "rules": ["base"],
        "group-by": ["who"],
        "timespan": "5m",
        "condition": {"field": "bytes", "percentile": 95, "gte": 10},
        "aliases": {"who": {"base": "user.name"}},
        "generate": True,
    },
}
TEMPORAL = {
    "title": "T",
    "id": RULE_ID[:-1] + "2",
    "correlation": {"type": "temporal", "rules": ["base", "c"], "timespan": "1h", "condition": "base and not c"},
}
FILTER = {
    "title": "F",
    "id": RULE_ID[:-1] + "3",
    "logsource": {"product": "test"},
    "filter": {"rules": ["base"], "selection": {"User": "backup"}, "condition": "not selection"},
    "tuning": {"reason": "why", "owner": "who", "expires": "2027-01-31"},
}
DOCUMENTS: list[dict[str, Any]] = [RULE, CORRELATION, TEMPORAL, FILTER]

JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=12),
    st.sampled_from(
        ["2026-11-22", "٣", "²", "0s", "99999999999999999999y", "%x%", "not", "1 of them", "any", "a|b|c", "re", "\0", "\ud800",
         "(" * 70, "a|all", "|contains", "condition", "*" * 50, "(a+)+$", "::/0", "(?i)x", "\\", "a\nb"]
    ),
    st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(), st.lists(st.none(), max_size=1)), max_size=3),
    st.dictionaries(st.one_of(st.text(max_size=6), st.integers(), st.booleans(), st.none()), st.one_of(st.none(), st.text()), max_size=3),
)  # fmt: skip


def spots(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key in a document."""
    found = []
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        found += [(value, key), *spots(value[key])]
    return found


def read(text: str) -> list[Content]:
    """What a text becomes; every fault is well formed."""
    raw = text.encode("utf-8", "surrogatepass")
    made, faults = parsed(Path("rule.yml"), raw, {})
    for fault in faults:
        assert fault.path == "rule.yml"
        assert fault.message
        assert str(fault)
    content: list[Content] = [each for _, each in made]
    for each in content:
        tree = getattr(each, "tree", None)
        if tree is not None:
            list(remarks(tree))
    try:
        return [each for _, each in linked([("rule.yml", each) for each in content])]
    except FaultsError:
        return []


def test_documents_are_good_as_they_are() -> None:
    assert len(read("---\n".join(yaml.safe_dump(each) for each in DOCUMENTS))) == 4


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(0, 3), st.lists(st.tuples(st.integers(0, 200), st.sampled_from("RDK"), JUNK), min_size=1, max_size=3)
)
def test_mutated_documents_give_content_or_faults(which: int, changes: list[tuple[int, str, Any]]) -> None:
    documents = copy.deepcopy(DOCUMENTS)
    for at, act, junk in changes:
        places = spots(documents[which])
        if not places:
            break
        holder, key = places[at % len(places)]
        if act == "R":
            holder[key] = copy.deepcopy(junk)
        elif act == "D":
            del holder[key]
        elif isinstance(holder, dict) and isinstance(junk, str | int | float | bool | None):
            holder[junk] = holder.pop(key)
    try:
        text = "---\n".join(yaml.safe_dump(each, allow_unicode=True) for each in documents)
    except (yaml.YAMLError, UnicodeError):
        return
    read(text)


WHOLE = "---\n".join(yaml.safe_dump(each) for each in DOCUMENTS)


@settings(max_examples=250, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 5), st.text(max_size=4)), min_size=1, max_size=4))
def test_damaged_text_gives_content_or_faults(damage: list[tuple[int, int, str]]) -> None:
    text = WHOLE
    for at, length, instead in damage:
        text = text[:at] + instead + text[at + length :]
    read(text)


# --- Values of another kind ---------------------------------------------------------------------------------------------------------

WRONG: list[tuple[str, Any, str]] = [
    ("title", True, '"title" is text, not true or false'),
    ("title", 5, '"title" is text, not a number'),
    ("name", ["a"], '"name" is text, not a list'),
    ("author", {"a": "b"}, '"author" is text, not a map'),
    ("id", 5, '"5" is not a UUID'),
    ("id", "{5e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e10}", "is not a UUID"),
    ("id", "٥e7f0c2e-93c7-4b5a-8d5a-3a1b9c0d7e10", "is not a UUID"),
    ("date", "٢٠٢٦-11-22", "is not a date"),
    ("date", True, '"True" is not a date'),
    ("modified", "2026-13-01", "is not a date"),
    ("level", True, '"True" is not a level'),
    ("tags", [True], '"True" is not a tag'),
    ("tags", "attack.t1110", '"tags" is a list, not text'),
    ("logsource", {"product": True}, 'logsource "product" is text, not true or false'),
    ("logsource", "windows", '"logsource" is a map'),
    ("detection", {True: {"a": "x"}, "condition": "s"}, "a selection's name is text, not true or false: quote it"),
    ("detection", {"s": {True: "x"}, "condition": "s"}, "a field name is text, not true or false: quote it"),
    ("detection", {"s": {"a": "x"}, "condition": True}, "a condition is text, not true or false"),
    ("detection", {"s": {"a": "x"}, "condition": []}, "the list of conditions is empty"),
    ("detection", {"s": {"a": "x"}, "condition": "١ of them"}, '"١ of" is not known'),
    ("detection", {"s": {"a|gt": True}, "condition": "s"}, 'modifier "greaterthan" incompatible'),
    ("related", ["x"], "a relation is a map of id and type"),
]


@pytest.mark.parametrize(
    ("key", "value", "expected"), WRONG, ids=[f"{key}-{expected[:20]}" for key, _, expected in WRONG]
)
def test_value_of_another_kind_is_a_fault_with_its_line(key: str, value: Any, expected: str, tmp_path: Path) -> None:
    plain = rule({"s": {"a": "x"}, "condition": "s"})
    found = review([write(tmp_path, plain | {key: value})]).faults
    assert expected in found[0].message
    assert found[0].line > 1 or key == "title"


# --- Bounds -------------------------------------------------------------------------------------------------------------------------


def big_list() -> str:
    values = "".join(f"      - v{number}\n" for number in range(60_000))
    return f"title: T\nlogsource: {{product: x}}\ndetection:\n  s:\n    a|contains:\n{values}  condition: s\n"


def many_selections() -> str:
    selections = "".join(f"  s{number}: {{a{number}: x}}\n" for number in range(15_000))
    return f"title: T\nlogsource: {{product: x}}\ndetection:\n{selections}  condition: all of s*\n"


def many_choices() -> str:
    selections = "".join(f"  s{number}: {{a: x{number}, b: y{number}}}\n" for number in range(2_000))
    wanted = " and ".join(["1 of s*"] * 9)
    return f"title: T\nlogsource: {{product: x}}\ndetection:\n{selections}  condition: {wanted}\n"


def wide_flow() -> str:
    return "title: T\nx: [" + "{a: b}, " * 100_000 + "]\n"


def many_documents() -> str:
    return "---\na: b\n" * 90_000


def long_names() -> str:
    return "title: T\nlogsource: {product: x}\ndetection:\n  s: {a: x}\n  condition: " + "x" * 900_000 + "\n"


def many_faulty_keys() -> str:
    items = "".join(f"    a{number}|contian: x\n" for number in range(25_000))
    return f"title: T\nlogsource: {{product: x}}\ndetection:\n  s:\n{items}  condition: s\n"


def many_faulty_values() -> str:
    items = "".join(f"    a{number}|cidr: x\n" for number in range(25_000))
    return f"title: T\nlogsource: {{product: x}}\ndetection:\n  s:\n{items}  condition: s\n"


def many_unknown_keys() -> str:
    return "title: T\n" + "".join(f"descripton{number}: x\n" for number in range(30_000))


MADE_TO_HURT = [big_list, many_selections, many_choices, wide_flow, many_documents, long_names, many_unknown_keys,
                many_faulty_keys, many_faulty_values]  # fmt: skip


@pytest.mark.parametrize("made", MADE_TO_HURT, ids=[each.__name__ for each in MADE_TO_HURT])
def test_file_of_a_megabyte_is_judged_in_bounded_time_and_memory(made: Callable[[], str], tmp_path: Path) -> None:
    path = tmp_path / "rule.yml"
    path.write_text(made()[:MAX_BYTES])
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = review([path])
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000, "kB"
    assert sum(len(str(fault)) for fault in found.faults) < 100_000
