"""A `Document` in, one XLSX out (ECMA-376 part 1, SpreadsheetML): a sheet for each table, and one for the cover.

Every cell is an inline string or a number. There is no place in such a sheet for a formula or a link, whatever a text says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from iso27001.report.document import Document, Row, Table, Text, plain
from iso27001.report.messages import Messages
from iso27001.report.visible import visible
from iso27001.report.writers.ooxml import package, relations, text

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,14})(?:\.\d{1,6})?")
CELL_MAX = 32_767
"""Characters of a cell (Excel's limit); what is longer is cut with an ellipsis."""
SHEET_NAME_MAX = 31


def write(document: Document) -> bytes:
    """The document's tables as the bytes of one workbook."""
    t = Messages(document.language)
    cover = [(document.title,), (document.whose,), *document.cover, (document.disclaimer,), (document.foot,)]
    sheets = {t("cover"): _sheet((), [row for row in cover if plain(row[0])], (30, 90))}
    for table in document.tables:
        sheets[_name(table.name, sheets)] = _table(table)
    names = list(sheets)
    listed = "".join(f'<sheet name="{text(name)}" sheetId="{n}" r:id="r{n}"/>' for n, name in enumerate(names, 1))
    files = [f"worksheets/sheet{n}.xml" for n in range(1, len(names) + 1)]
    parts = {
        "_rels/.rels": relations({"xl/workbook.xml": "officeDocument"}),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f"<sheets>{listed}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": relations({**dict.fromkeys(files, "worksheet"), "styles.xml": "styles"}),
        "xl/styles.xml": _STYLES,
        **{f"xl/{file}": sheet for file, sheet in zip(files, sheets.values(), strict=True)},
    }
    types = {
        "xl/workbook.xml": f"{_TYPE}.sheet.main+xml",
        "xl/styles.xml": f"{_TYPE}.styles+xml",
        **{f"xl/{file}": f"{_TYPE}.worksheet+xml" for file in files},
    }
    return package(parts, types)


def _table(table: Table) -> str:
    total = sum(column.weight for column in table.columns)
    rows = [_with_note(row) for row in table.rows]
    return _sheet(tuple(c.title for c in table.columns), rows, [max(8, 160 * c.weight // total) for c in table.columns])


def _with_note(row: Row) -> tuple[Text, ...]:
    return (*row.cells, row.note) if row.note else row.cells


def _sheet(titles: Sequence[Text], rows: Sequence[Sequence[Text]], widths: Sequence[int]) -> str:
    lines = [_line(1, titles, 1)] if titles else []
    lines += [_line(n, row, 0) for n, row in enumerate(rows, 2 if titles else 1)]
    frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' if titles else ""
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width}" customWidth="1"/>' for n, width in enumerate(widths, 1)
    )
    return (
        f'<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
        f"<cols>{columns}</cols><sheetData>{''.join(lines)}</sheetData></worksheet>"
    )


def _line(number: int, cells: Sequence[Text], style: int) -> str:
    return f'<row r="{number}">{"".join(_cell(plain(cell), style) for cell in cells)}</row>'


def _cell(words: str, style: int) -> str:
    if _NUMBER.fullmatch(words):
        return f'<c s="{style}"><v>{words}</v></c>'
    shown = text(words)
    if len(shown) > CELL_MAX:
        shown = text(words[: CELL_MAX // 8]) + "…"  # a character takes eight at most, as [U+E0000] does
    return f'<c t="inlineStr" s="{style}"><is><t xml:space="preserve">{shown}</t></is></c>'


def _name(name: str, taken: dict[str, str]) -> str:
    """A sheet's name: no : \\ / ? * [ ], 31 characters, unique whatever the case."""
    plain_name = re.sub(r"[:\\/?*\[\]']", " ", visible(name)).strip()[:SHEET_NAME_MAX] or "-"
    found, n, lower = plain_name, 1, {each.lower() for each in taken}
    while found.lower() in lower:
        n += 1
        found = f"{plain_name[: SHEET_NAME_MAX - 4]} {n}"
    return found


_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="2"><xf fontId="0" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf>'
    '<xf fontId="1" applyFont="1" applyAlignment="1"><alignment vertical="top" wrapText="1"/></xf></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)
