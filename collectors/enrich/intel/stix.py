"""A STIX 2.1 bundle in, its indicators out. Source of truth: STIX 2.1 (OASIS) §4.7 (indicator), §7.2.1 (marking), §9 (patterns).

    {"type": "bundle", "id": "bundle--...", "objects": [{"type": "indicator", "pattern": "[ipv4-addr:value = '203.0.113.7']", ...}]}

Of patterns: comparisons of values joined by OR, in any number of observations joined by OR. Joined by AND only hashes of one file, of which
the strongest counts. All else (AND, FOLLOWEDBY, qualifiers, NOT) says more than that one value is bad, so it is skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from collectors.enrich.intel.indicator import Indicator, Kind, moment, spelled, tlp_of
from collectors.enrich.intel.told import BAD_JSON, IndicatorError, Told, checked


class _Bundle(msgspec.Struct):
    objects: list[msgspec.Raw] = []


class _Type(msgspec.Struct):
    type: str
    id: str = ""


class _Reference(msgspec.Struct):
    url: str = ""
    external_id: str = ""
    source_name: str = ""


class _Object(msgspec.Struct):
    """An indicator."""

    id: str = ""
    pattern: str = ""
    pattern_type: str = "stix"
    name: str = ""
    description: str = ""
    confidence: int | None = None
    valid_from: str = ""
    valid_until: str = ""
    revoked: bool = False
    object_marking_refs: list[str] = []
    external_references: list[_Reference] = []


class _Marking(msgspec.Struct):
    """A marking definition: TLP 1.0 in `definition`, TLP 2.0 in an extension."""

    id: str = ""
    definition: dict[str, Any] = {}
    extensions: dict[str, dict[str, Any]] = {}


_TLP = {
    "marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": "CLEAR",
    "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": "GREEN",
    "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": "AMBER",
    "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": "RED",
    "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": "CLEAR",
    "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": "GREEN",
    "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": "AMBER",
    "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": "AMBER+STRICT",
    "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": "RED",
}
"""The markings that the standards fix: those of TLP 1.0 (STIX 2.1 §7.2.1.4), then those of TLP 2.0."""


def read(data: bytes, path: str, told: Told) -> Iterator[Indicator]:
    """The indicators of a bundle. Raises: IndicatorError where it is none."""
    try:
        objects = msgspec.json.decode(data, type=_Bundle).objects
    except BAD_JSON as error:
        raise IndicatorError(f"{path} is no STIX bundle: {error}") from error
    typed: list[str] = []
    tlp = dict(_TLP)
    for number, raw in enumerate(objects):
        place = f"{path}: objects[{number}]"
        try:
            typed.append(msgspec.json.decode(raw, type=_Type).type)
            if typed[-1] == "marking-definition":
                tlp.update(_marking(msgspec.json.decode(raw, type=_Marking)))
        except (*BAD_JSON, ValueError) as error:
            told.fault(place, str(error))
            del typed[number:]
            typed.append("")
    for number, (kind, raw) in enumerate(zip(typed, objects, strict=True)):
        if kind != "indicator":
            continue
        place = f"{path}: objects[{number}]"
        try:
            found = msgspec.json.decode(raw, type=_Object)
            if found.revoked or found.pattern_type != "stix":
                told.skipped["revoked" if found.revoked else f"pattern of type {found.pattern_type[:40]}"] += 1
                continue
            yield from _indicators(found, tlp, f"{place} ({found.id})", told)
        except (*BAD_JSON, ValueError) as error:
            told.fault(place, str(error))


def _marking(marking: _Marking) -> dict[str, str]:
    """The TLP that a marking is, by its id."""
    said = marking.definition.get("tlp")
    for extension in marking.extensions.values():
        said = extension.get("tlp_2_0", said)
    return {marking.id: tlp_of(said)} if isinstance(said, str) else {}


def _indicators(found: _Object, tlp: dict[str, str], place: str, told: Told) -> Iterator[Indicator]:
    """One for each value of the pattern. Raises: ValueError for times or a confidence that cannot be."""
    values = comparisons(found.pattern)
    if not values:
        told.skipped["pattern of more than values joined by OR"] += 1
        return
    reference = next((each.url for each in found.external_references if each.url), "")
    base = checked(
        Indicator(
            Kind.URL,
            "",
            found.id,
            found.name or found.description,
            reference,
            found.confidence,
            next((tlp[each] for each in found.object_marking_refs if each in tlp), ""),
            moment(found.valid_from) if found.valid_from else None,
            moment(found.valid_until) if found.valid_until else None,
        )
    )
    for kind, operator, text in values:
        value, subdomains = text, False
        if operator == "LIKE":
            if kind is not Kind.DOMAIN or not text.startswith("%.") or "%" in text[1:] or "_" in text:
                told.skipped["LIKE, but for the subdomains of a name"] += 1
                continue
            value, subdomains = text[2:], True
        try:
            spelled_kind, value = spelled(kind, value)
        except ValueError as error:
            told.fault(place, str(error))
            continue
        yield msgspec.structs.replace(base, kind=spelled_kind, value=value, subdomains=subdomains)


# --- patterns --------------------------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<path>[a-z][a-z0-9-]*:(?:[A-Za-z0-9_.-]|'[^']*'|\[[0-9*]+\])+)
      | (?P<word>[A-Za-z]+)
      | (?P<sign>[\[\](),]|==|=)
    )""",
    re.VERBOSE,
)
_PATHS = {
    "ipv4-addr:value": Kind.IPV4,
    "ipv6-addr:value": Kind.IPV6,
    "domain-name:value": Kind.DOMAIN,
    "url:value": Kind.URL,
    "email-addr:value": Kind.EMAIL,
    "email-message:from_ref.value": Kind.EMAIL,
    "email-message:sender_ref.value": Kind.EMAIL,
}
_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-512")
"""The weakest first."""

Comparison = tuple[Kind, str, str]
"""What a value is, the operator ("=", "LIKE", "ISSUBSET") and the value."""


def comparisons(pattern: str) -> list[Comparison]:
    """The values of which each by itself makes a pattern true; none where it says more than that.

    Raises: ValueError for what is no pattern.
    """
    reader = _Reader(_tokens(pattern))
    found = reader.observation()
    while found is not None and reader.word() == "OR":
        reader.take()
        more = reader.observation()
        found = None if more is None else [*found, *more]
    if found is None or not reader.over:
        return []
    return found


def _tokens(pattern: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    pattern = pattern.strip()
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        if match is None:
            sign = pattern[at:].lstrip()[:1]
            if sign in "<>!tbh0123456789-+":  # operators and constants of other comparisons than those of texts
                return [*tokens, ("other", sign)]
            raise ValueError(f"the pattern has {sign!r} at character {at + 1}, which means nothing there")
        tokens.append((str(match.lastgroup), match[0].strip()))
        at = match.end()
    if not tokens:
        raise ValueError("the pattern is empty")
    return tokens


class _Reader:
    """Tokens, read from the left. A method gives None where the pattern says more than values joined by OR."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at == len(self._tokens)

    def word(self) -> str:
        """The next token in upper case, "" at the end."""
        return "" if self.over else self._tokens[self._at][1].upper()

    def take(self) -> tuple[str, str]:
        """The next token. Raises: ValueError at the end."""
        if self.over:
            raise ValueError("the pattern ends in the middle")
        self._at += 1
        return self._tokens[self._at - 1]

    @property
    def _number_ahead(self) -> bool:
        """Whether the next token is a constant of another type than text."""
        return not self.over and self._tokens[self._at][0] in ("other", "word")

    def _expect(self, sign: str) -> None:
        _, text = self.take()
        if text != sign:
            raise ValueError(f'the pattern has {text!r} where "{sign}" is expected')

    def observation(self) -> list[Comparison] | None:
        if self.word() == "(":
            return None
        self._expect("[")
        found: list[Comparison] = []
        hashes: dict[str, Comparison] = {}
        joined: set[str] = set()
        while True:
            if self.word() in ("(", "NOT"):
                return None
            name, values = self._comparison()
            if values is None:
                return None
            if name in _HASHES:
                hashes[name] = values[0]
            found += values
            if self.word() == "]":
                self.take()
                break
            joiner = self.take()[1].upper()
            if joiner not in ("AND", "OR"):
                return None
            joined.add(joiner)
        if joined <= {"OR"}:
            return found
        if joined == {"AND"} and len(hashes) == len(found):
            return [hashes[max(hashes, key=_HASHES.index)]]
        return None

    def _comparison(self) -> tuple[str, list[Comparison] | None]:
        kind, path = self.take()
        if kind != "path":
            raise ValueError(f"the pattern has {path!r} where the path of an object is expected")
        object_type, _, name = path.partition(":")
        hash_name = name.removeprefix("hashes.").strip("'").upper() if name.startswith("hashes.") else ""
        wanted = Kind.FILE if object_type == "file" and hash_name in _HASHES else _PATHS.get(path)
        operator = self.take()[1].upper()
        operator = "=" if operator == "==" else operator
        if wanted is None or operator not in ("=", "IN", "LIKE", "ISSUBSET") or self._number_ahead:
            return hash_name, None
        if operator == "IN":
            self._expect("(")
            values = [(wanted, "=", self._text())]
            while self.word() == ",":
                self.take()
                values.append((wanted, "=", self._text()))
            self._expect(")")
            return "", values
        if operator == "ISSUBSET" and wanted not in (Kind.IPV4, Kind.IPV6):
            return "", None
        return hash_name, [(wanted, operator, self._text())]

    def _text(self) -> str:
        kind, text = self.take()
        if kind != "text":
            raise ValueError(f"the pattern has {text!r} where a text in quotes is expected")
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
