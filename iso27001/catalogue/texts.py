"""A folder that a site fills with the text of the standard that it has bought in, the text by control or clause out.

One file each, named by its id: `A.8.15.txt`, `9.2.1.md`; UTF-8, read as plain text. This package ships none: the text is (c) ISO/IEC.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from iso27001.catalogue import Catalogue
from iso27001.errors import CatalogueError

ENDINGS = (".txt", ".md")
MAX_BYTES = 65_536
"""Of one file; the longest control of ISO/IEC 27002 with its guidance is below 20,000."""


def read_texts(folder: Path, catalogue: Catalogue) -> Mapping[str, str]:
    """The texts of a folder by id of 2022; hidden files and folders are left alone.

    Raises: CatalogueError with all faults at once: no folder, a name that is no control or clause, two files of one, no text.
    """
    try:
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise CatalogueError(f"{folder}: the texts cannot be read: {error.strerror}") from error
    found: dict[str, str] = {}
    faults: list[str] = []
    for path in paths:
        try:
            found[_new_id(path, found, catalogue)] = _text(path)
        except CatalogueError as error:
            faults.append(f"{path}: {error}")
    if faults:
        raise CatalogueError("\n".join(faults))
    return MappingProxyType(found)


def _new_id(path: Path, found: Mapping[str, str], catalogue: Catalogue) -> str:
    if path.suffix.lower() not in ENDINGS:
        raise CatalogueError(f"a file of text ends with {' or '.join(ENDINGS)}")
    name = path.stem if path.stem in catalogue.clauses else catalogue.control(path.stem).id
    if name in found:
        raise CatalogueError(f"there is another file for {name}")
    return name


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_BYTES:
            raise CatalogueError(f"{len(raw):,} bytes, more than {MAX_BYTES:,}: one control or clause a file")
        return unicodedata.normalize("NFC", raw.decode("utf-8-sig")).strip()
    except OSError as error:
        raise CatalogueError(f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CatalogueError(f"byte {error.start} is not UTF-8") from error
