"""A tree of conditions in, what it means out: `holds`, a predicate over documents, and of each condition a test on one value.

This is the meaning of a search; what answers from columns is held to it. Values are compared as text ("22" equals 22, true equals "true"),
folded (`fold`). A list in the document holds each of its elements. An absent field makes a condition false, so that `not` of it is true.
Address fields (`soc.store.matching.is_address`) are compared as addresses, and a network equals each address in it.

Words: a word is met as a whole, `web1` in `web1.example` too; words that dots or dashes join are met as one, so `10.0.0.5` is not found in
`10.0.0.50` nor in `10.0.0.5.6`. In a text `*` and `?` stand for characters other than spaces.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from ipaddress import ip_address
from typing import NamedTuple, Protocol

from collectors.event import ENVELOPE, Event, Value
from soc.errors import SocError
from soc.store.language import All, Any, Compares, Equals, Exists, Not, Query, Text
from soc.store.matching import in_network, is_address, text_of

Scalar = str | int | float | bool
Test = Callable[[Scalar], bool]


class Fields(Protocol):
    """An event or its document."""

    def get(self, field: str, /) -> Value:
        """The value of a field, None where it is absent."""
        ...


Holds = Callable[[Fields], bool]


TIMES = ("@timestamp", "event.ingested")
"""Of the envelope, when it happened and when it came in; they are compared as times."""

_NUMBERS = ("log.offset", "event.index")
"""Of the envelope; 0 is one."""


class AsDocument(NamedTuple):
    """An event as its document has it, without making that: of the envelope, what is empty is absent."""

    event: Event

    def get(self, field: str, /) -> Value:
        """See Fields."""
        fields = self.event.fields
        if field in fields or field not in ENVELOPE:
            return fields.get(field)
        return self.event.get(field) or None if field not in _NUMBERS else self.event.get(field)


_W = rb"0-9a-z_\x80-\xff"
_COMPOUND = re.compile(rb"[%b]+(?:[.-][%b]+)+" % (_W, _W))
_OPENS = re.compile(rb"[%b]" % _W)
_FIRST = re.compile(rb"^[%b.-]*" % _W)
_LAST = re.compile(rb"[%b.-]*$" % _W)


def fold(text: str) -> str:
    """As text is compared: in NFC, letter for letter in lower case, so that its length does not depend on where a word ends."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFC", text)
    if (
        len(low := text.lower()) == len(text) and "\N{GREEK CAPITAL LETTER SIGMA}" not in text
    ):  # whose lower case depends on its place
        return low
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def holds(query: Query, zone: tzinfo = UTC) -> Holds:
    """The predicate that is true of the documents that a search means. `zone`: of times that name none. Raises: SocError."""
    match query:
        case All(parts):
            each = [holds(part, zone) for part in parts]
            return lambda document: all(check(document) for check in each)
        case Any(parts):
            some = [holds(part, zone) for part in parts]
            return lambda document: any(check(document) for check in some)
        case Not(part):
            inner = holds(part, zone)
            return lambda document: not inner(document)
        case Text():
            found = searcher(query)
            return lambda document: any(found(fold(text).encode()) for text in _texts(query.field, document))
        case Exists(field):
            return lambda document: document.get(field) not in (None, [])
        case Equals(field) | Compares(field):
            test = value_test(query, zone)
            return lambda document: any(map(test, elements(document.get(field))))


def elements(value: Value) -> list[str] | list[int] | list[Scalar]:
    """The scalars of a value: of a list each, of nothing none."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _texts(field: str, document: Fields) -> list[str]:
    """What a condition on words looks in."""
    if not field:
        field = "message" if isinstance(document.get("message"), str) else "event.original"
    return [text_of(value) for value in elements(document.get(field))]


def value_test(leaf: Equals | Compares, zone: tzinfo = UTC) -> Test:
    """The test of one value. Raises: SocError for a value that cannot be compared."""
    if isinstance(leaf, Compares):
        return _compares(leaf, zone)
    if leaf.wild:
        pattern = re.compile("".join(_alternate(map(re.escape, map(fold, leaf.parts)), leaf.wild, ".")), re.DOTALL)
        return lambda value: pattern.fullmatch(fold(text_of(value))) is not None
    wanted = fold(leaf.parts[0])
    if is_address(leaf.field):
        inside = in_network(leaf.parts[0])
        return lambda value: inside(value) or fold(text_of(value)) == wanted
    return lambda value: fold(text_of(value)) == wanted


def _compares(leaf: Compares, zone: tzinfo) -> Test:
    if leaf.field in TIMES:
        limit = moment(leaf.value, zone)
        return lambda value: isinstance(value, str) and _signed(leaf.sign, datetime.fromisoformat(value), limit)
    if is_address(leaf.field):
        try:
            border = ip_address(leaf.value)
        except ValueError as error:
            raise SocError(f'{leaf.field}: "{leaf.value}" is no address') from error

        def within(value: Scalar) -> bool:
            try:
                address = ip_address(str(value))
            except ValueError:
                return False
            return address.version == border.version and _signed(leaf.sign, int(address), int(border))

        return within
    number = number_of(leaf)
    return lambda value: type(value) in (int, float) and _signed(leaf.sign, value, number)


def number_of(leaf: Compares) -> float:
    """The number that a field is compared with. Raises: SocError."""
    try:
        return int(leaf.value)
    except ValueError:
        try:
            return float(leaf.value)
        except ValueError as error:
            raise SocError(
                f'{leaf.field} {leaf.sign} "{leaf.value}": that is no number, and no field of times or addresses'
            ) from error


def moment(text: str, zone: tzinfo) -> datetime:
    """A time as a search has it (2026-10-14, 2026-10-14T08:00, with or without a zone). Raises: SocError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise SocError(f'"{text}" is no time; write 2026-10-14 or 2026-10-14T08:00') from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _signed(sign: str, left: object, right: object) -> bool:
    match sign:
        case "<":
            return left < right  # type: ignore[no-any-return, operator]
        case "<=":
            return left <= right  # type: ignore[no-any-return, operator]
        case ">":
            return left > right  # type: ignore[no-any-return, operator]
        case _:
            return left >= right  # type: ignore[no-any-return, operator]


def _alternate(parts: map[str] | list[str], wild: tuple[str, ...], any_character: str) -> list[str]:
    found: list[str] = []
    for part, between in zip(parts, (*wild, ""), strict=True):
        found += [part, {"*": f"{any_character}*", "?": any_character, "": ""}[between]]
    return found


def searcher(leaf: Text) -> Callable[[bytes], bool]:
    """Whether a folded text holds the words."""
    pattern = text_pattern(leaf)
    return lambda text: pattern.search(text) is not None


def text_pattern(leaf: Text) -> re.Pattern[bytes]:
    """What finds the words in folded text, at their borders."""
    parts = [fold(part).encode() for part in leaf.parts]
    found = [re.escape(parts[0])]
    for wild, part in zip(leaf.wild, parts[1:], strict=True):
        found += [rb"\S*" if wild == "*" else rb"(?:[\x00-\x7f]|[\xc0-\xff][\x80-\xbf]*)(?<!\s)", re.escape(part)]
    before = after = b""
    if _OPENS.match(parts[0]):
        before = rb"(?<![%b])" % _W
        if _COMPOUND.match(parts[0]):
            before += rb"(?<![%b][.-])" % _W
    if _OPENS.match(parts[-1][-1:]):
        after = rb"(?![%b])" % _W
        if any(each.end() == len(parts[-1]) for each in _COMPOUND.finditer(parts[-1])):
            after += rb"(?![.-][%b])" % _W
    return re.compile(before + b"".join(found) + after)


def whole_words(leaf: Text | Equals) -> bytes:
    """Text whose words and compounds (soc.store.segments.words) are all in whatever meets the condition."""
    parts = [fold(part).encode() for part in leaf.parts]
    kept = []
    for at, part in enumerate(parts):
        text = part
        cut_before, cut_after = at > 0, at < len(parts) - 1
        if cut_before or text[:1] in (b".", b"-"):
            text = _without(text, after=False, words=cut_before)
        if cut_after or text[-1:] in (b".", b"-"):
            text = _without(text, after=True, words=cut_after)
        kept.append(text)
    return b"\n".join(kept)


def _without(text: bytes, *, after: bool, words: bool) -> bytes:
    """Without the compound at one end, of which there may be more; `words`: the word at its edge may go on too."""
    edge = (_LAST if after else _FIRST).search(text)
    assert edge is not None
    inside = b"" if words else re.sub(rb"[.-]", b" ", edge[0])
    return text[: edge.start()] + inside if after else inside + text[edge.end() :]
