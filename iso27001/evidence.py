"""What shows that a control works, linked to it: `Evidence` in, ledger facts out, and back.

Evidence speaks for a period of its own (`effective_from` to `effective_to`), whenever it was collected. Linking it anew (an incident grew,
a document was replaced) adds a revision; the ledger keeps the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from iso27001.catalogue import Catalogue
from iso27001.errors import CatalogueError, EvidenceError
from iso27001.ledger import Entry, Fact, canonical, rfc3339
from iso27001.verifier.custody import LINKED


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    INCIDENT = "incident"
    ALERT = "alert"
    MEASURE = "measure"
    PLAYBOOK_RUN = "playbook-run"
    DOCUMENT = "document"
    PHOTOGRAPH = "photograph"


@dataclass(frozen=True, slots=True)
class ControlLink:
    """Of which control, and why, in words."""

    control_id: str
    why: str


@dataclass(frozen=True, slots=True)
class EventRef:
    """One event behind it: where its raw bytes are (`offset` in the journal) and their SHA-256 (hex), to fetch and hash anew."""

    event_id: str
    sha256: str
    source: str
    offset: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """One piece of evidence. `ledger_seqs`: entries of the ledger that it rests on; `collector`: who or what collected it.

    `result_hash`: SHA-256 (hex) of the file, or of what it rests on (see `content_hash`). `owner`: who answers for it; `expires`: from
    when on it proves nothing any more. `file_name` "": no file was given. `revision`: its place in the ledger (sequence number), -1
    before it is linked.
    """

    id: str
    title: str
    kind: EvidenceKind
    controls: tuple[ControlLink, ...]
    effective_from: datetime
    effective_to: datetime
    collected_at: datetime
    collector: str
    result_hash: str
    ledger_seqs: tuple[int, ...] = ()
    events: tuple[EventRef, ...] = ()
    owner: str = ""
    expires: datetime | None = None
    file_name: str = ""
    size_bytes: int = 0
    revision: int = field(default=-1, compare=False)

    def within(self, since: datetime, until: datetime) -> bool:
        """Whether it speaks for some of a period."""
        return self.effective_from < until and since <= self.effective_to


def content_hash(events: Iterable[EventRef], ledger_seqs: Iterable[int]) -> str:
    """SHA-256 (hex) over the ids and hashes of the events and the ledger entries that evidence rests on, in their order."""
    return sha256(
        canonical({"events": [[e.event_id, e.sha256] for e in events], "ledger": list(ledger_seqs)})
    ).hexdigest()


def link(evidence: Evidence, catalogue: Catalogue, *, actor: str = "engine") -> Fact:
    """The ledger fact that links evidence to its controls; the same evidence gives the same fact id. Ids of 2013 become those of 2022.

    Raises: EvidenceError for an unknown control or clause, none at all, an effective period that ends before it begins, or one that begins
    when the evidence has expired.
    """
    if evidence.effective_to < evidence.effective_from:
        between = f"{rfc3339(evidence.effective_from)} to {rfc3339(evidence.effective_to)}"
        raise EvidenceError(f"{evidence.id}: its effective period ends before it begins ({between})")
    if evidence.expires is not None and evidence.expires <= evidence.effective_from:
        expires, begins = rfc3339(evidence.expires), rfc3339(evidence.effective_from)
        raise EvidenceError(f"{evidence.id}: it expires ({expires}) before it begins to speak ({begins})")
    if not evidence.controls:
        raise EvidenceError(f"{evidence.id}: evidence of no control")
    body = {
        "id": evidence.id,
        "title": evidence.title,
        "kind": evidence.kind,
        "controls": _resolved(evidence, catalogue),
        "effective_from": rfc3339(evidence.effective_from),
        "effective_to": rfc3339(evidence.effective_to),
        "collected_at": rfc3339(evidence.collected_at),
        "collector": evidence.collector,
        "result_hash": evidence.result_hash,
        "ledger_seqs": list(evidence.ledger_seqs),
        "events": [[e.event_id, e.sha256, e.source, e.offset] for e in evidence.events],
        **_of_people(evidence),
    }
    revision = sha256(canonical({**body, "collected_at": None})).hexdigest()[:16]
    return Fact(f"{LINKED}/{evidence.id}/{revision}", LINKED, evidence.collected_at, actor, body)


def read_evidence(entry: Entry) -> Evidence:
    """The evidence of a ledger entry. Raises: EvidenceError where the entry holds none."""
    body = entry.fact.body
    try:
        return Evidence(
            id=body["id"],
            title=body["title"],
            kind=EvidenceKind(body["kind"]),
            controls=tuple(ControlLink(control_id, why) for control_id, why in body["controls"]),
            effective_from=datetime.fromisoformat(body["effective_from"]),
            effective_to=datetime.fromisoformat(body["effective_to"]),
            collected_at=datetime.fromisoformat(body["collected_at"]),
            collector=body["collector"],
            result_hash=body["result_hash"],
            ledger_seqs=tuple(body["ledger_seqs"]),
            events=tuple(EventRef(*event) for event in body["events"]),
            owner=body.get("owner", ""),
            expires=datetime.fromisoformat(body["expires"]) if body.get("expires") else None,
            file_name=body.get("file_name", ""),
            size_bytes=body.get("size_bytes", 0),
            revision=entry.seq,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise EvidenceError(f"entry {entry.seq} is no evidence: {error}") from error


def _of_people(evidence: Evidence) -> dict[str, Any]:
    """What only evidence that people give has, so that what machines link is the fact that it always was."""
    told = {
        "owner": evidence.owner,
        "expires": None if evidence.expires is None else rfc3339(evidence.expires),
        "file_name": evidence.file_name,
        "size_bytes": evidence.size_bytes,
    }
    return {name: value for name, value in told.items() if value}


def _resolved(evidence: Evidence, catalogue: Catalogue) -> list[list[Any]]:
    found: dict[str, str] = {}
    for control in evidence.controls:
        if control.control_id in catalogue.clauses:
            found.setdefault(control.control_id, control.why)
            continue
        try:
            for control_id in catalogue.resolve(control.control_id):
                found.setdefault(control_id, control.why)
        except CatalogueError as error:
            raise EvidenceError(f"{evidence.id}: {error}") from error
    return [[control_id, why] for control_id, why in found.items()]
