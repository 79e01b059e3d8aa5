"""A correlation's YAML document in, an `ir.Correlation` out; or every fault in it, each with its place.

Source of truth: Sigma specification 2.1, correlation rules (kinds, timespans, conditions, extended conditions, aliases, generate). The
kinds new_value, spike, flatline, absence and rarity with their keys are ours (docs/rules.md). What its rules are is looked up when all
files are read (.references).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from soc.detect.sigma import condition
from soc.detect.sigma.check_filter import MAX_RULES, name_faults
from soc.detect.sigma.ir import And, Condition, Correlation, Leaf, Node, Place
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key, described, nearest

COUNTING = frozenset({"event_count"})
OF_VALUES = frozenset({"value_count", "value_sum", "value_avg", "value_percentile", "value_median"})
TEMPORAL = frozenset({"temporal", "temporal_ordered"})
OURS = frozenset({"new_value", "spike", "flatline", "absence", "rarity"})
KINDS = COUNTING | OF_VALUES | TEMPORAL | OURS
OPERATORS = ("gt", "gte", "lt", "lte", "eq", "neq")

_KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")
_SPANS = {"learning": "learning_s", "baseline": "baseline_s"}
_OPTIONS: dict[str, dict[str, str | float]] = {
    "new_value": {"learning": "7d"},
    "spike": {"baseline": "7d", "minimum": 10},
    "flatline": {"baseline": "7d", "minimum": 10},
    "rarity": {"learning": "7d", "minimum": 100},
}
"""Our kinds -> their own keys with the defaults: spans, or a number of events."""
_COMPARES = COUNTING | OF_VALUES | TEMPORAL | {"spike", "flatline", "rarity"}
"""Kinds whose condition compares a figure."""
_FEW = frozenset({"lt", "lte", "eq"})
"""Operators with a bound above; the groups of a value that many have are not all remembered, so nothing else can be told of it."""
_FEW_FOR = {"gt": "lt", "gte": "lte", "neq": "eq"}
_READS = OF_VALUES | {"new_value", "rarity"}
"""Kinds whose condition names a field."""

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800, "M": 2_629_746, "y": 31_556_952}
"""Seconds of a timespan's unit; a month and a year are the Gregorian calendar's mean."""
_SPAN = re.compile(r"([0-9]{1,9})([smhdwMy])")
MAX_SPAN_S = 10 * _UNITS["y"]
MAX_FIELDS = 20
"""Fields of a group or of a counted value."""


def span_s(text: object) -> float | None:
    """The seconds of a timespan as `15s`, `30m`, `1h`, `7d`, `1w`, `1M` or `1y`; None where it is none."""
    match = _SPAN.fullmatch(text) if isinstance(text, str) else None
    return float(int(match[1]) * _UNITS[match[2]]) if match else None


def correlation(document: Document, metadata: Mapping[str, Any]) -> Correlation:
    """The correlation of a document; `metadata`: what all kinds of content share. Raises: FaultsError with every fault."""
    reader = _Reader(document)
    found = reader.read()
    if reader.faults:
        raise FaultsError(reader.faults)
    return Correlation(**metadata, **found, places=dict(_places(document, found)))


class _Reader:
    """The section of one document, key by key, with the faults met on the way."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self.kind = ""

    def _fault(self, at: tuple[Key, ...], message: str, *, on_key: bool = False) -> None:
        self.faults.append(self.document.fault(("correlation", *at), message, on_key=on_key))

    def read(self) -> dict[str, Any]:
        section = self.document.data["correlation"]
        if not isinstance(section, dict):
            self._fault((), f'"correlation" is a map of type, rules, timespan and condition, not {described(section)}')
            return {}
        self.kind = self._kind(section)
        own = _OPTIONS.get(self.kind, {})
        for key in section:
            if key not in _KEYS and key not in own:
                self._fault((str(key),), f'unknown key "{key}"{self._hint(str(key), own)}', on_key=True)
        rules = self._rules(section)
        found = {
            "kind": self.kind,
            "timespan_s": self._span(section, "timespan") if "timespan" in section else self._missing("timespan"),
            "group_by": self._texts(("group-by",), section.get("group-by", [])),
            "aliases": self._aliases(section.get("aliases"), rules),
            "generate": self._generate(section),
            "options": self._options(section, own),
        }
        if self.kind == "rarity" and "group-by" not in section:
            self._fault(("type",), 'rarity counts the groups that have a value: it needs "group-by"')
        if not self.kind:
            return found
        return found | self._condition(section, rules)

    def _kind(self, section: Mapping[str, Any]) -> str:
        kind = section.get("type")
        if "type" not in section:
            self._missing("type")
        elif not isinstance(kind, str):
            self._fault(("type",), f'"type" is text, not {described(kind)}')
        elif kind.lower() not in KINDS:
            self._fault(("type",), f'"{kind}" is not a correlation type{nearest(kind, KINDS)}')
        else:
            return kind.lower()
        return ""

    def _hint(self, key: str, own: Mapping[str, object]) -> str:
        whose = [kind for kind in sorted(_OPTIONS) if key in _OPTIONS[kind]]
        return f" (it belongs to {', '.join(whose)})" if whose else nearest(key, (*_KEYS, *own))

    def _missing(self, key: str) -> float:
        self._fault((), f'the correlation has no "{key}"', on_key=True)
        return 0.0

    def _rules(self, section: Mapping[str, Any]) -> tuple[str, ...]:
        if "rules" not in section:
            if self.kind not in TEMPORAL or not isinstance(section.get("condition"), str):
                self._missing("rules")
            return ()
        names = section["rules"]
        wrong = list(name_faults(self.document, ("correlation", "rules"), names))
        self.faults += wrong
        if wrong:
            return ()
        rules = (names,) if isinstance(names, str) else tuple(names)
        if self.kind == "absence" and len(rules) != 2:
            self._fault(("rules",), f"an absence has two rules (the first without the second), not {len(rules)}")
        return rules

    def _span(self, section: Mapping[str, Any], key: str) -> float:
        value = section[key]
        seconds = span_s(value)
        if seconds is None:
            words = "write a number and s, m, h, d, w, M or y (15s, 30m, 7d)"
            shown = f'"{value}"' if isinstance(value, str | int | float) else described(value)
            self._fault((key,), f"{shown} is not a timespan: {words}")
        elif seconds == 0:
            self._fault((key,), f'"{key}" is zero: it must last longer')
        elif seconds > MAX_SPAN_S:
            self._fault((key,), f'"{key}" is longer than 10y')
        return seconds or 0.0

    def _texts(self, at: tuple[Key, ...], value: object) -> tuple[str, ...]:
        """Field names: one, or a list."""
        names = [value] if isinstance(value, str) else value
        if names is None or not isinstance(names, list):
            self._fault(at, f'"{at[-1]}" is a field or a list of fields, not {described(value)}')
            return ()
        if len(names) > MAX_FIELDS:
            self._fault(at, f"{len(names):,} fields; at most {MAX_FIELDS} are taken")
            return ()
        for index, name in enumerate(names):
            place = (*at, index) if isinstance(value, list) else at
            if not isinstance(name, str):
                self._fault(place, f"a field is text, not {described(name)}: quote it")
            elif not name.strip():
                self._fault(place, "the name of a field is empty")
            elif name in names[:index]:
                self._fault(place, f'the field "{name}" is named twice')
        return tuple(name for name in names if isinstance(name, str))

    def _aliases(self, value: object, rules: tuple[str, ...]) -> dict[str, dict[str, str]]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self._fault(("aliases",), f'"aliases" is a map of names, not {described(value)}')
            return {}
        for alias, fields in value.items():
            if not isinstance(alias, str) or not isinstance(fields, dict) or not fields:
                self._fault(("aliases", str(alias)), "an alias is a name, and a map of rules to fields")
                continue
            for rule, field in fields.items():
                at = ("aliases", alias, str(rule))
                if not isinstance(rule, str):
                    self._fault(at, f"a rule's name or id is text, not {described(rule)}: quote it", on_key=True)
                elif rules and rule not in rules:
                    words = f'the alias "{alias}" names "{rule}", which is not among the rules{nearest(rule, rules)}'
                    self._fault(at, words, on_key=True)
                elif not isinstance(field, str) or not field.strip():
                    self._fault(at, f"a field is text, not {described(field)}")
        return value

    def _generate(self, section: Mapping[str, Any]) -> bool:
        value = section.get("generate", False)
        if not isinstance(value, bool):
            self._fault(("generate",), f'"generate" is true or false, not {described(value)}')
        return value is True

    def _options(self, section: Mapping[str, Any], own: Mapping[str, str | float]) -> dict[str, float | str]:
        found: dict[str, float | str] = {}
        for key, default in own.items():
            if key in _SPANS:
                found[_SPANS[key]] = self._span(section, key) if key in section else span_s(default) or 0.0
                continue
            value = section.get(key, default)
            if _number(value) is None or value < 0:
                self._fault((key,), f'"{key}" is a number of events, not {_shown(value)}')
            else:
                found[key] = float(value)
        return found

    # --- Condition ----------------------------------------------------------------------------------------------------------------

    def _condition(self, section: Mapping[str, Any], rules: tuple[str, ...]) -> dict[str, Any]:
        value = section.get("condition")
        if self.kind in TEMPORAL:
            return self._expression(value, rules)
        if self.kind == "absence":
            if "condition" in section:
                self._fault(("condition",), "an absence has no condition: its two rules say it all", on_key=True)
            return {"rules": rules}
        if "condition" not in section:
            self._missing("condition")
        elif not isinstance(value, dict):
            words = (
                "an expression over rules belongs to temporal and temporal_ordered" if isinstance(value, str) else ""
            )
            example = (
                words or f"it is a map such as {{{'field: user.name' if self.kind == 'new_value' else 'gte: 10'}}}"
            )
            self._fault(("condition",), f"the condition of {self.kind} is not {described(value)}; {example}")
        else:
            return {"rules": rules, **self._comparison(value)}
        return {"rules": rules}

    def _comparison(self, value: Mapping[str, Any]) -> dict[str, Any]:
        allowed = [
            *(OPERATORS if self.kind in _COMPARES else ()),
            *(["field"] if self.kind in _READS else []),
            *(["percentile"] if self.kind == "value_percentile" else []),
        ]
        conditions = []
        for key, threshold in value.items():
            if key not in allowed:
                words = f'the condition of {self.kind} takes {", ".join(allowed)}, not "{key}"'
                self._fault(("condition", str(key)), f"{words}{nearest(str(key), allowed)}", on_key=True)
            elif key in OPERATORS:
                if _number(threshold) is None:
                    self._fault(("condition", key), f'"{key}" is a number, not {_shown(threshold)}')
                else:
                    conditions.append(Condition(key, float(threshold)))
        if self.kind in _COMPARES and not any(key in OPERATORS for key in value):
            self._fault(
                ("condition",), f"the condition compares nothing: give one of {', '.join(OPERATORS)}", on_key=True
            )
        fields: tuple[str, ...] = ()
        if self.kind in _READS:
            if "field" in value:
                fields = self._texts(("condition", "field"), value["field"])
            if not fields:
                self._fault(("condition",), f'the condition of {self.kind} needs a "field"', on_key=True)
            elif len(fields) > 1 and self.kind in OF_VALUES - {"value_count"}:
                self._fault(("condition", "field"), f"{self.kind} measures one field, not {len(fields)}")
        if self.kind == "rarity" and conditions and not any(each.operator in _FEW for each in conditions):
            words = "rarity is of values that few groups have: the condition needs a bound above, lt, lte or eq"
            key = conditions[0].operator
            self._fault(("condition", key), f'{words}; did you mean "{_FEW_FOR[key]}"?', on_key=True)
        self._satisfiable(conditions)
        found: dict[str, Any] = {"conditions": tuple(conditions), "fields": fields}
        if self.kind == "value_percentile":
            found["percentile"] = self._percentile(value)
        return found

    def _percentile(self, value: Mapping[str, Any]) -> float:
        rank = _number(value.get("percentile"))
        if "percentile" not in value:
            self._fault(("condition",), 'the condition of value_percentile needs a "percentile"', on_key=True)
        elif rank is None or not 0 <= rank <= 100:
            self._fault(("condition", "percentile"), f"a percentile is 0 to 100, not {_shown(value['percentile'])}")
        return rank or 0.0

    def _satisfiable(self, conditions: list[Condition]) -> None:
        """A range without a number in it never fires; a count that is satisfied by zero says nothing about events that come."""
        if conditions and not _holds_somewhere(conditions, whole=self.kind in COUNTING | TEMPORAL | {"value_count"}):
            self._fault(("condition",), "no number is in this range: it can never hold", on_key=True)

    def _expression(self, value: object, rules: tuple[str, ...]) -> dict[str, Any]:
        if value is None:
            leaves: tuple[Node, ...] = tuple(Leaf(rule, "", ()) for rule in rules)
            return {"rules": rules, "expression": leaves[0] if len(leaves) == 1 else And(leaves)}
        if isinstance(value, dict):  # "the count of different event types"
            return {"rules": rules, **self._comparison(value)}
        if not isinstance(value, str):
            words = (
                f"an expression over its rules, as text (a and b), or how many of them (gte: 2), not {described(value)}"
            )
            self._fault(("condition",), f"the condition of {self.kind} is {words}")
            return {"rules": rules}
        names = rules or tuple(dict.fromkeys(condition.operands(value)))
        if len(names) > MAX_RULES:
            self._fault(("condition",), f"{len(names):,} rules; at most {MAX_RULES:,} can be named")
            return {"rules": names}
        try:
            tree, used = condition.parse(value, {name: Leaf(name, "", ()) for name in names}, what="rule")
        except condition.ConditionError as error:
            self.faults.append(condition.fault(self.document, ("correlation", "condition"), value, error.problem))
            return {"rules": names}
        for index, name in enumerate(names):
            if name not in used:
                at: tuple[Key, ...] = (
                    ("rules", index) if isinstance(self.document.data["correlation"]["rules"], list) else ("rules",)
                )
                self._fault(at, f'the condition does not use the rule "{name}"')
        return {"rules": names, "expression": tree}


def _number(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if good and isfinite(value) else None  # type: ignore[arg-type]
    except OverflowError:
        return None


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else described(value) if _number(value) is None else str(value)


def _holds_somewhere(conditions: list[Condition], *, whole: bool) -> bool:
    """Whether some number from 0 on (a whole one, for counts) satisfies all conditions: tried at the thresholds and beside them."""
    step = 1.0 if whole else 0.0
    edges = {0.0} | {each.value for each in conditions}
    tried = {edge + side for edge in edges for side in (-step, 0.0, step)}
    tried |= {(low + high) / 2 for low in edges for high in edges} | {max(edges) + 1}
    if not whole:
        tried |= {min(edges) - 1}
    else:
        tried = {float(int(each)) for each in tried if each >= 0} | {
            float(int(each)) + 1 for each in tried if each >= 0
        }
    return any(all(_compare(each, figure) for each in conditions) for figure in tried)


def _compare(each: Condition, figure: float) -> bool:
    value = each.value
    return {
        "gt": figure > value,
        "gte": figure >= value,
        "lt": figure < value,
        "lte": figure <= value,
        "eq": figure == value,
        "neq": figure != value,
    }[each.operator]


def _places(document: Document, found: Mapping[str, Any]) -> Iterator[tuple[str, Place]]:
    """Where the names stand that other files answer for: `rules/0`, `group-by/1`, `aliases/NAME/RULE`."""
    section = document.data["correlation"]
    named = "rules" in section
    for index, _ in enumerate(found["rules"]):
        at: tuple[Key, ...] = ("rules", index) if named else ("condition",)
        yield f"rules/{index}", place(document, ("correlation", *at))
    for index, _ in enumerate(found["group_by"]):
        yield f"group-by/{index}", place(document, ("correlation", "group-by", index))
    for alias, fields in found["aliases"].items():
        for rule in fields:
            yield f"aliases/{alias}/{rule}", place(document, ("correlation", "aliases", alias, rule))


def place(document: Document, at: tuple[Key, ...]) -> Place:
    """Where a value of a document stands."""
    fault = document.fault(at, "")
    return Place(fault.line, fault.column, fault.length)
