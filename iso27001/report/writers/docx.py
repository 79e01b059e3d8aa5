"""A `Document` in, one DOCX out (ECMA-376 part 1, WordprocessingML): what offices edit, sign and stamp.

Written by hand: the parts are few, and a library that keeps a table as a tree takes minutes for 2,000 rows. Times New Roman 13 on A4,
margins 20-20-30-15 mm: the layout of Vietnamese administrative documents (Decree 30/2020, appendix I).
"""

from __future__ import annotations

from collections.abc import Iterator

from iso27001.ledger import rfc3339
from iso27001.report.document import (
    Block,
    Document,
    Facts,
    Figures,
    Heading,
    Items,
    Note,
    Paragraph,
    Span,
    Style,
    Table,
    Text,
    Tiles,
    plain,
    spans,
)
from iso27001.report.writers.ooxml import package, relations, text

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_COLOURS = {
    Style.MUTED: "5C6874",
    Style.GOOD: "2A6B4C",
    Style.BAD: "A5352A",
    Style.WARN: "8A5A00",
    Style.NONE: "66717D",
}
WIDTH = 9355
"""Of the text, in twentieths of a point: 210 mm less the margins."""


def write(document: Document) -> bytes:
    """The document as the bytes of one DOCX."""
    body = "".join((*_cover(document), *(part for block in document.blocks for part in _block(block))))
    page = (
        '<w:sectPr><w:footerReference w:type="default" r:id="r2"/><w:pgSz w:w="11906" w:h="16838"/>'
        '<w:pgMar w:top="1134" w:right="850" w:bottom="1134" w:left="1701" w:header="567" w:footer="567" w:gutter="0"/></w:sectPr>'
    )
    namespaces = f'xmlns:w="{_W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
    made = rfc3339(document.made)[:19] + "Z"
    parts = {
        "_rels/.rels": relations({"word/document.xml": "officeDocument"}).replace(
            "</Relationships>",
            '<Relationship Id="r2" Type="http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties" '
            'Target="docProps/core.xml"/></Relationships>',
        ),
        "docProps/core.xml": '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><dc:title>{text(document.title)}</dc:title>'
        f"<dc:creator>{text(document.whose)}</dc:creator><dc:language>{document.language}</dc:language>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{made}</dcterms:created></cp:coreProperties>',
        "word/document.xml": f"<w:document {namespaces}><w:body>{body}{page}</w:body></w:document>",
        "word/_rels/document.xml.rels": relations({"styles.xml": "styles", "footer1.xml": "footer"}),
        "word/styles.xml": _styles(document.language),
        "word/footer1.xml": f"<w:ftr {namespaces}>{_paragraph(Span(document.foot, Style.MUTED), 'Footer')}</w:ftr>",
    }
    return package(
        parts,
        {
            "word/document.xml": f"{_TYPE}.document.main+xml",
            "word/styles.xml": f"{_TYPE}.styles+xml",
            "word/footer1.xml": f"{_TYPE}.footer+xml",
            "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
        },
    )


def _cover(document: Document) -> Iterator[str]:
    if document.kicker:
        yield _paragraph(Span(document.kicker, Style.MUTED))
    yield _paragraph(document.title, "Title")
    for line in (document.subtitle, document.whose):
        if line:
            yield _paragraph(Span(line, Style.STRONG))
    if document.cover:
        yield from _block(Facts(document.cover))
    if document.disclaimer:
        yield _paragraph(document.disclaimer)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(level, words, _):
            yield _paragraph(words, f"Heading{level}")
        case Paragraph(words):
            yield _paragraph(words)
        case Items(items, numbered):
            for n, item in enumerate(items, 1):
                yield _paragraph((f"{n}. " if numbered else "– ", *spans(item)), "Item")
        case Facts(pairs):
            yield _grid((3, 7), [(Span(term, Style.MUTED), words) for term, words in pairs])
        case Figures(figures):
            for number, of, words in figures:
                yield _paragraph((Span(number, Style.STRONG), f" / {of}" if of else "", f" {words}"))
        case Tiles(rows, caption):
            yield _grid((2, 8), [(label, _spaced(tiles)) for label, tiles in rows])
            yield _paragraph(caption)
        case Note(words):
            yield _paragraph(Span(words, Style.CODE))
        case Table():
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    if table.caption:
        yield _paragraph(Span(table.caption, Style.STRONG))
    titles = tuple(Span(column.title, Style.STRONG) for column in table.columns)
    rows: list[tuple[Text, ...]] = [titles]
    for row in table.rows:
        strong = row.strong
        cells = [
            Span(plain(cell), Style.STRONG) if strong or column.head else cell
            for cell, column in zip(row.cells, table.columns, strict=True)
        ]
        if row.note:
            cells[-1] = (*spans(cells[-1]), "\n", Span(plain(row.note), Style.MUTED))
        rows.append(tuple(cells))
    yield _grid(tuple(column.weight for column in table.columns), rows, header=True)


def _grid(weights: tuple[int, ...], rows: list[tuple[Text, ...]], *, header: bool = False) -> str:
    total = sum(weights)
    widths = [WIDTH * weight // total for weight in weights]
    lines = []
    for n, row in enumerate(rows):
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{_paragraph(cell, "Cell")}</w:tc>'
            for width, cell in zip(widths, row, strict=True)
        )
        about = "<w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>" if header and n == 0 else ""
        lines.append(f"<w:tr>{about}{cells}</w:tr>")
    columns = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="Grid"/><w:tblW w:w="{WIDTH}" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr>'
        f"<w:tblGrid>{columns}</w:tblGrid>{''.join(lines)}</w:tbl>{_paragraph('', 'Cell')}"
    )


def _spaced(tiles: tuple[Span, ...]) -> tuple[str | Span, ...]:
    return tuple(part for tile in tiles for part in (tile, "  "))


def _paragraph(words: Text, style: str = "") -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{about}{''.join(_run(span) for span in spans(words))}</w:p>"


def _run(span: Span) -> str:
    looks = ""
    if span.style is Style.CODE:
        looks = '<w:rFonts w:ascii="Courier New" w:hAnsi="Courier New" w:cs="Courier New"/><w:sz w:val="18"/>'
    elif span.style is Style.STRONG:
        looks = "<w:b/>"
    elif span.style is not Style.PLAIN:
        looks = f'<w:color w:val="{_COLOURS[span.style]}"/>'
    lines = text(span.text).split("\n")
    shown = "<w:br/>".join(f'<w:t xml:space="preserve">{line}</w:t>' for line in lines)
    return f"<w:r>{f'<w:rPr>{looks}</w:rPr>' if looks else ''}{shown}</w:r>"


def _styles(language: str) -> str:
    def style(name: str, look: str, run: str = "", based: str = "Normal") -> str:
        return (
            f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{_NAMES.get(name, name)}"/><w:basedOn w:val="{based}"/>'
            f"<w:pPr>{look}</w:pPr><w:rPr>{run}</w:rPr></w:style>"
        )

    locale = {"vi": "vi-VN", "en": "en-GB"}[language]
    edge = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="BFC6CE"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    headings = "".join(
        style(
            f"Heading{level}",
            f'<w:keepNext/><w:spacing w:before="{before}" w:after="80"/><w:outlineLvl w:val="{level - 1}"/>',
            f'<w:b/><w:sz w:val="{size}"/>',
        )
        for level, before, size in ((1, 360, 32), (2, 240, 28), (3, 160, 26))
    )
    return (
        f'<w:styles xmlns:w="{_W}"><w:docDefaults><w:rPrDefault><w:rPr>'
        '<w:rFonts w:ascii="Times New Roman" w:hAnsi="Times New Roman" w:eastAsia="Times New Roman" w:cs="Times New Roman"/>'
        f'<w:sz w:val="26"/><w:lang w:val="{locale}"/></w:rPr></w:rPrDefault></w:docDefaults>'
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
        '<w:pPr><w:spacing w:before="60" w:after="60"/></w:pPr></w:style>'
        + style("Title", '<w:spacing w:before="240" w:after="120"/>', '<w:b/><w:sz w:val="44"/>')
        + headings
        + style("Item", '<w:ind w:left="284" w:hanging="284"/>')
        + style("Cell", '<w:spacing w:before="20" w:after="20"/>', '<w:sz w:val="20"/>')
        + style("Footer", "", '<w:sz w:val="12"/>')
        + '<w:style w:type="table" w:styleId="Grid"><w:name w:val="Table Grid"/><w:tblPr>'
        f"<w:tblBorders>{edge}</w:tblBorders></w:tblPr></w:style></w:styles>"
    )


_NAMES = {"Heading1": "heading 1", "Heading2": "heading 2", "Heading3": "heading 3", "Footer": "footer"}
