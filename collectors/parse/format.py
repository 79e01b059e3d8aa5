"""The nouns of this room: `Format` and `Message` say how records are read, `Context` what a site knows, `Parsed` what
came out.

A parser is a pure function of its record: no clock, no files, no look-ups; it either gives `Parsed` or raises
`ParseError`, in time linear in the record. A format lives in `collectors/parse/parsers/`, one module each, as its
constant `FORMAT`; a message parser lives in `collectors/parse/messages/` as `MESSAGE`. Putting the module there is
all it takes (`collectors.parse.registry`).
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from collectors.errors import ParseError
from collectors.event import Event, Value
from collectors.record import RawRecord, Woven

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Context:
    """What a record does not say and its site knows.

    `timezone`: of times without a zone. `encoding`: of the source's bytes, a Python codec name ("windows-1258" for an old appliance);
    a parser refuses bytes that do not decode, and `collectors.parse.parse` gives it their spelling instead.
    `defaults`: fields for records that lack them (the `host.name` of a web server's file).
    """

    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    encoding: str = "utf-8"
    defaults: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse an encoding that Python does not know. Raises: LookupError."""
        codecs.lookup(self.encoding)


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """What a parser read: `time` in UTC, or None where the record does not say; `fields` flat ECS, a dictionary nobody else holds."""

    time: datetime | None
    fields: dict[str, Value]


ANY = "*"
"""Of whatever a record says: any dataset, any category, any field."""


@dataclass(frozen=True, slots=True)
class Gives:
    """The events of one dataset that a parser can give: what rules can be about. Tests hold it to every golden line.

    `categories`: all values of `event.category`; `fields`: the names of all other fields, those that end with `*` for all that begin
    so; both with blanks between them.
    """

    dataset: str
    categories: str = ""
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of record. `name` is what soc.yaml calls it, `title` what people call it.

    `parse`: Raises ParseError and nothing else. `sniff`: how sure a sample of a file's first bytes is this format, 0 to 1.
    `continues`: for formats whose records span lines: given a line and whether a record is open before it, whether one is open after
    it; None where a line is a record. A source joins lines (with their newlines) until the answer is False. Where lines of several
    records come between each other, it is how they are told apart.
    `usual`: the events of many records at once and faster, as far as they are written as nearly all are; None for each of which `parse`
    is to be asked.
    `gives`: the datasets of its events. `header`: fields that its records have around what message parsers read; where it is not
    empty, the events are also of the datasets of all messages.
    """

    name: str
    title: str
    parse: Callable[[RawRecord, Context], Parsed]
    sniff: Callable[[bytes], float]
    continues: Callable[[bytes, bool], bool] | Woven | None = None
    gives: tuple[Gives, ...] = ()
    header: str = ""
    usual: Callable[[Sequence[RawRecord], Context], list[Event | None]] | None = None


SHORTEST_OPENING = 2


@dataclass(frozen=True, slots=True)
class Message:
    """What one daemon or appliance writes after its syslog header.

    `gives`: what its events are; the dataset becomes their `event.dataset`. `programs`: process names that write it. `openings`: first
    words, of two characters or more, that mark it in any program ("pam_unix("), also where no header stands before it. `mark`: where
    messages of several kinds come so, a text that only this kind holds (the kernel's packets: " SRC="). `parse`: adds what it
    understands to the fields, and nothing where it does not know the message; returns the moment that the message itself says, where
    it does: aware, or local time of the site.
    """

    gives: Gives
    parse: Callable[[str, dict[str, Value]], datetime | None]
    programs: frozenset[str] = frozenset()
    openings: tuple[str, ...] = ()
    mark: str = ""


def text_of(data: bytes, context: Context) -> str:
    """A record's bytes as text without byte order mark, NULs before it (the hole that a crashed host left in its file) and white space or
    NULs behind it. Raises: ParseError where they do not decode.
    """
    if data < b"\1" or data >= _BOM:  # a NUL or the mark may stand first
        data = data.lstrip(b"\0").removeprefix(_BOM)
    try:
        return data.decode(context.encoding).rstrip("\r\n\t \0")
    except UnicodeDecodeError as error:
        raise ParseError(f"byte 0x{data[error.start]:02x} at {error.start} is not {context.encoding}") from error


def excerpt(text: str) -> str:
    """At most 40 characters of a record for a reason, quoted so that control characters are seen and do no harm."""
    return ascii(text[:40])[:78]


def share_of_lines(sample: bytes, accepts: Callable[[bytes], object]) -> float:
    """The share of a sample's first 50 lines that a test accepts; a last line that the sample cut off does not count."""
    lines = [line for line in sample.split(b"\n", 51)[:50] if line.strip()]
    if len(lines) > 1 and not sample.endswith(b"\n") and sample.count(b"\n") < 50:
        lines.pop()
    return sum(1 for line in lines if accepts(line)) / len(lines) if lines else 0.0
