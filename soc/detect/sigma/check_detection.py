"""The `logsource` and `detection` of a rule (or the selections of a filter) in, every fault with its place out.

Source of truth: Sigma specification 2.1 (rules, modifiers appendix). What needs a value's meaning (modifier chains, types, expressions)
is checked where the rule is built (.parse), with the same places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from soc.detect.sigma import condition
from soc.detect.sigma.ir import Leaf
from soc.errors import Fault
from soc.yaml_file import Document, Key, described, nearest

LOGSOURCE_KEYS = frozenset({"category", "product", "service", "definition"})
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
_SCALARS = (str, int, float, bool, type(None))
MAX_VALUES = 100_000
"""Values of one rule; SigmaHQ's largest has some hundreds."""
MAX_VALUE = 10_000
"""Characters of one value: longer ones are no patterns, and each is looked for in every event."""


def logsource_faults(document: Document, data: Mapping[str, Any], what: str) -> Iterator[Fault]:
    """Of the logsource; `what` is how the document is called ("rule", "filter")."""
    if "logsource" not in data:
        yield document.fault([], f'the {what} has no "logsource"', length=1)
        return
    logsource = data["logsource"]
    if not isinstance(logsource, dict):
        yield document.fault(
            ["logsource"], f'"logsource" is a map of category, product and service, not {described(logsource)}'
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
            yield document.fault(["logsource", key], f'logsource "{key}" is text, not {described(value)}')
    if not any(logsource.get(key) for key in ("category", "product", "service")):
        yield document.fault(["logsource"], "the logsource names no category, product or service", on_key=True)


def detection_faults(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a rule's detection."""
    if "detection" not in data:
        yield document.fault([], 'the rule has no "detection"', length=1)
        return
    detection = data["detection"]
    if not isinstance(detection, dict):
        yield document.fault(
            ["detection"], f'"detection" is a map of selections and a condition, not {described(detection)}'
        )
        return
    if "timeframe" in detection:
        yield document.fault(
            ["detection", "timeframe"], '"timeframe" is Sigma 1: correlation rules took its place', on_key=True
        )
    yield from selection_faults(document, "detection", detection, ("condition", "timeframe"))


def selection_faults(
    document: Document, section: str, detection: Mapping[Any, Any], others: tuple[str, ...]
) -> Iterator[Fault]:
    """Of the selections and the condition of a section (detection, filter); `others` are its keys that are no selections."""
    selections = {name: definition for name, definition in detection.items() if name not in others}
    if not selections:
        yield document.fault([section], f"the {section} has no selection", on_key=True)
    count = 0
    for name, definition in selections.items():
        if isinstance(name, bool) or not isinstance(name, str | int):
            yield document.fault(
                [section, str(name)], f"a selection's name is text, not {described(name)}: quote it", on_key=True
            )
        for place, value in _values((section, str(name)), definition):
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
            yield document.fault((section, str(name)), f"the rule has more than {MAX_VALUES:,} values", on_key=True)
            return
    yield from _condition(document, section, detection, [str(name) for name in selections])


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
        yield place, _Wrong(f"a field name is text, not {described(key)}: quote it", on_key=True)
        return
    yield from ((place, wrong) for wrong in _modifiers(key))
    for index, single in enumerate(value if isinstance(value, list) else [value]):
        at = (*place, index) if isinstance(value, list) else place
        if not isinstance(single, _SCALARS):
            yield at, _Wrong(f"a value is text, a number, true, false or null, not {described(single)}")
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


_SHORT = 200
"""Characters of a condition, and names beside it, up to which what it uses is remembered."""


def _condition(document: Document, section: str, detection: Mapping[Any, Any], names: list[str]) -> Iterator[Fault]:
    if detection.get("condition") is None:
        near = next((name for name in names if nearest(name, ("condition",))), None)
        at: tuple[Key, ...] = (section, near) if near else (section,)
        yield document.fault(at, f'the {section} has no "condition"', on_key=True)
        return
    conditions = detection["condition"]
    used: set[str] = set()
    broken = False
    for index, text in enumerate(conditions if isinstance(conditions, list) else [conditions]):
        place: tuple[Key, ...] = (
            (section, "condition", index) if isinstance(conditions, list) else (section, "condition")
        )
        if not isinstance(text, str):
            broken = True
            yield document.fault(place, f"a condition is text, not {described(text)}")
            continue
        try:
            short = len(text) <= _SHORT and len(names) <= _SHORT
            used |= (_used if short else _used.__wrapped__)(text, tuple(names))
        except condition.ConditionError as error:
            broken = True
            yield condition.fault(document, place, text, error.problem)
    if conditions == []:
        yield document.fault((section, "condition"), "the list of conditions is empty", on_key=True)
    elif not broken:
        for name in names:
            if name not in used and not name.startswith("_"):
                yield document.fault((section, name), f'no condition uses the selection "{name}"', on_key=True)


@lru_cache(4_096)
def _used(text: str, names: tuple[str, ...]) -> frozenset[str]:
    """The selections that a condition uses; rules share few conditions. Raises: ConditionError."""
    return frozenset(condition.parse(text, {name: Leaf(name, "", ()) for name in names})[1])
