"""Signed heads out to a file elsewhere (a second host's share, the auditor's stick): what a rolled-back ledger cannot take back."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from iso27001.errors import LedgerError
from iso27001.verifier.notes import Head, read_notes


def write_anchor(heads: Iterable[Head], path: Path) -> int:
    """Add the heads that the file lacks, durably; gives how many. Raises: LedgerError."""
    try:
        held = {head.note for head in read_anchor(path)[0]} if path.exists() else set()
        fresh = [head.note for head in heads if head.note not in held]
        if fresh:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.write("".join(note + "\n" for note in fresh))
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        raise LedgerError(f"{path}: the anchor cannot be written: {error}") from error
    return len(fresh)


def read_anchor(path: Path) -> tuple[list[Head], list[str]]:
    """The heads of an anchor file, and what in it is no signed head. Raises: LedgerError."""
    try:
        return read_notes(path.read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise LedgerError(f"{path}: the anchor cannot be read: {error}") from error
