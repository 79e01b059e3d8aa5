"""A `Document` in, the bytes of one file out: a module for each format. The same document gives the same bytes."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from iso27001.report.document import Document, settled


class Format(StrEnum):
    """What a document can be written as; the value is the file's suffix too."""

    HTML = "html"
    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    CSV = "csv"


def write(document: Document, form: Format, attachments: Mapping[str, bytes] | None = None) -> bytes:
    """The document in a format. CSV is one table after another, an empty line between. `attachments`: files inside of a PDF.

    Raises: ReportError where the library of the format is not installed.
    """
    from iso27001.report.writers import csv, docx, html, pdf, xlsx

    document = settled(document)
    if form is Format.PDF:
        return pdf.write(document, attachments)
    writers = {Format.HTML: html.write, Format.DOCX: docx.write, Format.XLSX: xlsx.write, Format.CSV: csv.write}
    return writers[form](document)
