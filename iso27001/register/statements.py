"""The statement of applicability by version: proposed whole, approved by somebody else, never changed afterwards (clause 6.1.3 d).

A version says of every one of the 93 controls whether it applies, why, what needs it and how far it is implemented. What stands at a
moment is the newest version that was approved by then.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256

import msgspec

from iso27001.applicability import Applicability, Need
from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact, canonical
from iso27001.register import By, begun, decision, folded, read, whole

PROPOSED, APPROVED, REJECTED = "soa.proposed", "soa.approved", "soa.rejected"
KINDS = (PROPOSED, APPROVED, REJECTED)


class StatementState(StrEnum):
    """Where a version stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Statement:
    """One version. `id`: "v1", "v2", …; `digest`: SHA-256 (hex) over its lines; `decided_by`: who approved or rejected it, with `note`."""

    id: str
    lines: tuple[Applicability, ...]
    digest: str
    why: str
    proposed: datetime
    proposed_by: str
    state: StatementState = StatementState.PROPOSED
    decided: datetime | None = None
    decided_by: str = ""
    note: str = ""
    version: int = 0

    @property
    def by_control(self) -> dict[str, Applicability]:
        """Its lines by control id."""
        return {line.control_id: line for line in self.lines}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two versions: `field` of a control, as words; "" where it was not there."""

    control_id: str
    field: str
    before: str
    after: str


def propose(
    lines: Mapping[str, Applicability],
    known: Mapping[str, Statement],
    risks: Container[str],
    catalogue: Catalogue,
    *,
    why: str,
    by: By,
) -> Fact:
    """The fact that a version is proposed. `risks`: ids of the risk register. `why`: what changed since the one before.

    Raises: RecordError with all faults at once: a control that is not there, a status, a reason or a need that is missing, a risk that the
    register lacks; and where nothing changed, or another version waits.
    """
    name = f"v{len(known) + 1}"
    whole(name, why=why)
    check_lines(lines, risks, catalogue)
    waiting = [each.id for each in known.values() if each.state is StatementState.PROPOSED]
    if waiting:
        raise RecordError(f"{waiting[0]} waits for approval; approve or reject it first")
    ordered = tuple(lines[control_id] for control_id in catalogue.controls)
    digest = _digest(ordered)
    last = [each for each in known.values() if each.state is StatementState.APPROVED]
    if last and last[-1].digest == digest:
        raise RecordError(f"{name}: nothing changed since {last[-1].id}, which stands")
    return decision(PROPOSED, name, 0, by, {"lines": ordered, "digest": digest, "why": why})


def check_lines(lines: Mapping[str, Applicability], risks: Container[str], catalogue: Catalogue) -> None:
    """Whether these lines could be a version. Raises: RecordError as `propose`, for the lines alone."""
    faults = [*_faults(lines, risks, catalogue)]
    if faults:
        raise RecordError("\n".join(faults))


def approve(statement: Statement, note: str, by: By) -> Fact:
    """The fact that a version stands from now on. Raises: RecordError for whoever proposed it, and for one that was decided on."""
    _waiting(statement)
    if by.actor == statement.proposed_by:
        raise RecordError(f"{by.actor} proposed {statement.id}: it is approved by somebody else")
    return decision(APPROVED, statement.id, statement.version, by, {"digest": statement.digest, "note": note})


def reject(statement: Statement, note: str, by: By) -> Fact:
    """The fact that a version does not stand. Raises: RecordError."""
    _waiting(statement)
    whole(statement.id, note=note)
    return decision(REJECTED, statement.id, statement.version, by, {"digest": statement.digest, "note": note})


def statements(entries: Iterable[Entry]) -> dict[str, Statement]:
    """The versions of these entries (of KINDS) by id, the oldest first. Raises: RecordError."""
    return folded(entries, _fold)


def standing(known: Mapping[str, Statement], at: datetime) -> Statement | None:
    """The version that stands at a moment; None where none was approved by then."""
    found = [s for s in known.values() if s.state is StatementState.APPROVED and s.decided and s.decided <= at]
    return max(found, key=lambda statement: statement.decided or at, default=None)


def differences(before: Mapping[str, Applicability], after: Mapping[str, Applicability]) -> list[Change]:
    """What differs, control by control in the order of `after`, then what is gone."""
    order = dict.fromkeys((*after, *before))
    return [
        change for control_id in order for change in _changes(control_id, before.get(control_id), after.get(control_id))
    ]


def _changes(control_id: str, before: Applicability | None, after: Applicability | None) -> Iterator[Change]:
    old, new = _words(before), _words(after)
    yield from (Change(control_id, field, old[field], new[field]) for field in old if old[field] != new[field])


def _words(line: Applicability | None) -> dict[str, str]:
    if line is None:
        return dict.fromkeys(("applicable", "status", "reason", "need", "owner"), "")
    return {
        "applicable": "yes" if line.applicable else "no",
        "status": line.status or "",
        "reason": line.reason,
        "need": ", ".join(f"{need.kind} {need.ref}" for need in line.needs),
        "owner": line.owner,
    }


def _faults(lines: Mapping[str, Applicability], risks: Container[str], catalogue: Catalogue) -> Iterator[str]:
    missing = [control_id for control_id in catalogue.controls if control_id not in lines]
    if missing:
        shown = ", ".join(missing[:10]) + (" …" if len(missing) > 10 else "")
        yield f"{len(missing)} controls are not there: {shown}; a statement says of each whether it applies"
    for control_id, line in lines.items():
        if line.status is None:
            yield f"{control_id}: its status is missing"
        if not line.reason.strip():
            yield f"{control_id}: its reason is missing"
        if line.applicable and not line.needs:
            yield f"{control_id}: nothing needs it: name a risk, a law, a contract or a practice"
        for need in line.needs:
            if need.kind is Need.RISK and need.ref not in risks:
                yield f"{control_id}: there is no risk {need.ref} in the register"


def _digest(lines: Iterable[Applicability]) -> str:
    return sha256(canonical([msgspec.to_builtins(line) for line in lines])).hexdigest()


def _waiting(statement: Statement) -> None:
    if statement.state is not StatementState.PROPOSED:
        raise RecordError(f"{statement.id} is {statement.state} already, by {statement.decided_by}")


def _fold(statement: Statement | None, entry: Entry) -> Statement:
    fact, body = entry.fact, entry.fact.body
    if fact.kind == PROPOSED:
        lines = read(tuple[Applicability, ...], body["lines"])
        return Statement(body["id"], lines, body["digest"], body["why"], fact.time, fact.actor)
    statement = begun(statement)
    if body["digest"] != statement.digest:
        raise ValueError(f"it decides on other lines than {statement.id} has")
    state = StatementState(fact.kind.removeprefix("soa."))
    return replace(statement, state=state, decided=fact.time, decided_by=fact.actor, note=body["note"])
