"""A checked YAML document in, its content in our own form out; pySigma's parsed form is made item by item: its objections get places.

Source of truth: Sigma specification 2.1; pySigma 1.5 for values, wildcards, escapes, the modifier chain with its types, and metadata.
pySigma is imported here (and by soc.detect.sigma.encoding) only, and this module only when a file is not in the cache. Its objects are
mutated while they are processed, so they are read once and dropped.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from hashlib import blake2b, sha256
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from sigma.conditions import ConditionAND
from sigma.correlations import SigmaCorrelationRule  # noqa: F401  pySigma's modules import each other in a circle that this opens
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetectionItem, SigmaLogSource, SigmaRule
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    sigma_type,
)

from soc.detect.sigma import condition, expression, text
from soc.detect.sigma.correlation_parse import correlation, place
from soc.detect.sigma.encoding import DASH, MODIFIERS
from soc.detect.sigma.ir import (
    ANY_DASH,
    ANY_ONE,
    ANY_RUN,
    And,
    Content,
    Correlation,
    Filter,
    Leaf,
    Logsource,
    Node,
    Not,
    Or,
    Part,
    Pattern,
    Place,
    Rule,
)
from soc.detect.sigma.leaf import text_of
from soc.detect.sigma.logic import without_a_match
from soc.detect.sigma.text import joined
from soc.detect.sigma.weight import weight
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key

Placeholders = Mapping[str, list[str]]

MAX_EXPANDED = 10_000
"""Patterns that one value may become when its placeholders are filled in."""

_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
_COMPARE = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_SPECIAL: dict[SpecialChars, Part] = {SpecialChars.WILDCARD_MULTI: ANY_RUN, SpecialChars.WILDCARD_SINGLE: ANY_ONE}
_OF_TEXT = frozenset({"contains", "startswith", "endswith", "cased"})
_ANCHORED = frozenset({"startswith", "endswith"})
_KEY_OF_ERROR = re.compile(r"Sigma(\w+?)Error")


_CLASS = re.compile(r"Modifier (?:Sigma)?(\w+?)(?:Modifier)?(?= incompatible)")
"""pySigma names the class of a modifier; people know its name."""


class _UnfitError(Exception):
    """A value that cannot be matched, in words; the caller knows its place."""


def content(document: Document, raw: bytes, placeholders: Placeholders) -> Content:
    """The content of one document that `check` found no fault in; `raw` is its file's bytes. Raises: FaultsError."""
    if "correlation" in document.data:
        return _correlation(document, raw)
    if "filter" in document.data:
        return _filter(document, raw, placeholders)
    return rule(document, raw, placeholders)


def rule(document: Document, raw: bytes, placeholders: Placeholders) -> Rule:
    """The detection rule of one document, as `content`. Raises: FaultsError."""
    built = _Builder(document, "detection", placeholders)
    tree = None if built.faults else built.tree()
    faults = [*_metadata_faults(document), *_logsource_faults(document), *built.faults]
    if faults or tree is None:
        raise FaultsError(faults)
    return Rule(
        **_shared(document, raw),
        **_judged(document.data),
        logsource=_logsource(document.data),
        tree=tree,
        warnings=tuple(dict.fromkeys(built.warnings)),
    )


def _correlation(document: Document, raw: bytes) -> Correlation:
    faults = list(_metadata_faults(document))
    try:
        found = correlation(document, _shared(document, raw) | _judged(document.data))
    except FaultsError as error:
        raise FaultsError([*faults, *error.faults]) from None
    if faults:
        raise FaultsError(faults)
    return found


def _filter(document: Document, raw: bytes, placeholders: Placeholders) -> Filter:
    section = document.data["filter"]
    built = _Builder(document, "filter", placeholders)
    tree = None if built.faults else built.tree()
    faults = [*_metadata_faults(document), *_logsource_faults(document), *built.faults]
    if tree is not None and not without_a_match(tree):
        written = section["condition"]
        mended = f"not {written}" if written.split() == [written] else f"not ({written})"
        message = (
            "the rules would fire only where a selection matches, which is the benign case: a filter's condition says "
            f'what still fires; write "{mended}"'
        )
        faults.append(document.fault(("filter", "condition"), message))
    if faults or tree is None:
        raise FaultsError(faults)
    named = section["rules"]
    rules = () if named == "any" else (named,) if isinstance(named, str) else tuple(named)
    tuning = document.data.get("tuning", {})
    return Filter(
        **_shared(document, raw),
        logsource=_logsource(document.data),
        rules=rules,
        tree=tree,
        warnings=tuple(dict.fromkeys(built.warnings)),
        places={f"rules/{at}": _place_of_rule(document, at) for at in range(len(rules))},
        **{key: tuning.get(key, "") for key in ("reason", "owner", "expires")},
    )


def _place_of_rule(document: Document, at: int) -> Place:
    return place(document, ("filter", "rules", at))


def _shared(document: Document, raw: bytes) -> dict[str, Any]:
    """What all kinds of content have."""
    data = document.data
    name, title = data.get("name") or "", data["title"]
    return {
        "id": str(data.get("id") or uuid5(NAMESPACE_URL, f"sigma:{name or title}")).lower(),
        "title": title,
        "version": sha256(raw).hexdigest(),
        "description": data.get("description") or "",
        "line": document.line,
        "name": name,
    }


def _judged(data: Mapping[str, Any]) -> dict[str, Any]:
    """What an alert is judged by, of detection rules and correlations."""
    return {
        "level": str(data.get("level") or "medium").lower(),
        "tags": tuple(data.get("tags") or ()),
        "falsepositives": tuple(map(str, data.get("falsepositives") or ())),
    }


def _logsource(data: Mapping[str, Any]) -> Logsource:
    logsource = data["logsource"]
    return Logsource(*((logsource.get(key) or "").lower() for key in ("category", "product", "service")))


def _metadata_faults(document: Document) -> Iterator[Fault]:
    """What pySigma has against the keys beside the detection."""
    data = {key: value for key, value in document.data.items() if key not in ("detection", "correlation", "filter")}
    _, errors = SigmaRule.from_dict_common_params(data, collect_errors=True)
    for error in errors:
        named = _KEY_OF_ERROR.fullmatch(type(error).__name__)
        key = {"identifier": "id", "tag": "tags", "falsepositives": "falsepositives"}.get(
            name := named[1].lower() if named else "", name
        )
        yield document.fault([key], str(error))


def _logsource_faults(document: Document) -> Iterator[Fault]:
    try:
        SigmaLogSource.from_dict(document.data["logsource"])
    except SigmaError as error:
        yield document.fault(["logsource"], str(error))


class _Builder:
    """The selections of one document as trees, with the faults and warnings met on the way."""

    def __init__(self, document: Document, section: str, placeholders: Placeholders) -> None:
        self.document = document
        self.section = section
        self.placeholders = placeholders
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.selections: dict[str, Node] = {}
        for name, definition in document.data[section].items():
            if name != "condition" and not (name == "rules" and section == "filter"):
                node = self._selection((section, str(name)), str(name), definition)
                self.selections[str(name)] = node or And(())

    def tree(self) -> Node | None:
        """The whole rule: its conditions, any of them."""
        conditions = self.document.data[self.section]["condition"]
        several = isinstance(conditions, list)
        found = []
        for index, words in enumerate(conditions if several else [conditions]):
            try:
                found.append(condition.parse(words, self.selections)[0])
            except condition.ConditionError as error:
                at: tuple[Key, ...] = (self.section, "condition", index) if several else (self.section, "condition")
                self.faults.append(condition.fault(self.document, at, words, error.problem))
        return _any(found) if found else None

    def _selection(self, place: tuple[Key, ...], name: str, definition: object) -> Node | None:
        if isinstance(definition, dict):
            return _all(
                [node for key, value in definition.items() if (node := self._item(place, name, key, value)) is not None]
            )
        if isinstance(definition, list):
            if any(isinstance(item, dict) for item in definition):
                nodes = [
                    self._selection((*place, index), f"{name}[{index}]", item) for index, item in enumerate(definition)
                ]
                return _any([node for node in nodes if node is not None])
            return self._item(place[:-1], name, None, definition, place)
        return self._item(place[:-1], name, None, definition, place)

    def _item(
        self, place: tuple[Key, ...], name: str, key: str | None, value: object, at: tuple[Key, ...] | None = None
    ) -> Node | None:
        """One `field|modifiers: values` (key None: bare keywords)."""
        field, *words = key.split("|") if key is not None else [""]
        at = at if at is not None else (*place, str(key))
        where = name if key is None else f"{name}/{key}"
        single = not isinstance(value, list)
        each: list[Any] = [value] if not isinstance(value, list) else value
        groups: list[tuple[Pattern, ...]] = []
        item: SigmaDetectionItem | None = None
        for index, raw in enumerate(each):
            try:
                item = self._apply(field, words, raw)
                patterns = tuple(pattern for part in item.value for pattern in self._patterns(part, raw, field, words))
                groups.append(patterns)
            except (SigmaError, _UnfitError, expression.ExpressionError) as error:
                self.faults.append(self.document.fault(at if single else (*at, index), _sentence(error)))
        if item is None or len(groups) != len(each):
            return None
        linked = item.value_linking is ConditionAND and len(groups) > 1
        node: Node = (
            And(tuple(_leaf(where, field, group) for group in groups))
            if linked
            else _leaf(where, field, tuple(pattern for group in groups for pattern in group))
        )
        return Not(node) if item.negated else node

    def _apply(self, field: str, words: list[str], raw: object) -> SigmaDetectionItem:
        """pySigma's detection item of one value, its modifiers applied."""
        value: SigmaType
        if isinstance(raw, str) and "re" in words:
            value = SigmaString.from_str(raw)
        elif isinstance(raw, int | float) and not isinstance(raw, bool) and not _OF_TEXT.isdisjoint(words):
            value = SigmaString.from_str(
                text_of(raw)
            )  # "generic modifiers ... can be applied on all types"; pySigma wants text
        else:
            value = sigma_type(raw)  # type: ignore[arg-type]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's `re` on sets that a later version may read differently
            return SigmaDetectionItem(field or None, [MODIFIERS[word] for word in words], [value])

    def _patterns(self, value: SigmaType, raw: object, field: str, words: list[str]) -> list[Pattern]:
        written = _written(raw)
        match value:
            case SigmaExpansion():
                return [pattern for part in value.values for pattern in self._patterns(part, raw, field, words)]
            case SigmaString():
                return self._texts(value, written, keyword=not field and _ANCHORED.isdisjoint(words))
            case SigmaRegularExpression():
                return self._expressions(value, written)
            case SigmaNumber() if not isinstance(value, SigmaTimestampPart):
                return (
                    [_keyword_number(value, written)]
                    if not field
                    else [Pattern("number", written, text_of(value.number).lower(), value=value.number)]
                )
            case SigmaBool() if field:
                return [Pattern("bool", written, text_of(value.boolean), value=value.boolean)]
            case SigmaNull() if field:
                return [Pattern("null", written)]
            case SigmaExists():
                return [Pattern("exists", written, value=value.exists)]
            case SigmaCIDRExpression():
                return [Pattern("cidr", written, value=str(value.network))]
            case SigmaCompareExpression():
                return [_comparison(value, written)]
            case SigmaTimestampPart():
                return [Pattern("time", written, value=value.number, flags=f"{value.timestamp_part.name.lower()} eq")]
            case SigmaFieldReference() if field:
                how = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
                flags = how.get((value.starts_with, value.ends_with), "equals")
                return [Pattern("field", written, value=value.field, flags=flags)]
        raise _UnfitError(f"a keyword cannot be {type(value).__name__.removeprefix('Sigma').lower()}")

    def _texts(self, value: SigmaString, written: str, *, keyword: bool) -> list[Pattern]:
        found: list[Pattern] = []
        for parts in self._filled(value):
            if parts is None:
                found.append(Pattern("never", written, value=", ".join(self._missing(value))))
                continue
            around = joined((ANY_RUN, *parts, ANY_RUN)) if keyword else joined(parts)
            found += text.patterns(around, written, cased=isinstance(value, SigmaCasedString))
        return found

    def _expressions(self, value: SigmaRegularExpression, written: str) -> list[Pattern]:
        flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
        patterns = []
        for parts in self._filled(value.regexp, quote=re.escape):
            if parts is None:
                patterns.append(Pattern("never", written, value=", ".join(self._missing(value.regexp))))
                continue
            filled = "".join(part if isinstance(part, str) else "*" if part == ANY_RUN else "?" for part in parts)
            warning = expression.compiled(filled, flags)[1]
            if warning:
                self.warnings.append(f'the expression "{written}" {warning}')
            patterns.append(Pattern("re", written, expression.literal(filled, flags), value=filled, flags=flags))
        return patterns

    def _missing(self, value: SigmaString) -> list[str]:
        return [
            part.name
            for part in value.s
            if isinstance(part, Placeholder) and part.name != DASH and not self.placeholders.get(part.name)
        ]

    def _filled(self, value: SigmaString, quote: Any = None) -> list[list[Part] | None]:
        """The value with its placeholders filled in, every combination; None where one has no values."""
        missing = self._missing(value)
        if missing:
            self.warnings.append(f"the placeholder %{missing[0]}% has no values: what needs it cannot match")
            return [None]
        filled: list[list[Part]] = [[]]
        for part in value.s:
            choices: list[list[Part]]
            if isinstance(part, Placeholder) and part.name != DASH:
                given = self.placeholders[part.name]
                choices = (
                    [[quote(each)] for each in given] if quote else [_parts(SigmaString(str(each))) for each in given]
                )
            else:
                choices = [[_part(part)]]
            if len(filled) * len(choices) > MAX_EXPANDED:
                raise _UnfitError(f"its placeholders fill in to more than {MAX_EXPANDED:,} patterns")
            filled = [[*head, *tail] for head in filled for tail in choices]
        return list(filled)


def _leaf(where: str, field: str, patterns: tuple[Pattern, ...]) -> Leaf:
    key = blake2b(msgspec.msgpack.encode(patterns), digest_size=16).digest()
    return Leaf(where, field, patterns, weight(patterns), key)


def _part(part: str | SpecialChars | Placeholder) -> Part:
    if isinstance(part, str):
        return part
    return _SPECIAL[part] if isinstance(part, SpecialChars) else ANY_DASH


def _parts(value: SigmaString) -> list[Part]:
    return [_part(part) for part in value.s]


def _keyword_number(value: SigmaNumber, written: str) -> Pattern:
    return Pattern("contains", written, text_of(value.number).lower())


def _comparison(value: SigmaCompareExpression, written: str) -> Pattern:
    how = _COMPARE[value.op]
    if isinstance(value.number, SigmaTimestampPart):
        return Pattern(
            "time", written, value=value.number.number, flags=f"{value.number.timestamp_part.name.lower()} {how}"
        )
    return Pattern("compare", written, value=value.number.number, flags=how)


def _written(raw: object) -> str:
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw)


def _sentence(error: Exception) -> str:
    words = _CLASS.sub(lambda named: f'modifier "{named[1].lower()}"', str(error))
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def _all(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def _any(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))
