"""The text of a search in, a tree of conditions out: `parse`. KQL's syntax (Kibana Query Language) as far as it is told here. Pure.

    failed password                     both words, in any order, in the event's text
    "failed password" or refus*         a phrase; a word that begins so
    user.name:lan and not host.name:web*
    source.ip:10.0.0.0/8                an address in a network (fields of type ip)
    event.severity >= 7                 numbers, addresses, times (@timestamp, event.ingested): @timestamp < "2026-10-14T08:00"
    user.name:(lan or hạnh)             several values of one field
    url.path:*                          the field is there

Two conditions without a word between them are both wanted; `not` binds before `and`, `and` before `or`. Words of the language and values
are alike in upper and lower case. `*` and `?` stand for any characters and for one, not in quotes and not behind a backslash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from soc.errors import SocError

MOST_CONDITIONS = 1_000
"""Of one search: far beyond what a person types, and what a machine pastes still fits into the stack."""

MOST_DEPTH = 50


class QueryError(SocError):
    """A search that cannot be understood. `column`: where, from 1."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"query, column {column}: {message}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Text:
    """Words in a row. `parts`: literal text between wildcards ("*" any characters, "?" one), which stand in `wild`: one part more.

    `field` "": the event's text, which is `message`, or `event.original` where there is none.
    """

    parts: tuple[str, ...]
    wild: tuple[str, ...] = ()
    field: str = ""


@dataclass(frozen=True, slots=True)
class Equals:
    """A value of the field is this one, wildcards as in Text."""

    field: str
    parts: tuple[str, ...]
    wild: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compares:
    """A value of the field is below or above this one. `sign`: one of < <= > >=."""

    field: str
    sign: str
    value: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """What does not hold."""

    of: Query


@dataclass(frozen=True, slots=True)
class All:
    """Each of these holds; none at all: every event."""

    of: tuple[Query, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """One of these holds."""

    of: tuple[Query, ...]


Query = Text | Equals | Compares | Exists | Not | All | Any

TEXT_FIELDS = frozenset({"message", "event.original"})
"""Fields that are searched by words in them; in all others a value is meant whole."""


class _Token(NamedTuple):
    kind: str
    text: str
    column: int
    glued: bool  # whether no space stands before it


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      |(?P<quoted>"(?:[^"\\]|\\.)*")
      |(?P<open>\() | (?P<close>\)) | (?P<sign><=|>=|<|>) | (?P<colon>:)
      |(?P<bare>(?:[^\s()":<>\\]|\\.)+)""",
    re.VERBOSE | re.DOTALL,
)
_VALUE = re.compile(r'(?:[^\s()"\\]|\\.)+', re.DOTALL)
"""A value may hold colons (2001:db8::7) and signs."""


def parse(text: str) -> Query:
    """The tree of a search; that of an empty one is every event. Raises: QueryError."""
    reader = _Reader(text)
    found = reader.either(0) if reader.peek().kind != "end" else All()
    last = reader.peek()
    if last.kind != "end":
        raise QueryError(last.column, f"{last.text} is not expected here")
    return found


class _Reader:
    """Recursive descent; `depth` is bounded so that nothing that is pasted ends the program."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._count = 0

    def peek(self) -> _Token:
        return self._next()[0]

    def _next(self) -> tuple[_Token, int]:
        at, glued = self._at, True
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                raise QueryError(at + 1, _unreadable(self._text[at]))
            if match.lastgroup != "space":
                return _Token(str(match.lastgroup), match[0], at + 1, glued), match.end()
            at, glued = match.end(), False
        return _Token("end", "the end", len(self._text) + 1, glued=False), at

    def take(self) -> _Token:
        token, self._at = self._next()
        return token

    def _is_word(self, *words: str) -> bool:
        token = self.peek()
        return token.kind == "bare" and token.text.casefold() in words

    def either(self, depth: int, value: Callable[[], Query] | None = None) -> Query:
        found = [self._both(depth, value)]
        while self._is_word("or"):
            self.take()
            found.append(self._both(depth, value))
        return found[0] if len(found) == 1 else Any(tuple(found))

    def _both(self, depth: int, value: Callable[[], Query] | None) -> Query:
        found = [self._negated(depth, value)]
        while True:
            if self._is_word("and"):
                self.take()
            elif self._is_word("or") or self.peek().kind in ("end", "close"):
                return found[0] if len(found) == 1 else All(tuple(found))
            found.append(self._negated(depth, value))

    def _negated(self, depth: int, value: Callable[[], Query] | None) -> Query:
        if depth > MOST_DEPTH:
            raise QueryError(self.peek().column, f"more than {MOST_DEPTH} brackets or words of negation in each other")
        if self._is_word("not"):
            self.take()
            return Not(self._negated(depth + 1, value))
        if self.peek().kind == "open":
            begin = self.take()
            found = self.either(depth + 1, value)
            if self.take().kind != "close":
                raise QueryError(begin.column, "this bracket is not closed")
            return found
        self._count += 1
        if self._count > MOST_CONDITIONS:
            raise QueryError(self.peek().column, f"more than {MOST_CONDITIONS} conditions")
        return value() if value else self._condition(depth)

    def _condition(self, depth: int) -> Query:
        token = self._operand("a word, a field or a bracket")
        following = self.peek()
        if token.kind == "bare" and following.kind == "colon" and following.glued:
            self.take()
            return self._of_field(_name(token), depth)
        if token.kind == "bare" and following.kind == "sign":
            sign = self.take().text
            return Compares(_name(token), sign, self._value()[0])
        parts, wild = _pattern(token.text)
        return All() if wild == ("*",) and parts == ("", "") else Text(parts, wild)

    def _of_field(self, field: str, depth: int) -> Query:
        if self.peek().kind == "open":
            return self._negated(depth, lambda: self._equals(field))
        return self._equals(field)

    def _equals(self, field: str) -> Query:
        text, quoted = self._value()
        parts, wild = ((text,), ()) if quoted else _pattern(text)
        if wild == ("*",) and parts == ("", ""):
            return Exists(field)
        return Text(parts, wild, field) if field in TEXT_FIELDS else Equals(field, parts, wild)

    def _value(self) -> tuple[str, bool]:
        """The text of a value as it stands, or without its quotes, and whether it had some."""
        token = self.peek()
        if token.kind == "quoted":
            self.take()
            return _unescaped(token.text[1:-1]), True
        match = _VALUE.match(self._text, token.column - 1)
        if match is None or token.kind == "end":
            raise QueryError(token.column, f"a value is missing before {token.text}")
        self._at = match.end()
        return match[0], False

    def _operand(self, what: str) -> _Token:
        token = self.take()
        if token.kind not in ("bare", "quoted") or (
            token.kind == "bare" and token.text.casefold() in ("and", "or", "not")
        ):
            raise QueryError(token.column, f"{what} is missing before {token.text}")
        return token


def _unreadable(character: str) -> str:
    return {'"': "this quote is not closed", "\\": "nothing stands behind this backslash"}.get(character, "unreadable")


def _name(token: _Token) -> str:
    parts, wild = _pattern(token.text)
    if wild:
        raise QueryError(token.column, f'the name of a field has no wildcards: "{token.text}"')
    return parts[0]


def _pattern(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Literal parts and the wildcards between them; a quoted text is one part."""
    if text.startswith('"'):
        return (_unescaped(text[1:-1]),), ()
    parts, wild = [""], list[str]()
    for escaped, plain in _characters(text):
        if plain and escaped in "*?":
            if escaped == "*" and wild and wild[-1] == "*" and not parts[-1]:
                continue  # several of them are one
            parts.append("")
            wild.append(escaped)
        else:
            parts[-1] += escaped
    return tuple(parts), tuple(wild)


def _characters(text: str) -> Iterator[tuple[str, bool]]:
    """Each character, and whether no backslash stands before it."""
    at = 0
    while at < len(text):
        plain = text[at] != "\\"
        at += not plain
        yield text[at], plain
        at += 1


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
