"""Exceptions: a control that does not hold for something, for a time, with the reason, who approved it and when it ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, new, read, resolved, utc, whole

REQUESTED, APPROVED = "exception.requested", "exception.approved"
REJECTED, REVOKED = "exception.rejected", "exception.revoked"
KINDS = (REQUESTED, APPROVED, REJECTED, REVOKED)


class ExceptionState(StrEnum):
    """Where an exception stands; an approved one expires by itself."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    REVOKED = "revoked"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class ExceptionText:
    """What is asked for: which control does not hold, for what, why, from `since` to `expires` (exclusive). `risk`: its id."""

    control_id: str
    subject: str
    reason: str
    owner: str
    since: datetime
    expires: datetime
    risk: str = ""


@dataclass(frozen=True, slots=True)
class ControlException:
    """An exception as it stands. `decided_by`: who approved, rejected or revoked it, with `note`."""

    id: str
    text: ExceptionText
    requested: datetime
    requested_by: str
    decision: ExceptionState = ExceptionState.REQUESTED
    decided: datetime | None = None
    decided_by: str = ""
    note: str = ""
    version: int = 0

    def state(self, at: datetime) -> ExceptionState:
        """Where it stands at a moment."""
        over = self.text.expires <= at
        return ExceptionState.EXPIRED if over and self.decision is ExceptionState.APPROVED else self.decision


def request(
    exception_id: str, text: ExceptionText, known: Mapping[str, ControlException], catalogue: Catalogue, by: By
) -> Fact:
    """The fact that an exception is asked for.

    Raises: RecordError for an unknown control, a period that ends before it begins, one that overlaps another of the control and subject.
    """
    new(exception_id, known)
    whole(exception_id, subject=text.subject, reason=text.reason, owner=text.owner)
    since, expires = utc(text.since, exception_id, "the start"), utc(text.expires, exception_id, "the end")
    if expires <= since:
        raise RecordError(f"{exception_id}: it expires ({expires:%Y-%m-%d}) before it begins ({since:%Y-%m-%d})")
    controls = resolved([text.control_id], catalogue, exception_id)
    if len(controls) != 1:
        raise RecordError(f"{exception_id}: {text.control_id} is now {' and '.join(controls)}; ask for one of them")
    for other in known.values():
        same = (other.text.control_id, other.text.subject) == (controls[0], text.subject)
        stands = other.decision in {ExceptionState.REQUESTED, ExceptionState.APPROVED}
        if same and stands and since < other.text.expires and other.text.since < expires:
            raise RecordError(
                f"{exception_id} overlaps {other.id} of {controls[0]} for {text.subject}, which runs to {other.text.expires:%Y-%m-%d}"
            )
    asked = replace(text, control_id=controls[0], since=since, expires=expires)
    return decision(REQUESTED, exception_id, 0, by, {"exception": asked})


def approve(exception: ControlException, note: str, by: By) -> Fact:
    """The fact that an exception is approved, by somebody else than who asked. Raises: RecordError."""
    _waiting(exception)
    if by.actor in {exception.requested_by, exception.text.owner}:
        raise RecordError(f"{by.actor} asked for {exception.id} or owns it: it is approved by somebody else")
    if exception.text.expires <= by.time:
        raise RecordError(f"{exception.id} would have expired on {exception.text.expires:%Y-%m-%d}")
    return decision(APPROVED, exception.id, exception.version, by, {"note": note})


def reject(exception: ControlException, note: str, by: By) -> Fact:
    """The fact that an exception is refused. Raises: RecordError."""
    _waiting(exception)
    whole(exception.id, note=note)
    return decision(REJECTED, exception.id, exception.version, by, {"note": note})


def revoke(exception: ControlException, note: str, by: By) -> Fact:
    """The fact that an approved exception ends before its time. Raises: RecordError."""
    whole(exception.id, note=note)
    if exception.state(by.time) is not ExceptionState.APPROVED:
        raise RecordError(f"{exception.id} is {exception.state(by.time)}: there is nothing to revoke")
    return decision(REVOKED, exception.id, exception.version, by, {"note": note})


def exceptions(entries: Iterable[Entry]) -> dict[str, ControlException]:
    """The exceptions of these entries (of KINDS) by id. Raises: RecordError."""
    return folded(entries, _fold)


def _waiting(exception: ControlException) -> None:
    if exception.decision is not ExceptionState.REQUESTED:
        raise RecordError(f"{exception.id} is {exception.decision} already, by {exception.decided_by}")


def _fold(exception: ControlException | None, entry: Entry) -> ControlException:
    fact = entry.fact
    if fact.kind == REQUESTED:
        return ControlException(fact.body["id"], read(ExceptionText, fact.body["exception"]), fact.time, fact.actor)
    decided = ExceptionState(fact.kind.removeprefix("exception."))
    return replace(begun(exception), decision=decided, decided=fact.time, decided_by=fact.actor, note=fact.body["note"])
