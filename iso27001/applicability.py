"""What a statement of applicability says of one control in, typed and checked: whether it applies, why, what needs it, how far it is.

A site writes it as YAML, one file (soa.yml), which is the draft; what was approved is in the ledger (iso27001/register/statements.py):

controls:
  A.8.15: {status: implemented, reason: "R-3 and the decree ask for it", need: {risk: [R-3], law: [NĐ 331/2026]}, owner: SOC lead}
  A.8.30: {applicable: false, reason: "no development is outsourced"}
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from iso27001.catalogue import Catalogue
from iso27001.catalogue.reading import parse
from iso27001.errors import CatalogueError

_KEYS = ("applicable", "status", "reason", "need", "owner")


class Implementation(StrEnum):
    """How far a control is implemented, in OSCAL 1.2's words (implementation-status)."""

    IMPLEMENTED = "implemented"
    PARTIAL = "partial"
    PLANNED = "planned"
    ALTERNATIVE = "alternative"
    NOT_APPLICABLE = "not-applicable"


class Need(StrEnum):
    """What asks for a control (ISO/IEC 27001 clause 6.1.3 d: the justification for its inclusion)."""

    RISK = "risk"
    LAW = "law"
    CONTRACT = "contract"
    PRACTICE = "practice"


@dataclass(frozen=True, slots=True)
class NeedRef:
    """One need: its kind and what it is called (R-3, NĐ 331/2026/NĐ-CP Đ31)."""

    kind: Need
    ref: str


@dataclass(frozen=True, slots=True)
class Applicability:
    """What the statement says of one control. `status` None: not recorded."""

    control_id: str
    applicable: bool
    status: Implementation | None
    reason: str
    needs: tuple[NeedRef, ...] = ()
    owner: str = ""


def read_statement(path: Path, catalogue: Catalogue) -> dict[str, Applicability]:
    """The statement of a file, by control id. Raises: CatalogueError with all faults at once."""
    try:
        data = parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: cannot be read: {error}") from error
    controls = data.get("controls") if isinstance(data, Mapping) else None
    if not isinstance(controls, Mapping) or set(data) != {"controls"}:
        raise CatalogueError(f'{path}: one key "controls" with a mapping of control ids is expected')
    found: dict[str, Applicability] = {}
    faults: list[str] = []
    for written, line in controls.items():
        try:
            applicability = _line(str(written), line, catalogue)
            found[applicability.control_id] = applicability
        except CatalogueError as error:
            faults.append(f"{path}: {written}: {error}")
    if faults:
        raise CatalogueError("\n".join(faults))
    return found


def _line(written: str, line: object, catalogue: Catalogue) -> Applicability:
    control_id = catalogue.control(written).id
    if not isinstance(line, Mapping):
        raise CatalogueError("a mapping with status, reason or applicable is expected")
    for key in line:
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, 1)
            raise CatalogueError(f'unknown key "{key}"' + (f'; did you mean "{near[0]}"?' if near else ""))
    applicable, reason, owner = line.get("applicable", True), line.get("reason", ""), line.get("owner", "")
    if not (isinstance(applicable, bool) and isinstance(reason, str) and isinstance(owner, str)):
        raise CatalogueError("applicable is true or false, reason and owner are texts")
    if not applicable and not reason.strip():
        raise CatalogueError("a control that does not apply needs its reason (ISO/IEC 27001 clause 6.1.3 d)")
    status = line.get("status", None if applicable else Implementation.NOT_APPLICABLE)
    try:
        known = None if status is None else Implementation(status)
    except ValueError as error:
        raise CatalogueError(f'unknown status "{status}"; one of {", ".join(Implementation)}') from error
    if applicable is (known is Implementation.NOT_APPLICABLE):
        raise CatalogueError(f'"applicable: {str(applicable).lower()}" and the status "{known}" contradict each other')
    return Applicability(control_id, applicable, known, reason, tuple(_needs(line.get("need", {}))), owner)


def _needs(written: object) -> Iterator[NeedRef]:
    if not isinstance(written, Mapping):
        raise CatalogueError(f"need is a mapping of {', '.join(Need)} to lists")
    for key, refs in written.items():
        if key not in list(Need):
            raise CatalogueError(f'unknown need "{key}"; one of {", ".join(Need)}')
        listed = [refs] if isinstance(refs, str) else refs
        if (
            not isinstance(listed, list)
            or not listed
            or not all(isinstance(ref, str) and ref.strip() for ref in listed)
        ):
            raise CatalogueError(f"need.{key} is a list of names")
        yield from (NeedRef(Need(key), ref) for ref in listed)
