"""What a verification says: integrity, completeness and how far each reaches, apart; and every fault by its own name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from iso27001.verifier.notes import Head


class Integrity(StrEnum):
    """Whether what is there is what was signed."""

    INTACT = "intact"
    BROKEN = "broken"
    UNPROVEN = "unproven"


class Completeness(StrEnum):
    """Whether all that was signed is there, and whether there is more than was signed."""

    COMPLETE = "complete"
    UNSIGNED_TAIL = "unsigned tail"
    CUT = "cut"
    UNPROVEN = "unproven"


class FaultKind(StrEnum):
    """What was done to the ledger, as far as its traces tell."""

    UNREADABLE = "unreadable"
    SCHEMA_CHANGED = "schema changed"
    EDITED = "edited"
    REORDERED = "reordered"
    INSERTED = "inserted"
    DELETED_INSIDE = "deleted inside"
    TAIL_CUT = "tail cut"
    EMPTIED = "emptied"
    COLUMN_CHANGED = "column changed"
    NOT_CANONICAL = "not canonical"
    TREE_DAMAGED = "tree damaged"
    REWRITTEN = "rewritten"
    BAD_SIGNATURE = "bad signature"
    FOREIGN_KEY = "foreign key"
    RETIRED_KEY = "retired key"
    BAD_ROTATION = "bad rotation"
    OTHER_ORIGIN = "other origin"
    HEAD_UNREADABLE = "head unreadable"
    HEAD_MISSING = "head missing"
    SIZE_BACK = "size back"
    CLOCK_BACK = "clock back"
    ROLLED_BACK = "rolled back"
    SPLIT_VIEW = "split view"
    ANCHOR_DAMAGED = "anchor damaged"
    BAD_TOKEN = "bad token"  # noqa: S105  the name of a fault
    FILE_MISSING = "file missing"
    FILE_CHANGED = "file changed"
    FILE_UNKNOWN = "file unknown"
    MANIFEST_CHANGED = "manifest changed"
    FILE_NOT_BORNE_OUT = "file not borne out"
    EVIDENCE_MISTOLD = "evidence mistold"
    CUSTODY_BROKEN = "custody broken"


CUTS = frozenset(
    {FaultKind.TAIL_CUT, FaultKind.EMPTIED, FaultKind.ROLLED_BACK, FaultKind.DELETED_INSIDE, FaultKind.FILE_MISSING}
)
"""Faults by which something that was there is gone."""
AT_THE_END = CUTS - {FaultKind.DELETED_INSIDE}
"""Faults after which all that is left can still be what was signed."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: its name, the sentence for people, and the entry it was found at (None: not one entry)."""

    kind: FaultKind
    text: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a verification. `size`: entries of the tree. `signed`: those under the last good head. `anchored`: those under the last
    good head that an anchor also holds; None where no anchor was consulted. `disclosed`: how many entries were there to be read, the others
    being hashes only. `more`: faults beyond those listed. `stamped`: the newest time that an authority attests (RFC 3161).
    """

    integrity: Integrity
    completeness: Completeness
    faults: tuple[Fault, ...]
    more: int
    size: int
    root: bytes
    signed: int
    anchored: int | None
    heads: int
    last_head: Head | None
    last_anchored: Head | None
    origin: str
    key: str
    disclosed: int = 0
    stamped: datetime | None = None
    checked: tuple[tuple[str, int], ...] = ()

    @property
    def sound(self) -> bool:
        """Intact and nothing cut; an unsigned tail is no fault, it is the part that no head covers yet."""
        return self.integrity is Integrity.INTACT and self.completeness in {
            Completeness.COMPLETE,
            Completeness.UNSIGNED_TAIL,
        }

    def lines(self) -> list[str]:
        """The verdict for people, integrity and completeness apart, anchored and unanchored ranges apart."""
        found = [
            f"integrity: {self.integrity}",
            f"completeness: {self.completeness}",
            f"entries: {self.size}, root {self.root.hex()}",
            *([f"disclosed: {self.disclosed}; of the others the hashes alone"] if self.disclosed < self.size else []),
            f"signed: {_span(0, self.signed)} under {self.heads} heads, key {self.key}",
            f"unsigned: {_span(self.signed, self.size)}",
        ]
        if self.anchored is None:
            found.append("anchored: no anchor was given; an older copy of the whole ledger would pass unseen")
        else:
            found += [
                f"anchored: {_span(0, self.anchored)}",
                f"signed but not anchored: {_span(self.anchored, self.signed)}",
            ]
        if self.stamped is not None:
            found.append(f"attested by a time stamping authority: {self.stamped.isoformat()}")
        found += [f"{what}: {count} checked" for what, count in self.checked]
        found += [f"fault: {fault.kind}: {fault.text}" for fault in self.faults]
        if self.more:
            found.append(f"fault: and {self.more} more")
        return found


def _span(start: int, end: int) -> str:
    return f"entries {start} to {end - 1}" if end > start else "none"
