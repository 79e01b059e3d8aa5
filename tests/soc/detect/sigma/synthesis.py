"""A detection section in, an event that satisfies it out: Sigma field names and values, chosen by walking the condition.

Written from the YAML as SigmaHQ has it, not from the engine's own form of a rule. What is chosen is a guess (filters may meet it), so the
caller asks the plain matcher and draws again.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections import defaultdict
from random import Random
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser as sre_parser  # type: ignore[attr-defined]
from typing import Any

from soc.detect.sigma import condition
from soc.detect.sigma.ir import And, Leaf, Not

Demand = tuple[tuple[str, ...], Any]
"""Modifiers and one value that a field has to match."""


def placeholders_of(detection: Any) -> set[str]:
    """Names of the %placeholders% of a detection."""
    if isinstance(detection, dict):
        return {
            name
            for key, value in detection.items()
            for name in (re.findall(r"%([^%]+)%", str(value)) if "|expand" in key else placeholders_of(value))
        }
    return {name for part in detection for name in placeholders_of(part)} if isinstance(detection, list) else set()


def filled(detection: Any, values: dict[str, list[str]]) -> Any:
    """The detection with the first value of each placeholder in its place; `expand` stays, which asks for nothing more."""
    if isinstance(detection, list):
        return [filled(part, values) for part in detection]
    if not isinstance(detection, dict):
        return detection
    return {
        key: _filled_value(value, values) if "|expand" in key else filled(value, values)
        for key, value in detection.items()
    }


def _filled_value(value: Any, values: dict[str, list[str]]) -> Any:
    if isinstance(value, list):
        return [_filled_value(part, values) for part in value]
    return re.sub(r"%([^%]+)%", lambda name: values[name[1]][0], value)


class Draw:
    """One event drawn for one detection: `fields`, and `texts` that stand somewhere in it (keywords)."""

    def __init__(self, detection: dict[str, Any], random: Random) -> None:
        self._random = random
        self._selections = {name: value for name, value in detection.items() if name != "condition"}
        self._demands: dict[str, list[Demand]] = defaultdict(list)
        self._present: set[str] = set()
        self._other: dict[str, str] = {}
        self.texts: list[str] = []
        conditions = detection["condition"]
        chosen = random.choice(conditions) if isinstance(conditions, list) else conditions
        self._walk(condition.parse(chosen, {name: Leaf(name, "", ()) for name in self._selections})[0], wanted=True)
        self.fields: dict[str, Any] = {}
        for field in self._present:
            self.fields[field] = f"harmless {field}"
        for field, demands in self._demands.items():
            value = self._value(demands)
            self.fields.pop(field, None)
            if value is not None:
                self.fields[field] = value
        for field, other in self._other.items():
            value = self.fields.get(other, self.fields.get(field, "SAME\\same"))
            self.fields[field] = self.fields[other] = value

    # --- The condition, its selections, their items

    def _walk(self, node: Any, *, wanted: bool) -> None:
        if isinstance(node, Not):
            self._walk(node.item, wanted=not wanted)
        elif isinstance(node, Leaf):
            self._selection(self._selections[node.where], wanted=wanted)
        elif isinstance(node, And) is wanted:
            for item in node.items:
                self._walk(item, wanted=wanted)
        else:
            self._walk(self._random.choice(node.items), wanted=wanted)

    def _selection(self, definition: Any, *, wanted: bool) -> None:
        if isinstance(definition, dict):
            items = list(definition.items())
            for key, value in items if wanted else [self._random.choice(items)]:
                self._item(key, value, wanted=wanted)
        elif isinstance(definition, list):
            for part in [self._random.choice(definition)] if wanted else definition:
                self._selection(part, wanted=wanted)
        else:
            self._item("", definition, wanted=wanted)

    def _item(self, key: str, value: Any, *, wanted: bool) -> None:
        field, *modifiers = key.split("|")
        values = value if isinstance(value, list) else [value]
        every = ("all" in modifiers) is wanted
        if "neq" in modifiers:
            wanted = not wanted
        for one in values if every else [self._random.choice(values)]:
            self._demand(field, tuple(modifiers), one, wanted=wanted)

    def _demand(self, field: str, modifiers: tuple[str, ...], value: Any, *, wanted: bool) -> None:
        if "exists" in modifiers:
            wanted, value = wanted is value, None
            wanted = not wanted
        if not wanted:
            if value is None or value == "":
                self._present.add(field)
        elif "fieldref" in modifiers:
            self._other[field] = value
        elif field:
            self._demands[field].append((modifiers, value))
        else:
            self.texts.append(self._text(modifiers, value))

    # --- A value for all demands on a field

    def _value(self, demands: list[Demand]) -> Any:
        if any(value is None for _, value in demands):
            return None
        if len(demands) == 1 and isinstance(demands[0][1], int | float) and not _compares(demands[0][0]):
            return demands[0][1]
        for modifiers, value in demands:
            if _compares(modifiers):
                return value + {"lt": -1, "lte": 0, "gt": 1, "gte": 0}[_compares(modifiers)]
            if "cidr" in modifiers:
                network = ipaddress.ip_network(value)
                return str(network[1] if network.num_addresses > 2 else network[0])
        starts, middles, ends, wholes = [], [], [], []
        for modifiers, value in demands:
            text = self._text(modifiers, value)
            if "contains" in modifiers or "re" in modifiers:
                first = "re" in modifiers and str(value).startswith("^")
                (starts if first else middles).append(text)
            elif "startswith" in modifiers:
                starts.append(text)
            elif "endswith" in modifiers:
                ends.append(text)
            else:
                wholes.append((modifiers, value))
        if wholes:
            return self._text(*wholes[0], inside=" ".join([*starts, *middles, *ends]))
        self._random.shuffle(middles)
        start, end = max(starts, key=len, default=""), max(ends, key=len, default="")
        kept: list[str] = []
        for text in sorted(middles, key=len, reverse=True):
            if not any(text.lower() in other.lower() for other in (start, end, *kept)):
                kept.append(text)
        glue = (
            self._random.choice(["", " ", "x"]) if kept else self._random.choice(["", "x"] if start and end else [""])
        )
        if end and not start and self._random.random() < 0.3:
            start = "/srv"
        if kept and not start and not kept[0].isdigit() and self._random.random() < 0.3:
            start, glue = "x", ""
        if start.lower().endswith(end.lower()) and end and not kept:
            return start
        return glue.join(part for part in (start, *kept, end) if part)

    def _text(self, modifiers: tuple[str, ...], value: Any, inside: str = "") -> str:
        """Text that one value with its modifiers matches (for contains and its like: that has to be somewhere)."""
        if "re" in modifiers:
            return _drawn(sre_parser.parse(value), self._random)
        if isinstance(value, bool):
            return "true" if value else "false"
        text = self._plain(str(value), inside)
        if "windash" in modifiers:
            dash = self._random.choice("-/–—―")
            text = re.sub(r"(?<!\w)[-/–—―](?=\w)", dash, text)
        raw = text.encode("utf-16-le") if {"wide", "utf16le"} & set(modifiers) else text.encode()
        if "base64offset" in modifiers:
            return base64.b64encode(b"a" * self._random.randrange(3) + raw + b"zzz").decode()
        if "base64" in modifiers:
            return base64.b64encode(raw).decode().rstrip("=")
        if "wide" in modifiers:
            return raw.decode("latin-1")
        return text

    def _plain(self, value: str, inside: str) -> str:
        out = []
        for part in re.findall(r"\\[*?\\]|.", value, re.DOTALL):
            if part == "*":
                out.append(inside or self._random.choice(["", "x", "a b"]))
                inside = ""
            else:
                out.append("q" if part == "?" else part[1:] if len(part) == 2 else part)
        return "".join(out)


def _compares(modifiers: tuple[str, ...]) -> str:
    return next((word for word in modifiers if word in ("lt", "lte", "gt", "gte")), "")


# --- Regular expressions: any text that matches --------------------------------------------------------------------------------

_CLASSES = {
    sre.CATEGORY_DIGIT: "7",
    sre.CATEGORY_NOT_DIGIT: "x",
    sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_SPACE: "x",
    sre.CATEGORY_WORD: "w",
    sre.CATEGORY_NOT_WORD: "-",
}


def _drawn(node: Any, random: Random) -> str:
    return "".join(_one(operation, argument, random) for operation, argument in node)


def _one(operation: Any, argument: Any, random: Random) -> str:
    if operation is sre.LITERAL:
        return chr(argument)
    if operation is sre.NOT_LITERAL:
        return "x" if chr(argument) != "x" else "y"
    if operation is sre.ANY:
        return random.choice("x7-")
    if operation is sre.IN:
        return _of_set(argument, random)
    if operation is sre.BRANCH:
        return _drawn(random.choice(argument[1]), random)
    if operation is sre.SUBPATTERN:
        return _drawn(argument[3], random)
    if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        low, high, inner = argument
        return "".join(_drawn(inner, random) for _ in range(random.choice([low, min(high, low + 1)])))
    return ""


def _of_set(members: Any, random: Random) -> str:
    if members[0][0] is sre.NEGATE:
        pattern = [each for each in "xX7 -_./\\" if not any(_in(each, member) for member in members[1:])]
        return random.choice(pattern or ["\x01"])
    operation, argument = random.choice(members)
    if operation is sre.LITERAL:
        return chr(argument)
    return chr(random.randint(*argument)) if operation is sre.RANGE else _CLASSES[argument]


def _in(text: str, member: Any) -> bool:
    operation, argument = member
    if operation is sre.LITERAL:
        return ord(text) == argument
    if operation is sre.RANGE:
        return argument[0] <= ord(text) <= argument[1]
    return {
        sre.CATEGORY_DIGIT: text.isdigit(),
        sre.CATEGORY_SPACE: text.isspace(),
        sre.CATEGORY_WORD: text.isalnum() or text == "_",
        sre.CATEGORY_NOT_DIGIT: not text.isdigit(),
        sre.CATEGORY_NOT_SPACE: not text.isspace(),
        sre.CATEGORY_NOT_WORD: not (text.isalnum() or text == "_"),
    }[argument]
