"""A `Document` in, one PDF out: PDF/A-3, fonts embedded, files attached (Typst). The extra `pdf` brings the library.

The document is handed to the template as data (`sys.inputs`), never as markup.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from datetime import UTC
from importlib import resources
from typing import Any

import orjson

from iso27001.errors import ReportError
from iso27001.report.document import (
    Block,
    Document,
    Facts,
    Figures,
    Heading,
    Items,
    Note,
    Paragraph,
    Row,
    Span,
    Style,
    Table,
    Text,
    Tiles,
    anchors,
    spans,
)
from iso27001.report.messages import Messages
from iso27001.report.visible import visible

ROWS_SHOWN = 2000
"""Rows of one table: memory and time grow with them (measured: 10,000 take 790 MB); what is beyond stands in the attached files."""
LINKS_SHOWN = 400
"""Links in lists and tables: thousands cost as much as all else (bench/report.py); a document with more has links elsewhere only."""
WIDTH_PT = 499
GLYPH_PT = 17
HIGH_LINES = 60
"""The text's width on a page, twice a wide letter of a table (half of a line may stay empty), and the lines that a page surely holds."""


def write(document: Document, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """The document as the bytes of one PDF/A-3b with these files inside (name -> bytes). Raises: ReportError without the library."""
    try:
        import typst
    except ImportError as error:
        raise ReportError('PDF needs a library: pip install "soc[pdf]"; HTML, DOCX and XLSX need none') from error
    t = Messages(document.language)
    made = document.made.astimezone(UTC)
    known = {anchor for anchor, *_ in anchors(document.blocks)}
    links = _Links(document.blocks, known)
    data = {
        "lang": document.language.value,
        "title": visible(document.title),
        "kicker": visible(document.kicker),
        "subtitle": visible(document.subtitle),
        "whose": visible(document.whose),
        "cover": [[visible(term), _inline(text, known)] for term, text in document.cover],
        "disclaimer": visible(document.disclaimer),
        "foot": visible(document.foot),
        "contents": t("contents") if document.contents else "",
        "of": t("of"),
        "made": [made.year, made.month, made.day, made.hour, made.minute, made.second],
        "blocks": [_block(block, t, links) for block in document.blocks],
        "attached": [
            [name, content.decode("utf-8", "replace")] for name, content in sorted((attachments or {}).items())
        ],
    }
    try:
        made_pdf = typst.compile(
            resources.files("iso27001").joinpath("report", "writers", "report.typ").read_bytes(),
            format="pdf",
            sys_inputs={"data": orjson.dumps(data).decode()},
            ignore_system_fonts=True,
            pdf_standards="a-3b",
            pdf_tags=False,
        )
    except typst.TypstError as error:
        raise ReportError(f"the PDF cannot be made: {error.diagnostic}") from error
    assert isinstance(made_pdf, bytes)
    return made_pdf


class _Links:
    """Where texts lead. `from_text`, `from_lists`: the anchors that are led to from there; `anchors`: from anywhere."""

    def __init__(self, blocks: Iterable[Block], known: set[str]) -> None:
        lists: list[str] = []
        texts: list[str] = []
        for block in blocks:
            to = lists if isinstance(block, Items | Table) else texts
            to += [span.to for text in _texts(block) if not isinstance(text, str) for span in spans(text) if span.to]
        found = [to for to in lists if to in known]
        self.from_text = frozenset(known.intersection(texts))
        self.from_lists = frozenset(found if len(found) <= LINKS_SHOWN else ())
        self.anchors = self.from_text | self.from_lists


def _texts(block: Block) -> Iterator[Text]:
    match block:
        case Heading(_, text) | Paragraph(text):
            yield text
        case Items(items):
            yield from items
        case Facts(pairs):
            yield from (text for _, text in pairs)
        case Tiles(rows, caption):
            yield caption
            yield from (tiles for _, tiles in rows)
        case Table():
            for row in block.rows[:ROWS_SHOWN]:
                yield from row.cells
                yield row.note


def _inline(text: Text, known: Container[str]) -> list[list[str]]:
    """The stretches of a text as [words, style, anchor]. `known`: where they may lead."""
    if isinstance(text, str):
        return [[visible(text), "plain", ""]] if text else []
    return [
        [
            _breakable(visible(span.text)) if span.style is Style.CODE else visible(span.text),
            span.style.value,
            span.to if span.to in known else "",
        ]
        for span in spans(text)
        if span.text
    ]


def _breakable(text: str) -> str:
    """Hashes and addresses may break after every sixteenth letter."""
    return "\u200b".join(text[n : n + 16] for n in range(0, len(text), 16))


def _block(block: Block, t: Messages, links: _Links) -> dict[str, Any]:
    match block:
        case Heading(level, text, anchor):
            shown = _inline(text, links.from_text)
            return {"kind": "heading", "level": level, "text": shown, "anchor": anchor * (anchor in links.anchors)}
        case Paragraph(text):
            return {"kind": "paragraph", "text": _inline(text, links.from_text)}
        case Items(items, numbered):
            return {"kind": "items", "items": [_inline(item, links.from_lists) for item in items], "numbered": numbered}
        case Facts(pairs):
            return {"kind": "facts", "pairs": [[visible(term), _inline(text, links.from_text)] for term, text in pairs]}
        case Figures(figures):
            return {"kind": "figures", "figures": [[visible(part) for part in figure] for figure in figures]}
        case Tiles(rows, caption):
            tiles = [[visible(label), [_tile(tile, links) for tile in of]] for label, of in rows]
            return {"kind": "tiles", "rows": tiles, "caption": _inline(caption, links.from_text)}
        case Note(text):
            return {"kind": "note", "text": "\n".join(map(_breakable, visible(text).split("\n")))}
        case Table():
            return _table(block, t, links)


def _tile(tile: Span, links: _Links) -> list[str]:
    return [visible(tile.text), tile.style.value, tile.to if tile.to in links.from_text else ""]


def _table(table: Table, t: Messages, links: _Links) -> dict[str, Any]:
    more = len(table.rows) - ROWS_SHOWN
    whole = sum(column.weight for column in table.columns)
    widths = [column.weight / whole * WIDTH_PT for column in table.columns]
    return {
        "kind": "table",
        "caption": visible(table.caption),
        "columns": [[visible(c.title), c.weight, c.number, c.head] for c in table.columns],
        "rows": [_row(row, widths, links) for row in table.rows[:ROWS_SHOWN]],
        "more": t("more_rows", count=more) if more > 0 else "",
    }


def _row(row: Row, widths: list[float], links: _Links) -> list[Any]:
    """A row as [cells, anchor, note, whether it is strong, whether it may be higher than a page]."""
    cells, note = [_inline(cell, links.from_lists) for cell in row.cells], _inline(row.note, links.from_lists)
    lines = max(map(_lines, cells, widths), default=0) + _lines(note, WIDTH_PT)
    return [cells, row.anchor * (row.anchor in links.anchors), note, row.strong, lines > HIGH_LINES]


def _lines(shown: list[list[str]], width: float) -> float:
    """The lines that a text takes at most."""
    return sum(len(words) * GLYPH_PT / width + words.count("\n") for words, *_ in shown)
