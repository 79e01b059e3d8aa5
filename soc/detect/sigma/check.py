"""A rule's YAML document in, every fault with its place out: what `soc rules check` prints and what stops a start.

Source of truth: Sigma specification 2.1 (rules). Bound: no false fault on any live SigmaHQ rule, so keys that are merely unknown pass and
only near misses of known ones are faults. What needs pySigma (modifier chains, value types) is checked where the rule is built, with
the same places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from soc.detect.sigma import condition
from soc.detect.sigma.ir import Leaf
from soc.errors import Fault
from soc.yaml_file import Document, Key, nearest

KEYS = frozenset(
    [
        "title",
        "id",
        "related",
        "name",
        "taxonomy",
        "status",
        "description",
        "license",
        "author",
        "references",
        "date",
        "modified",
        "logsource",
        "detection",
        "fields",
        "falsepositives",
        "level",
        "tags",
        "scope",
        "correlation",
        "filter",
        "action",
        "regression_tests_path",
        "simulation",
    ]
)
LOGSOURCE_KEYS = frozenset({"category", "product", "service", "definition"})
LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
MODIFIERS = frozenset(
    [
        "all",
        "base64",
        "base64offset",
        "cased",
        "cidr",
        "contains",
        "day",
        "dotall",
        "endswith",
        "exists",
        "expand",
        "fieldref",
        "gt",
        "gte",
        "hour",
        "i",
        "ignorecase",
        "lt",
        "lte",
        "m",
        "minute",
        "month",
        "multiline",
        "neq",
        "re",
        "s",
        "startswith",
        "utf16",
        "utf16be",
        "utf16le",
        "week",
        "wide",
        "windash",
        "year",
    ]
)
_TEXTS = ("title", "name", "taxonomy", "description", "author", "license")
_LISTS = ("references", "fields", "falsepositives", "tags", "scope", "related")
_SCALARS = (str, int, float, bool, type(None))
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
MAX_TITLE = 256
"""Sigma specification 2.1, "Title"."""
MAX_VALUES = 100_000
"""Values of one rule; SigmaHQ's largest has some hundreds."""
MAX_VALUE = 10_000
"""Characters of one value: longer ones are no patterns, and each is looked for in every event."""

LATER = {
    "correlation": "correlation rules come with the correlation engine; this version loads detection rules only",
    "filter": "filters come with the correlation engine; this version loads detection rules only",
}


def check(document: Document) -> list[Fault]:
    """All faults of one rule that need no pySigma; empty where it has none."""
    return list(_faults(document))


def later(document: Document) -> Fault | None:
    """The fault of a document kind that this version does not load (correlation, filter), or None for a detection rule."""
    data = document.data
    kind = next((kind for kind in LATER if isinstance(data, dict) and kind in data), None)
    return document.fault([kind], LATER[kind], on_key=True) if kind else None


def _faults(document: Document) -> Iterator[Fault]:
    data = document.data
    yield from document.duplicates
    if not isinstance(data, dict):
        yield document.fault([], f"a Sigma rule is a map of keys, not {_kind(data)}", length=1)
        return
    for key in data:
        if key not in KEYS and (near := nearest(str(key), KEYS)):
            yield document.fault([str(key)], f'unknown key "{key}"{near}', on_key=True)
    unsupported = later(document)
    if unsupported is not None:
        yield unsupported
        return
    yield from _metadata(document, data)
    yield from _logsource(document, data)
    yield from _detection(document, data)


def _metadata(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if "title" not in data:
        yield document.fault([], 'the rule has no "title"', length=1)
    for key in _TEXTS:
        value = data.get(key, "")
        if value is not None and not isinstance(value, str):
            yield document.fault([key], f'"{key}" is text, not {_kind(value)}')
        elif key in ("title", "name") and key in data and not value:
            yield document.fault([key], f'"{key}" is empty')
    if len(str(data.get("title", ""))) > MAX_TITLE:
        yield document.fault(["title"], f"the title has more than {MAX_TITLE} characters")
    for key in _LISTS:
        value = data.get(key)
        if value is not None and not isinstance(value, list):
            yield document.fault([key], f'"{key}" is a list, not {_kind(value)}')
    for key, known in (("level", LEVELS), ("status", STATUSES)):
        value = data.get(key)
        if value is not None and str(value).lower() not in known:
            yield document.fault(
                [key], f'"{value}" is not a {key} (one of {", ".join(known)}){nearest(str(value), known)}'
            )
    yield from _identity(document, data)
    yield from _tags(document, data.get("tags"))


def _identity(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if data.get("id") is not None:
        try:
            UUID(data["id"])
        except (ValueError, AttributeError, TypeError):
            yield document.fault(["id"], f'"{data["id"]}" is not a UUID (8-4-4-4-12 hexadecimal digits)')
    for key in ("date", "modified"):
        value = data.get(key)
        if value is not None and not _is_date(str(value)):
            yield document.fault([key], f'"{value}" is not a date: write it as YYYY-MM-DD')


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and date(int(match[1]), int(match[2]), int(match[3])).year >= 1000
    except ValueError:
        return False


def _tags(document: Document, tags: object) -> Iterator[Fault]:
    for index, tag in enumerate(tags if isinstance(tags, list) else ()):
        if not isinstance(tag, str) or "." not in tag:
            yield document.fault(["tags", index], f'"{tag}" is not a tag: write namespace.name ("attack.t1110")')


def _logsource(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if "logsource" not in data:
        yield document.fault([], 'the rule has no "logsource"', length=1)
        return
    logsource = data["logsource"]
    if not isinstance(logsource, dict):
        yield document.fault(
            ["logsource"], f'"logsource" is a map of category, product and service, not {_kind(logsource)}'
        )
        return
    for key, value in logsource.items():
        if key not in LOGSOURCE_KEYS:
            yield document.fault(
                ["logsource", str(key)],
                f'unknown logsource key "{key}"{nearest(str(key), LOGSOURCE_KEYS)}',
                on_key=True,
            )
        elif value is not None and not isinstance(value, str):
            yield document.fault(["logsource", key], f'logsource "{key}" is text, not {_kind(value)}')
    if not any(logsource.get(key) for key in ("category", "product", "service")):
        yield document.fault(["logsource"], "the logsource names no category, product or service", on_key=True)


def _detection(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if "detection" not in data:
        yield document.fault([], 'the rule has no "detection"', length=1)
        return
    detection = data["detection"]
    if not isinstance(detection, dict):
        yield document.fault(
            ["detection"], f'"detection" is a map of selections and a condition, not {_kind(detection)}'
        )
        return
    names = [str(name) for name in detection if name not in ("condition", "timeframe")]
    if "timeframe" in detection:
        yield document.fault(
            ["detection", "timeframe"], '"timeframe" is Sigma 1: correlation rules took its place', on_key=True
        )
    if not names:
        yield document.fault(["detection"], "the detection has no selection", on_key=True)
    count = 0
    for name in names:
        for place, value in _values(("detection", name), detection.get(name, detection.get(_number(name)))):
            count += 1
            if isinstance(value, _Wrong):
                yield document.fault(
                    place, value.message, on_key=value.on_key, offset=value.offset, length=value.length
                )
            elif isinstance(value, str) and len(value) > MAX_VALUE:
                yield document.fault(
                    place, f"the value has {len(value):,} characters; at most {MAX_VALUE:,} are matched"
                )
        if count > MAX_VALUES:
            yield document.fault(("detection", name), f"the rule has more than {MAX_VALUES:,} values", on_key=True)
            return
    yield from _condition(document, detection, names)


def _number(name: str) -> int | None:
    return int(name) if name.isdigit() else None


class _Wrong:
    """A fault on its way out of the walk, where the value would stand."""

    __slots__ = ("length", "message", "offset", "on_key")

    def __init__(self, message: str, *, on_key: bool = False, offset: int = 0, length: int = 0) -> None:
        self.message, self.on_key, self.offset, self.length = message, on_key, offset, length


def _values(place: tuple[Key, ...], definition: object) -> Iterator[tuple[tuple[Key, ...], object]]:
    """Every value of a selection with its place; faults of keys and shapes as _Wrong."""
    if isinstance(definition, dict):
        if not definition:
            yield place, _Wrong("the selection is empty")
        for key, value in definition.items():
            yield from _item((*place, str(key)), key, value)
    elif isinstance(definition, list):
        if not definition:
            yield place, _Wrong("the selection is empty")
        for index, item in enumerate(definition):
            if isinstance(item, list):
                yield (*place, index), _Wrong("a list in a list of a selection is not Sigma")
            elif item is None:
                yield (*place, index), _Wrong("a keyword has no value")
            else:
                yield from _values((*place, index), item)
    elif definition is None:
        yield place, _Wrong("the selection is empty", on_key=True)
    else:
        yield place, definition


def _item(place: tuple[Key, ...], key: object, value: object) -> Iterator[tuple[tuple[Key, ...], object]]:
    if not isinstance(key, str):
        yield place, _Wrong(f"a field name is text, not {_kind(key)}: quote it", on_key=True)
        return
    yield from ((place, wrong) for wrong in _modifiers(key))
    for index, single in enumerate(value if isinstance(value, list) else [value]):
        at = (*place, index) if isinstance(value, list) else place
        if not isinstance(single, _SCALARS):
            yield at, _Wrong(f"a value is text, a number, true, false or null, not {_kind(single)}")
        elif single is None and key.partition("|")[0] == "":
            yield at, _Wrong("a keyword has no value")
        else:
            yield at, single
    if value == []:
        yield place, _Wrong('the list of values is empty; "null" matches an absent field', on_key=True)


def _modifiers(key: str) -> Iterator[_Wrong]:
    offset = key.find("|") + 1
    if not offset:
        return
    words = key[offset:].split("|")
    for word in words:
        if word not in MODIFIERS:
            yield _Wrong(
                f'unknown modifier "{word}"{nearest(word, MODIFIERS)}', on_key=True, offset=offset, length=len(word)
            )
        offset += len(word) + 1


def _condition(document: Document, detection: Mapping[str, Any], names: list[str]) -> Iterator[Fault]:
    if detection.get("condition") is None:
        near = next((name for name in names if nearest(name, ("condition",))), None)
        at: tuple[Key, ...] = ("detection", near) if near else ("detection",)
        yield document.fault(at, 'the detection has no "condition"', on_key=True)
        return
    conditions = detection["condition"]
    selections = {name: Leaf(name, "", ()) for name in names}
    used: set[str] = set()
    broken = False
    for index, text in enumerate(conditions if isinstance(conditions, list) else [conditions]):
        place: tuple[Key, ...] = (
            ("detection", "condition", index) if isinstance(conditions, list) else ("detection", "condition")
        )
        if not isinstance(text, str):
            broken = True
            yield document.fault(place, f"a condition is text, not {_kind(text)}")
            continue
        try:
            used |= condition.parse(text, selections)[1]
        except condition.ConditionError as error:
            broken = True
            yield at_offset(document, place, text, error.problem)
    if not broken:
        for name in names:
            if name not in used and not name.startswith("_"):
                yield document.fault(("detection", name), f'no condition uses the selection "{name}"', on_key=True)


def at_offset(document: Document, place: Iterable[Key], text: str, problem: condition.Problem) -> Fault:
    """The fault at a word of a condition; where the scalar is folded over lines, at its beginning."""
    fault = document.fault(place, problem.message, offset=problem.offset, length=problem.length)
    word = text[problem.offset : problem.offset + problem.length]
    if fault.source[fault.column - 1 : fault.column - 1 + len(word)] == word:
        return fault
    return document.fault(place, problem.message)


def _kind(value: object) -> str:
    names = {
        dict: "a map",
        list: "a list",
        str: "text",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "nothing",
    }
    return names.get(type(value), type(value).__name__)
