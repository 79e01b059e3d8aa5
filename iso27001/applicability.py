"""A site's statement of applicability in, per control whether it applies, why, and how far it is implemented. YAML, one file:

controls:
  A.8.15: {status: implemented, reason: "risk R-3"}
  A.8.30: {applicable: false, reason: "no development is outsourced"}
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from iso27001.catalogue import Catalogue
from iso27001.catalogue.reading import parse
from iso27001.errors import CatalogueError


class Implementation(StrEnum):
    """How far a control is implemented, in OSCAL 1.2's words (implementation-status)."""

    IMPLEMENTED = "implemented"
    PARTIAL = "partial"
    PLANNED = "planned"
    ALTERNATIVE = "alternative"
    NOT_APPLICABLE = "not-applicable"


@dataclass(frozen=True, slots=True)
class Applicability:
    """What the statement says of one control. `status` None: not recorded."""

    control_id: str
    applicable: bool
    status: Implementation | None
    reason: str


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
        if key not in {"applicable", "status", "reason"}:
            near = difflib.get_close_matches(str(key), ["applicable", "status", "reason"], 1)
            raise CatalogueError(f'unknown key "{key}"' + (f'; did you mean "{near[0]}"?' if near else ""))
    applicable, reason = line.get("applicable", True), line.get("reason", "")
    if not isinstance(applicable, bool) or not isinstance(reason, str):
        raise CatalogueError("applicable is true or false, reason is a text")
    if not applicable and not reason.strip():
        raise CatalogueError("a control that does not apply needs its reason (ISO/IEC 27001 clause 6.1.3 d)")
    status = line.get("status", None if applicable else Implementation.NOT_APPLICABLE)
    try:
        known = None if status is None else Implementation(status)
    except ValueError as error:
        raise CatalogueError(f'unknown status "{status}"; one of {", ".join(Implementation)}') from error
    if applicable is (known is Implementation.NOT_APPLICABLE):
        raise CatalogueError(f'"applicable: {str(applicable).lower()}" and the status "{known}" contradict each other')
    return Applicability(control_id, applicable, known, reason)
