"""A `Document` in, its tables as one CSV file out (RFC 4180, UTF-8 with a byte order mark, which spreadsheets need for Vietnamese).

A cell that a spreadsheet would take for a formula (first character = + - @, a tab or a carriage return) gets an apostrophe before it
(OWASP, "CSV injection"); plain numbers stay as they are.
"""

from __future__ import annotations

import csv
import io
import re

from iso27001.report.document import Document, Text, plain
from iso27001.report.visible import visible

_FORMULA = re.compile(r"\s*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")


def write(document: Document) -> bytes:
    """Its tables, each with its titles first; of several each has its name in a line before and an empty line after."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    tables = document.tables
    for table in tables:
        if len(tables) > 1:
            rows.writerow([_cell(table.caption or table.name)])
        rows.writerow([_cell(column.title) for column in table.columns])
        rows.writerows([_cell(cell) for cell in row.cells] for row in table.rows)
        if table is not tables[-1]:
            rows.writerow([])
    return text.getvalue().encode("utf-8-sig")


def _cell(text: Text) -> str:
    shown = visible(plain(text))
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown
