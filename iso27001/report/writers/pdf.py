"""A `Document` in, one PDF out: PDF/A-3, fonts embedded, files attached (Typst). The extra `pdf` brings the library.

The document is handed to the template as data (`sys.inputs`), never as markup.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    Style,
    Table,
    Text,
    Tiles,
    spans,
)
from iso27001.report.messages import Messages
from iso27001.report.visible import visible

ROWS_SHOWN = 2000
"""Rows of one table: memory and time grow with them (measured: 10,000 take 790 MB); what is beyond stands in the attached files."""


def write(document: Document, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """The document as the bytes of one PDF/A-3b with these files inside (name -> bytes). Raises: ReportError without the library."""
    try:
        import typst
    except ImportError as error:
        raise ReportError('PDF needs a library: pip install "soc[pdf]"; HTML, DOCX and XLSX need none') from error
    t = Messages(document.language)
    made = document.made.astimezone(UTC)
    data = {
        "lang": document.language.value,
        "title": visible(document.title),
        "kicker": visible(document.kicker),
        "subtitle": visible(document.subtitle),
        "whose": visible(document.whose),
        "cover": [[visible(term), _inline(text)] for term, text in document.cover],
        "disclaimer": visible(document.disclaimer),
        "foot": visible(document.foot),
        "contents": t("contents") if document.contents else "",
        "of": t("of"),
        "made": [made.year, made.month, made.day, made.hour, made.minute, made.second],
        "blocks": [_block(block, t) for block in document.blocks],
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


def _inline(text: Text, *, linked: bool = True) -> list[list[str]]:
    return [
        [
            _breakable(visible(span.text)) if span.style is Style.CODE else visible(span.text),
            span.style.value,
            span.to if linked else "",
        ]
        for span in spans(text)
        if span.text
    ]


def _breakable(text: str) -> str:
    """Hashes and addresses may break after every sixteenth letter."""
    return "\u200b".join(text[n : n + 16] for n in range(0, len(text), 16))


def _block(block: Block, t: Messages) -> dict[str, Any]:
    match block:
        case Heading(level, text, anchor):
            return {"kind": "heading", "level": level, "text": _inline(text), "anchor": anchor}
        case Paragraph(text):
            return {"kind": "paragraph", "text": _inline(text)}
        case Items(items, numbered):
            return {"kind": "items", "items": [_inline(item) for item in items], "numbered": numbered}
        case Facts(pairs):
            return {"kind": "facts", "pairs": [[visible(term), _inline(text)] for term, text in pairs]}
        case Figures(figures):
            return {"kind": "figures", "figures": [[visible(part) for part in figure] for figure in figures]}
        case Tiles(rows, caption):
            shown = [[visible(label), [[visible(s.text), s.style.value, s.to] for s in tiles]] for label, tiles in rows]
            return {"kind": "tiles", "rows": shown, "caption": _inline(caption)}
        case Note(text):
            return {"kind": "note", "text": "\n".join(map(_breakable, visible(text).split("\n")))}
        case Table():
            return _table(block, t)


def _table(table: Table, t: Messages) -> dict[str, Any]:
    """Without the links of its cells: of thousands of rows they cost as much as all else (bench/report.py)."""
    more = len(table.rows) - ROWS_SHOWN
    return {
        "kind": "table",
        "caption": visible(table.caption),
        "columns": [[visible(c.title), c.weight, c.number, c.head] for c in table.columns],
        "rows": [
            [
                [_inline(cell, linked=False) for cell in row.cells],
                row.anchor,
                _inline(row.note, linked=False),
                row.strong,
            ]
            for row in table.rows[:ROWS_SHOWN]
        ],
        "more": t("more_rows", count=more) if more > 0 else "",
    }
