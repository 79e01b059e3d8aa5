"""One document in every format: the same bytes twice, hostile text as text, Vietnamese as written, real readers agree."""

from __future__ import annotations

import csv
import io
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import docx
import openpyxl
import pypdfium2
import pypdfium2.raw as pdfium
import pytest

from iso27001.language import Language
from iso27001.report.document import (
    Column,
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
    Tiles,
)
from iso27001.report.visible import visible
from iso27001.report.writers import Format, write

HOSTILE = [
    "<script>alert(1)</script>",
    '"><svg/onload=alert(1)>',
    '=HYPERLINK("http://evil.example","click")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+1-1",
    '#let x = 1; #read("/etc/passwd") $x^2$ *bold* @ref <label> \\u{1f600} ```',
    "]]></w:t><w:t>&amp;&lt;",
    "abc\u202egnp.exe\u200b\x1b[31m\x00\ufffe",
]
VIETNAMESE = "Đánh giá viên kết luận: không phù hợp nhẹ – Nguyễn Thị Ỷ, ặ ỡ ỹ ợ ữ ẵ"
MADE = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)


def document(text: str, rows: int = 3) -> Document:
    """A document with every kind of block, and `text` wherever text can stand."""
    code, bold = Span(text, Style.CODE), Span(text, Style.STRONG, to="row-1")
    blocks = (
        Heading(1, text, "one"),
        Heading(2, (text, bold)),
        Paragraph((text, code, bold, Span(text, Style.MUTED))),
        Items((text, bold)),
        Items((text,), numbered=True),
        Facts(((text, text),)),
        Figures(((text, text, text), ("3", "", "ba"))),
        Tiles(((text, (Span(text, Style.GOOD, "row-1"), Span("5.2", Style.BAD))),), text),
        Table(
            text[:40],
            (Column(text, 1, head=True), Column("b", 3), Column("n", 1, number=True)),
            tuple(Row((text, (bold, text), str(n)), f"row-{n}", note=text) for n in range(rows)),
            caption=text,
        ),
        Note(text),
    )
    cover = ((text, text),)
    return Document(text, Language.VIETNAMESE, MADE, blocks, text, text, text, cover, text, "ab" * 32)


@lru_cache(maxsize=64)
def written(text: str, form: Format) -> bytes:
    return write(document(text), form, {"manifest.json": b'{"a": 1}'})


def pages_of(content: bytes) -> list[str]:
    pages = pypdfium2.PdfDocument(content)
    try:
        return [unicodedata.normalize("NFC", page.get_textpage().get_text_bounded()) for page in pages]
    finally:
        pages.close()


def read_pdf(content: bytes) -> str:
    return "\n".join(pages_of(content))


def links_in(content: bytes) -> int:
    pages = pypdfium2.PdfDocument(content)
    try:
        annotations = [
            pdfium.FPDFPage_GetAnnot(page, n) for page in pages for n in range(pdfium.FPDFPage_GetAnnotCount(page))
        ]
        return sum(pdfium.FPDFAnnot_GetSubtype(each) == pdfium.FPDF_ANNOT_LINK for each in annotations)
    finally:
        pages.close()


def read_docx(content: bytes) -> str:
    read = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in read.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(paragraph.text for paragraph in read.paragraphs), *cells])


def cells_of(content: bytes) -> list[openpyxl.cell.Cell]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def squeezed(text: str) -> str:
    """Without white space, nor the places where a long word may break."""
    return "".join(text.replace("\u200b", "").replace("\ufffe", "").replace("\u00ad", "").split())


@pytest.mark.parametrize("form", list(Format))
def test_the_same_document_gives_the_same_bytes(form: Format) -> None:
    assert write(document(VIETNAMESE), form, {"manifest.json": b'{"a": 1}'}) == written(VIETNAMESE, form)


@pytest.mark.parametrize("text", [*HOSTILE, VIETNAMESE])
def test_a_pdf_shows_every_text_as_it_is(text: str) -> None:
    shown = squeezed(read_pdf(written(text, Format.PDF)))
    assert shown.count(squeezed(visible(text))) >= 15
    assert "root:" not in shown


@pytest.mark.parametrize("text", [*HOSTILE, VIETNAMESE])
def test_a_docx_shows_every_text_as_it_is(text: str) -> None:
    shown = squeezed(read_docx(written(text, Format.DOCX)))
    assert shown.count(squeezed(visible(text))) >= 15


@pytest.mark.parametrize("text", [*HOSTILE, VIETNAMESE])
def test_a_workbook_holds_texts_and_numbers_only(text: str) -> None:
    cells = cells_of(written(text, Format.XLSX))
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert not any(cell.hyperlink for cell in cells)
    assert sum(cell.value == visible(text) for cell in cells) >= 6
    assert [cell.value for cell in cells if cell.data_type == "n"] == [0, 1, 2]


@pytest.mark.parametrize("text", [*HOSTILE, VIETNAMESE])
def test_no_cell_of_a_csv_begins_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(written(text, Format.CSV).decode("utf-8-sig"))))
    assert len(rows) == 4
    for cell in (cell for row in rows for cell in row):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.removeprefix("'") in {visible(text), visible(text) * 2, "b", "n", "0", "1", "2"}


def test_a_pdf_is_pdf_a_and_carries_its_files() -> None:
    content = written(VIETNAMESE, Format.PDF)
    pages = pypdfium2.PdfDocument(content)
    assert pages.count_attachments() == 1
    attached = pages.get_attachment(0)
    assert (attached.get_name(), bytes(attached.get_data())) == ("manifest.json", b'{"a": 1}')
    pages.close()
    assert b"<pdfaid:part>3</pdfaid:part>" in content
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in content


def test_long_tables_are_cut_in_a_pdf_with_a_word_and_whole_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iso27001.report.writers.pdf.ROWS_SHOWN", 10)
    long = document("dòng", rows=25)
    assert squeezed("và 15 dòng khác, trong các tệp đính kèm") in squeezed(read_pdf(write(long, Format.PDF)))
    assert len(list(csv.reader(io.StringIO(write(long, Format.CSV).decode("utf-8-sig"))))) == 26


def test_a_table_goes_on_over_pages_of_a_pdf_with_its_header_and_a_cell_that_is_higher_than_a_page_is_whole() -> None:
    words = [f"từ{n}" for n in range(1500)]
    columns = (Column("số thứ tự", 1, head=True), Column("b", 3))
    rows = (Row(("1", " ".join(words))), *(Row((str(n), "x")) for n in range(2, 80)))
    made = replace(document("a"), blocks=(Table("t", columns, rows),), contents=False)
    pages = [squeezed(page) for page in pages_of(write(made, Format.PDF))]
    assert len(pages) > 2
    assert [n for n, page in enumerate(pages, 1) if "sốthứtự" not in page] == []
    assert [word for word in words if word not in "".join(pages)] == []


@pytest.mark.parametrize(("shown", "led"), [(10, 9), (2, 4)])
def test_links_in_lists_and_tables_of_a_pdf_are_left_out_where_they_are_very_many(
    monkeypatch: pytest.MonkeyPatch, shown: int, led: int
) -> None:
    monkeypatch.setattr("iso27001.report.writers.pdf.LINKS_SHOWN", shown)
    assert links_in(write(document("a", rows=4), Format.PDF)) == led


def test_a_cell_that_is_too_long_for_a_spreadsheet_is_cut() -> None:
    long = "x" * 40_000
    assert max(len(str(cell.value)) for cell in cells_of(write(document(long, rows=1), Format.XLSX))) <= 32_767
