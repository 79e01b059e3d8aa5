"""What every report is made of: headings, paragraphs, lists, facts, tables. One model, which one writer per format turns into a file.

Text is data everywhere: a writer may lay it out, never interpret it. A newline in a text is a line break.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from iso27001.language import Language


class Style(StrEnum):
    """How a stretch of text looks; what it says never depends on it."""

    PLAIN = "plain"
    STRONG = "strong"
    MUTED = "muted"
    CODE = "code"
    GOOD = "good"
    BAD = "bad"
    WARN = "warn"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text. `to`: the anchor in this document that it leads to."""

    text: str
    style: Style = Style.PLAIN
    to: str = ""


Text: TypeAlias = str | Span | tuple[str | Span, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 begins a section, which stands in the table of contents."""

    level: int
    text: Text
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    text: Text


@dataclass(frozen=True, slots=True)
class Items:
    """A list. `numbered`: in an order that matters."""

    items: tuple[Text, ...]
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and what is said of each."""

    pairs: tuple[tuple[str, Text], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `weight`: its share of the width; `number`: set flush right; `head`: names its row."""

    title: str
    weight: int = 2
    number: bool = False
    head: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: a text for each column. `note`: a line below it over the whole width."""

    cells: tuple[Text, ...]
    anchor: str = ""
    note: Text = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `name`: what its sheet or file is called, unique in its document."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """A few large numbers with what they count: (number, of how many or "", words)."""

    figures: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Tiles:
    """Rows of small coloured tiles, each with its own text: (label, tiles). A picture; what it says stands in a table too."""

    rows: tuple[tuple[str, tuple[Span, ...]], ...]
    caption: Text = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Text that is kept letter by letter: a signed head, commands."""

    text: str


Block: TypeAlias = Heading | Paragraph | Items | Facts | Table | Figures | Tiles | Note


@dataclass(frozen=True, slots=True)
class Document:
    """A whole report. `whose`: the organisation; `cover`: the facts of its first page; `made`: the moment that it says it was made at.

    `foot`: stands on each page (the root of the ledger). `contents`: whether a table of contents is wanted.
    """

    title: str
    language: Language
    made: datetime
    blocks: tuple[Block, ...]
    kicker: str = ""
    subtitle: str = ""
    whose: str = ""
    cover: tuple[tuple[str, Text], ...] = ()
    disclaimer: str = ""
    foot: str = ""
    contents: bool = True

    @property
    def tables(self) -> list[Table]:
        """Its tables in order, those of its cover and lists of facts not counted."""
        return [block for block in self.blocks if isinstance(block, Table)]


def anchors(blocks: Sequence[Block]) -> Iterator[tuple[str, int, int]]:
    """Where links can lead, in order: (anchor, place of its block, place of its row or -1)."""
    for n, block in enumerate(blocks):
        if isinstance(block, Heading) and block.anchor:
            yield block.anchor, n, -1
        elif isinstance(block, Table):
            yield from ((row.anchor, n, m) for m, row in enumerate(block.rows) if row.anchor)


def settled(document: Document) -> Document:
    """The document with each anchor once, where it first stands: what says a thing twice (a control in two tables) is led to there."""
    first: dict[str, tuple[int, int]] = {}
    repeated = set()
    for anchor, block, row in anchors(document.blocks):
        if first.setdefault(anchor, (block, row)) != (block, row):
            repeated.add((block, row))
    if not repeated:
        return document
    blocks: list[Block] = []
    for n, block_ in enumerate(document.blocks):
        if isinstance(block_, Heading) and (n, -1) in repeated:
            blocks.append(replace(block_, anchor=""))
        elif isinstance(block_, Table):
            rows = tuple(replace(row, anchor="") if (n, m) in repeated else row for m, row in enumerate(block_.rows))
            blocks.append(replace(block_, rows=rows))
        else:
            blocks.append(block_)
    return replace(document, blocks=tuple(blocks))


def spans(text: Text) -> Iterator[Span]:
    """The stretches of a text."""
    for part in text if isinstance(text, tuple) else (text,):
        if span := part if isinstance(part, Span) else Span(part):
            yield span


def plain(text: Text) -> str:
    """A text without its looks."""
    return text if isinstance(text, str) else "".join(span.text for span in spans(text))


def join(parts: Sequence[Text], between: str = ", ") -> tuple[str | Span, ...]:
    """Several texts as one."""
    joined: list[str | Span] = []
    for part in parts:
        if joined:
            joined.append(between)
        joined.extend(part if isinstance(part, tuple) else (part,))
    return tuple(joined)
