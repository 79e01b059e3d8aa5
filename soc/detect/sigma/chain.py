"""One detection item's field, modifiers and value in, its patterns out, by pySigma's modifier chain with its type checks.

Source of truth: Sigma specification 2.1, modifiers appendix; pySigma 1.5 for the chain, values, wildcards and escapes. pySigma is imported
here (and by soc.detect.sigma.encoding) only, and this module only for values that .values does not take. pySigma's objects are mutated
while they are processed, so they are read once and dropped.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import Any

from sigma.conditions import ConditionAND
from sigma.correlations import SigmaCorrelationRule  # noqa: F401  pySigma's modules import each other in a circle that this opens
from sigma.exceptions import SigmaError
from sigma.rule import SigmaDetectionItem
from sigma.types import (
    CompareOperators,
    Placeholder,
    SigmaBool,
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

from soc.detect.sigma import expression, text, values
from soc.detect.sigma.encoding import DASH, MODIFIERS
from soc.detect.sigma.ir import ANY_DASH, ANY_ONE, ANY_RUN, Part, Pattern
from soc.detect.sigma.leaf import text_of
from soc.detect.sigma.text import joined

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
_TIME_PARTS = frozenset({"minute", "hour", "day", "week", "month", "year"})
_INT64 = range(-(2**63), 2**63)
_OF_TEXT = frozenset({"contains", "startswith", "endswith", "cased"})
_ANYWHERE = frozenset({"contains", "startswith", "endswith"})
_ANCHORED = frozenset({"startswith", "endswith"})
_CLASS = re.compile(r"Modifier (?:Sigma)?(\w+?)(?:Modifier)?(?= incompatible)")
"""pySigma names the class of a modifier; people know its name."""


class Chain:
    """Makes patterns of values; keeps the warnings met on the way."""

    def __init__(self, placeholders: Placeholders) -> None:
        self.placeholders = placeholders
        self.warnings: list[str] = []

    def patterns(self, field: str, words: list[str], raw: object) -> tuple[tuple[Pattern, ...], bool, bool]:
        """The patterns of one value; whether `all` links it with its neighbours; whether a modifier negates the item.

        Raises: UnfitError for what cannot be matched.
        """
        try:
            item = self._apply(field, words, raw)
            made = tuple(pattern for part in item.value for pattern in self._patterns(part, raw, field, words))
        except (SigmaError, expression.ExpressionError) as error:
            raise values.UnfitError(_sentence(error)) from error
        return made, item.value_linking is ConditionAND, item.negated

    def _apply(self, field: str, words: list[str], raw: object) -> SigmaDetectionItem:
        """pySigma's detection item of one value, its modifiers applied."""
        value: SigmaType
        if len(_TIME_PARTS.intersection(words)) > 1:
            raise values.UnfitError("a value is one part of a time; write one line for each")
        if isinstance(raw, str) and "re" in words:
            value = SigmaString.from_str(raw)
            words = [word for word in words if word not in _ANYWHERE]  # pySigma puts `.*` where nothing changes
        elif "fieldref" in words:
            value = sigma_type(raw)  # type: ignore[arg-type]
            words = [word for word in words if word != "cased"]  # pySigma has no room for it
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
                keyword = not field and _ANCHORED.isdisjoint(words)
                return self._texts(value, written, keyword=keyword, cased="cased" in words)
            case SigmaRegularExpression():
                return self._expressions(value, written, words)
            case SigmaNumber() if not isinstance(value, SigmaTimestampPart):
                return [_keyword_number(value, written) if not field else _number(raw, written)]  # type: ignore[arg-type]
            case SigmaBool() if field:
                return [Pattern("bool", written, text_of(value.boolean), value=value.boolean)]
            case SigmaNull() if field:
                return [Pattern("null", written)]
            case SigmaExists():
                return [Pattern("exists", written, value=value.exists)]
            case SigmaCIDRExpression():
                return [Pattern("cidr", written, value=str(value.network))]
            case SigmaCompareExpression():
                return [_comparison(value, raw, written)]  # type: ignore[arg-type]
            case SigmaTimestampPart():
                return [Pattern("time", written, value=value.number, flags=f"{value.timestamp_part.name.lower()} eq")]
            case SigmaFieldReference() if field:
                how = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
                flags = how.get((value.starts_with, value.ends_with), "equals")
                return [
                    Pattern("field", written, value=value.field, flags=f"{flags} cased" if "cased" in words else flags)
                ]
        raise values.UnfitError(f"a keyword cannot be {type(value).__name__.removeprefix('Sigma').lower()}")

    def _texts(self, value: SigmaString, written: str, *, keyword: bool, cased: bool) -> list[Pattern]:
        found: list[Pattern] = []
        for parts in self._filled(value):
            if parts is None:
                found.append(Pattern("never", written, value=", ".join(self._missing(value))))
                continue
            around = joined((ANY_RUN, *parts, ANY_RUN)) if keyword else joined(parts)
            found += text.patterns(around, written, cased=cased)
        return found

    def _expressions(self, value: SigmaRegularExpression, written: str, words: list[str]) -> list[Pattern]:
        flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
        patterns = []
        for parts in self._filled(value.regexp, quote=re.escape):
            if parts is None:
                patterns.append(Pattern("never", written, value=", ".join(self._missing(value.regexp))))
                continue
            filled = "".join(part if isinstance(part, str) else "*" if part == ANY_RUN else "?" for part in parts)
            anchor = _ANYWHERE.intersection(words)
            if anchor == {"startswith"}:
                filled = rf"\A(?:{filled})"
            elif anchor == {"endswith"}:
                filled = f"(?:{filled})(?-m:$)"
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
                choices = [[quote(each)] for each in given] if quote else [values.parts(str(each)) for each in given]
            else:
                choices = [[_part(part)]]
            if len(filled) * len(choices) > MAX_EXPANDED:
                raise values.UnfitError(f"its placeholders fill in to more than {MAX_EXPANDED:,} patterns")
            filled = [[*head, *tail] for head in filled for tail in choices]
        return list(filled)


def _part(part: str | SpecialChars | Placeholder) -> Part:
    if isinstance(part, str):
        return part
    return _SPECIAL[part] if isinstance(part, SpecialChars) else ANY_DASH


def _number(raw: float, written: str) -> Pattern:
    """A number as the rule writes it: pySigma takes 7.0 for 7. Events hold a whole number beyond 64 bits as text."""
    if isinstance(raw, int) and raw not in _INT64:
        return Pattern("equals", written, str(raw))
    return Pattern("number", written, text_of(raw).lower(), value=raw)


def _keyword_number(value: SigmaNumber, written: str) -> Pattern:
    return Pattern("contains", written, text_of(value.number).lower())


def _comparison(value: SigmaCompareExpression, raw: float, written: str) -> Pattern:
    how = _COMPARE[value.op]
    if isinstance(value.number, SigmaTimestampPart):
        return Pattern(
            "time", written, value=value.number.number, flags=f"{value.number.timestamp_part.name.lower()} {how}"
        )
    # as written: pySigma's floats are whole numbers no longer beyond 2^53
    return Pattern("compare", written, value=str(raw) if isinstance(raw, int) and raw not in _INT64 else raw, flags=how)


def _written(raw: object) -> str:
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return str(raw)


def _sentence(error: Exception) -> str:
    words = _CLASS.sub(lambda named: f'modifier "{named[1].lower()}"', str(error))
    return words if words[:2].isupper() else words[:1].lower() + words[1:]
