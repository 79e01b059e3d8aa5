"""Files of people in, `Identity`s out: CSV with a line of names, or an export of a directory as LDIF.

    name,full_name,email,department,title,criticality
    lan.nt,Nguyen Thi Lan,lan.nt@example.gov.vn,Department of Finance,Accountant,4

Source of truth: RFC 4180; RFC 2849 (LDIF), of which content records are read and change records refused, and no file or URL that a value
names is ever opened. Of a directory's attributes those of RFC 2798 and of Active Directory that name a person count; accounts of several
names are written with `;` between them in CSV.
"""

from __future__ import annotations

import base64
import csv
import difflib
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from collectors.enrich.identities import Identity, IdentityError, IdentityTable

MAX_BYTES = 256 * 1024 * 1024
_SHOWN = 50
"""Faults that are told."""

_COLUMNS = ("name", "full_name", "email", "department", "title", "criticality")

_SAID = ("full_name", "email", "department", "title")
"""What is text, in the order of `Identity`."""

_NAMES = ("uid", "samaccountname", "userprincipalname")
_ATTRIBUTES = {
    "full_name": ("displayname", "cn"),
    "email": ("mail",),
    "department": ("department", "departmentnumber", "ou"),
    "title": ("title",),
}
"""Ours -> attributes, the first that is there counts."""

Entry = dict[str, list[str]]
"""Attribute in lower case, without options, -> values."""


def read_identities(paths: Sequence[Path]) -> IdentityTable:
    """The people of these files. Raises: IdentityError with every fault in them."""
    faults: list[str] = []
    found = [identity for path in paths for identity in _read(path, faults)]
    if faults:
        more = [f"and {len(faults) - _SHOWN:,} more faults"] if len(faults) > _SHOWN else []
        raise IdentityError("\n".join([*faults[:_SHOWN], *more]))
    return IdentityTable(found)


def _read(path: Path, faults: list[str]) -> Iterator[Identity]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise IdentityError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode()
    except OSError as error:
        raise IdentityError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise IdentityError(f"{path} is no UTF-8 at byte {error.start}") from error
    yield from _ldif(path, text, faults) if path.suffix.lower() in (".ldif", ".ldf") else _csv(path, text, faults)


# --- CSV -------------------------------------------------------------------------------------------------------------------------------


def _csv(path: Path, text: str, faults: list[str]) -> Iterator[Identity]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [cell.strip().lower() for cell in next(reader, [])]
        unknown = [name for name in names if name not in _COLUMNS or names.count(name) > 1]
        if "name" not in names or unknown:
            near = difflib.get_close_matches(unknown[0], _COLUMNS, 1, 0.6) if unknown else []
            what = f'column "{unknown[0]}" is unknown or twice there' if unknown else 'there is no column "name"'
            hint = f'; did you mean "{near[0]}"?' if near else f" (there are: {', '.join(_COLUMNS)})"
            faults.append(f"{path}:1: {what}{hint}")
            return
        for row in reader:
            place = f"{path}:{reader.line_num}"
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(names):
                faults.append(f"{place}: {len(row)} cells, where {len(names)} columns are named")
                continue
            cells = {name: cell.strip() for name, cell in zip(names, row, strict=True)}
            accounts = tuple(name.strip() for name in cells.pop("name").split(";") if name.strip())
            criticality = cells.pop("criticality", "")
            if not accounts or criticality not in ("", "1", "2", "3", "4", "5"):
                faults.append(
                    f"{place}: " + (f'criticality "{criticality[:40]}" is not 1 to 5' if accounts else "no name")
                )
                continue
            level = int(criticality) if criticality else None
            full_name, email, department, title = (cells.get(name, "") for name in _SAID)
            yield Identity(accounts, full_name, email, department, title, level, place)
    except csv.Error as error:
        faults.append(f"{path}:{reader.line_num}: {error}")


# --- LDIF ------------------------------------------------------------------------------------------------------------------------------


def _ldif(path: Path, text: str, faults: list[str]) -> Iterator[Identity]:
    for line, entry in entries(path, text, faults):
        names = tuple(dict.fromkeys(value for attribute in _NAMES for value in entry.get(attribute, ()) if value))
        if not names:
            continue  # a group, a unit, a printer
        full_name, email, department, title = (
            next((entry[name][0] for name in _ATTRIBUTES[ours] if name in entry), "") for ours in _SAID
        )
        yield Identity(names, full_name, email, department, title, place=f"{path}:{line}")


def entries(path: Path, text: str, faults: list[str]) -> Iterator[tuple[int, Entry]]:
    """The content records of an LDIF text, each with the number of its first line; faults are added to `faults` with their place."""
    entry: Entry = {}
    first = 0
    for number, line in [*_logical(text), (0, "")]:
        if not line:
            if "dn" in entry:
                yield first, entry
            elif entry.keys() - {"version"}:
                faults.append(f"{path}:{first}: a record begins with its dn")
            entry = {}
            continue
        first = first if entry else number
        name, colon, rest = line.partition(":")
        attribute = name.strip().lower().partition(";")[0]
        if not colon or not attribute:
            faults.append(f'{path}:{number}: "name: value" is expected')
        elif rest.startswith("<"):
            faults.append(f"{path}:{number}: {attribute} names a file or URL; none is ever opened")
        elif attribute in ("changetype", "control"):
            faults.append(f"{path}:{number}: this is a change of a directory; export its content")
        else:
            try:
                value = (
                    base64.b64decode(rest[1:].strip(), validate=True).decode() if rest[:1] == ":" else rest.strip(" ")
                )
            except ValueError:
                if attribute in _USED:
                    faults.append(f"{path}:{number}: {attribute} is no text in base64")
                value = ""  # a photograph, a certificate
            entry.setdefault(attribute, []).append(value)


_USED = frozenset(("dn", *_NAMES, *(name for names in _ATTRIBUTES.values() for name in names)))


def _logical(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their folded parts (those after it that begin with a space), without remarks; each with the number of its first line."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if line.startswith(" ") and parts:
            parts.append(line[1:])
            continue
        if parts and not parts[0].startswith("#"):
            yield first, "".join(parts)
        parts, first = [line], number
    if parts and not parts[0].startswith("#"):
        yield first, "".join(parts)
