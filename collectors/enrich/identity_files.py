"""Files of people in, `Identity`s out: CSV with a line of names, or an export of a directory as LDIF.

    name,full_name,email,department,title,criticality
    lan.nt,Nguyen Thi Lan,lan.nt@example.gov.vn,Department of Finance,Accountant,4

Source of truth: RFC 4180; RFC 2849 (LDIF), of which content records are read and change records refused, and no file or URL that a value
names is ever opened. Of a directory's attributes those of RFC 2798 and of Active Directory that name a person count; accounts of several
names are written with `;` between them in CSV.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

from collectors.enrich.identities import Identity, IdentityTable
from collectors.enrich.rows import read_text, refuse, rows

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
    """The people of these files. Raises: TableError with every fault in them."""
    faults: list[str] = []
    found = [identity for path in paths for identity in _read(path, faults)]
    refuse(faults)
    return IdentityTable(found)


def _read(path: Path, faults: list[str]) -> Iterator[Identity]:
    return _ldif(path, faults) if path.suffix.lower() in (".ldif", ".ldf") else _csv(path, faults)


# --- CSV -------------------------------------------------------------------------------------------------------------------------------


def _csv(path: Path, faults: list[str]) -> Iterator[Identity]:
    for place, cells in rows(path, _COLUMNS, faults):
        accounts = tuple(name.strip() for name in cells["name"].split(";") if name.strip())
        criticality = cells["criticality"]
        if not accounts or criticality not in ("", "1", "2", "3", "4", "5"):
            faults.append(f"{place}: " + (f'criticality "{criticality[:40]}" is not 1 to 5' if accounts else "no name"))
            continue
        full_name, email, department, title = (cells[name] for name in _SAID)
        yield Identity(accounts, full_name, email, department, title, int(criticality) if criticality else None, place)


# --- LDIF ------------------------------------------------------------------------------------------------------------------------------


def _ldif(path: Path, faults: list[str]) -> Iterator[Identity]:
    for line, entry in entries(path, read_text(path), faults):
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
