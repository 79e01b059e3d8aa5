r"""Text of `key=value` pairs in, the pairs or the event's fields out: what firewalls write.

    srcip=192.0.2.7 service="HTTPS" msg="URL \"a\" is denied" user=""

A value is a word, or anything between double quotes, in which a backslash takes the quote's meaning away; a quote that
is never closed opens a word. Text that is no pair is passed over. Linear in the text, whatever it holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from collectors.event import Value
from collectors.parse import ecs

_PAIR = re.compile(r'\b(\w[\w.-]{0,63}+)=(?:"((?:[^"\\]++|\\.)*+)"|([^\s"]\S*+|))', re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_WORD = re.compile(r'\w[\w.-]{0,63}+=(?:"[^"\\]*+"|[^\s"\\][^\s\\]*+|)', re.ASCII).fullmatch
"""One pair without escapes."""
_NAMES_KEPT = 5_000
"""Names remembered; a stream of invented ones must not fill the memory."""
_PAIRS_KEPT = 4_096
"""Pairs remembered with what they become: of a firewall's forty most come again in the next line."""
_DIGITS = 19
"""Numbers with fewer are below 2**63."""
_MOST: dict[object, int] = {ecs.number: 2**63, ecs.port: 65_536}
"""What numbers of a field stay below."""
_Place = tuple[str, Value, str]
_NO_PAIR: _Place = "", None, ""
_PAIRS = 500
"""Pairs of one record that are read; no device writes half as many."""


def _pairs(text: str) -> list[tuple[str, str]]:
    """The pairs of a text in their order, at most 500."""
    found = _PAIR.findall(text)
    del found[_PAIRS:]
    if "\\" in text:
        return [(name, _ESCAPE.sub(r"\1", quoted) if quoted else bare) for name, quoted, bare in found]
    return [(name, quoted or bare) for name, quoted, bare in found]


def converter(field: str) -> Callable[[str], Value] | None:
    """How text gets the type of an ECS field; None where it stays text."""
    if field in ecs.ADDRESSES:
        return ecs.ip
    if field in ecs.INTEGERS:
        return ecs.port if field.endswith(".port") else ecs.number
    return _mac if field.endswith(".mac") else None


def _mac(text: str) -> str:
    """A hardware address as ECS writes it (RFC 7042): `A2-E9-00-EC-40-01`."""
    return text.replace(":", "-").upper()


class Names(dict[str, tuple[str, Callable[[str], Value] | None]]):
    """A vendor's name -> the field that its value becomes, and how text gets that field's type.

    `known`: names that have an ECS field; "" for one that a parser reads itself. Every other name goes under `prefix`. `nothing`: values
    that say nothing.
    """

    def __init__(self, prefix: str, known: Mapping[str, str], nothing: Iterable[str] = ("",)) -> None:
        super().__init__({name: (field, converter(field)) for name, field in known.items()})
        self._nothing = frozenset(nothing)
        self._numbers = {name: (field, _MOST[convert]) for name, (field, convert) in self.items() if convert in _MOST}
        self._known: dict[str, _Place] = {}
        self._prefix = prefix
        self._limit = len(known) + _NAMES_KEPT

    def __missing__(self, name: str) -> tuple[str, Callable[[str], Value] | None]:
        field = self.own(name)
        if len(self) < self._limit:
            self[name] = field, None
        return field, None

    def own(self, name: str) -> str:
        """The field of a name under the vendor's prefix."""
        return self._prefix + (_NAME.sub("_", name).strip("_") or "_")

    def read(self, text: str, fields: dict[str, Value]) -> dict[str, str]:
        """As `put`, of the pairs in a text, at most 500."""
        words = text.split(" ")
        if len(words) > _PAIRS:
            return self.put(_pairs(text), fields)
        own: dict[str, str] = {}
        known, numbers, rest = self._known.get, self._numbers.get, iter(words)
        for word in rest:
            place = known(word)
            if place is None:
                name, _, value = word.partition("=")
                number = numbers(name)
                if number is not None and len(value) < _DIGITS and value.isdigit() and value.isascii():
                    count = int(value)
                    if count < number[1]:
                        fields[number[0]] = count
                        continue
                place = self._place(word, name, value, rest)
                if place is None:
                    return self.put(_pairs(text), fields)
            field, typed, name = place
            if field:
                fields[field] = typed
            elif name:
                own[name] = typed  # type: ignore[assignment]  # what a parser reads itself stays text
        return own

    def _place(self, word: str, name: str, value: str, rest: Iterator[str]) -> _Place | None:
        """Field and value that one pair becomes, or value and name of one that a parser reads itself; takes the rest of a quoted value.

        None where only the whole text tells, as of pairs with escapes.
        """
        comes_again = not (value.isdigit() and name in self)
        if comes_again:
            if '="' in word and word[-1] != '"':
                word = _to_quote(word, rest)
                if (place := self._known.get(word)) is not None:
                    return place
                value = word[len(name) + 1 :]
            if not _WORD(word):
                return None if "=" in word else _NO_PAIR
            if value[:1] == '"':
                value = value[1:-1]
        place = self._made(name, value)
        if comes_again:
            if len(self._known) >= _PAIRS_KEPT:
                self._known.clear()
            self._known[word] = place
        return place

    def _made(self, name: str, value: str) -> _Place:
        if value in self._nothing:
            return _NO_PAIR
        field, convert = self[name]
        if convert is None:
            return (field, value, "") if field else ("", value, name)
        typed = convert(value)
        return (field, typed, "") if typed is not None else (self.own(name), value, "")

    def put(self, found: Iterable[tuple[str, str]], fields: dict[str, Value]) -> dict[str, str]:
        """Set the field of each pair whose value says something; returns the values of those that a parser reads itself.

        What does not fit its field's type stays as text under the prefix. Of pairs that become one field the last counts.
        """
        own: dict[str, str] = {}
        nothing = self._nothing
        for name, value in found:
            if value in nothing:
                continue
            field, convert = self[name]
            if convert is None:
                if field:
                    fields[field] = value
                else:
                    own[name] = value
            elif (typed := convert(value)) is not None:
                fields[field] = typed
            else:
                fields[self.own(name)] = value
        return own


def _to_quote(word: str, rest: Iterator[str]) -> str:
    """A word whose quote is open, with the words as far as the next quote."""
    words = [word]
    for each in rest:
        words.append(each)
        if '"' in each:
            break
    return " ".join(words)
