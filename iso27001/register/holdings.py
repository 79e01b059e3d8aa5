"""Evidence as the tracker holds it: its newest revision with all earlier ones, its reviews, and who had it in hands.

Evidence that people give is a draft until somebody else approves its newest revision; what machines collect stands as collected until a
person says otherwise. A new revision has to be reviewed anew, and what has expired has expired, whoever approved it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from iso27001.errors import RecordError
from iso27001.evidence import Evidence, read_evidence
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, whole
from iso27001.verifier.custody import (
    HANDLED,
    LINKED,
    REVIEWED,
    CustodyAction,
    CustodyEntry,
    EvidenceState,
    collected,
    custody_fault,
    handled,
    standing,
)

DECIDED = frozenset({EvidenceState.IN_REVIEW, EvidenceState.APPROVED, EvidenceState.REJECTED})
"""What a review can come to."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: its entry in the ledger, when and by whom it was linked, and its hash."""

    seq: int
    time: datetime
    actor: str
    result_hash: str


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody made of a revision (its entry in the ledger)."""

    revision: int
    state: EvidenceState
    time: datetime
    actor: str
    note: str


@dataclass(frozen=True, slots=True)
class Holding:
    """Evidence as it stands. `custody`: of evidence with a file, each revision's collection first."""

    id: str
    evidence: Evidence
    revisions: tuple[Revision, ...]
    reviews: tuple[Review, ...] = ()
    custody: tuple[CustodyEntry, ...] = ()
    version: int = 0

    def state(self, at: datetime) -> EvidenceState:
        """Where it stands at a moment."""
        newest = [review.state for review in self.reviews if review.revision == self.evidence.revision]
        file, expires = bool(self.evidence.file_name), self.evidence.expires
        return standing(newest[-1] if newest else None, has_file=file, expires=expires, at=at)

    @property
    def custody_fault(self) -> str:
        """Where its chain of custody is broken, in words."""
        return custody_fault(self.custody) if self.evidence.file_name else ""


def review(holding: Holding, state: EvidenceState, note: str, by: By) -> Fact:
    """The fact that a person decided on the newest revision.

    Raises: RecordError for a state that no review comes to, approval of one's own or of what has expired, a refusal without why.
    """
    if state not in DECIDED:
        raise RecordError(f'{holding.id}: a review comes to {", ".join(sorted(DECIDED))}, not to "{state}"')
    if state is EvidenceState.REJECTED:
        whole(holding.id, note=note)
    if state is EvidenceState.APPROVED:
        if by.actor == holding.revisions[-1].actor:
            raise RecordError(f"{by.actor} gave {holding.id}: it is approved by somebody else")
        if holding.state(by.time) is EvidenceState.EXPIRED:
            raise RecordError(f"{holding.id} has expired; revise it")
    body = {"revision": holding.evidence.revision, "state": state, "note": note}
    return decision(REVIEWED, holding.id, holding.version, by, body)


def handle(holding: Holding, action: CustodyAction, holder: str, place: str, why: str, sha256: str, by: By) -> Fact:
    """The fact that an item went through hands. `sha256`: of the kept file at this moment.

    Raises: RecordError for evidence without a file, a collection (a revision is one), a hash that is not the item's, a step after its end.
    """
    whole(holding.id, holder=holder, place=place, why=why)
    if not holding.evidence.file_name:
        raise RecordError(f"{holding.id} has no file that could be in anybody's hands")
    if action is CustodyAction.COLLECT:
        raise RecordError(f"{holding.id}: it is collected by giving it, or a revision of it")
    before = holding.custody[-1]
    step = CustodyEntry(by.time, by.actor, action, before.holder, holder, place, why, sha256)
    fault = custody_fault([*holding.custody, step])
    if fault:
        raise RecordError(f"{holding.id}: {fault}")
    body = {"action": action, "giver": step.giver, "holder": holder, "place": place, "why": why, "sha256": sha256}
    return decision(HANDLED, holding.id, holding.version, by, body)


def holdings(entries: Iterable[Entry]) -> dict[str, Holding]:
    """The evidence of these entries (of KINDS) by id. Raises: RecordError, EvidenceError."""
    return folded(entries, _fold)


def _fold(holding: Holding | None, entry: Entry) -> Holding:
    fact, body = entry.fact, entry.fact.body
    if fact.kind == LINKED:
        evidence = read_evidence(entry)
        revision = Revision(entry.seq, fact.time, fact.actor, evidence.result_hash)
        begun_with = (collected(body, fact.actor),) if evidence.file_name else ()
        if holding is None:
            return Holding(evidence.id, evidence, (revision,), custody=begun_with)
        return replace(
            holding,
            evidence=evidence,
            revisions=(*holding.revisions, revision),
            custody=(*holding.custody, *begun_with),
        )
    holding = begun(holding)
    if fact.kind == REVIEWED:
        made = Review(body["revision"], EvidenceState(body["state"]), fact.time, fact.actor, body["note"])
        return replace(holding, reviews=(*holding.reviews, made))
    return replace(holding, custody=(*holding.custody, handled(body, fact.actor, fact.time)))
