"""Facts of evidence in, what a manifest tells of each piece out: its newest revision, where it stands, and who had it in hands.

The chain of custody of an item is ISO/IEC 27037:2012 clause 6.1: who had it, from whom to whom, where, why, and what its hash was. Who
makes a pack and who checks it call the same `told`: one with the ledger's entries, the other with those that the pack discloses.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

LINKED, REVIEWED, HANDLED = "evidence.linked", "evidence.reviewed", "evidence.handled"
KINDS = (LINKED, REVIEWED, HANDLED)
"""The kinds of facts that evidence is the fold of."""


class EvidenceState(StrEnum):
    """Where a piece of evidence stands."""

    COLLECTED = "collected"
    DRAFT = "draft"
    IN_REVIEW = "in review"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


class CustodyAction(StrEnum):
    """What was done with the item."""

    COLLECT = "collect"
    TRANSFER = "transfer"
    EXAMINE = "examine"
    COPY = "copy"
    RETURN = "return"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One step. `giver` "": it was collected. `holder`: who has it afterwards. `sha256`: of its bytes at that moment."""

    time: datetime
    actor: str
    action: CustodyAction
    giver: str
    holder: str
    place: str
    why: str
    sha256: str


def standing(decided: EvidenceState | None, *, has_file: bool, expires: datetime | None, at: datetime) -> EvidenceState:
    """Where evidence stands at a moment. `decided`: by the last review of its newest revision; what has a file is a person's."""
    if expires is not None and expires <= at:
        return EvidenceState.EXPIRED
    return decided or (EvidenceState.DRAFT if has_file else EvidenceState.COLLECTED)


def custody_fault(chain: Sequence[CustodyEntry]) -> str:
    """Where a chain is broken, in words; empty where it is not.

    A chain begins with a collection, every step is made from whoever held the item, time does not go back, the hash stays that of the item
    until it is collected anew, and nothing follows its destruction.
    """
    if not chain or chain[0].action is not CustodyAction.COLLECT:
        return "the chain does not begin with a collection"
    before = chain[0]
    for number, step in enumerate(chain[1:], 2):
        if before.action is CustodyAction.DESTROY:
            return f"step {number} ({step.action}) follows the destruction"
        if step.time < before.time:
            return f"step {number} ({step.action}) is earlier than step {number - 1}"
        if step.action is not CustodyAction.COLLECT:
            if step.giver != before.holder:
                return f"step {number} ({step.action}) is from {step.giver}, but {before.holder} had it"
            if step.sha256 != before.sha256:
                return f"step {number} ({step.action}) found another hash than step {number - 1}"
        before = step
    return ""


def collected(body: Mapping[str, Any], actor: str) -> CustodyEntry:
    """The step that a revision of an item is. Raises: KeyError, ValueError."""
    when, who = moment(body["collected_at"]), body["collector"]
    return CustodyEntry(when, actor, CustodyAction.COLLECT, "", who, "vault", body["title"], body["result_hash"])


def handled(body: Mapping[str, Any], actor: str, when: datetime) -> CustodyEntry:
    """The step that an item's way through hands is. Raises: KeyError, ValueError."""
    named = (body[name] for name in ("giver", "holder", "place", "why", "sha256"))
    return CustodyEntry(when, actor, CustodyAction(body["action"]), *named)


def told(facts: Iterable[tuple[int, Mapping[str, Any]]], at: datetime) -> dict[str, dict[str, Any]]:
    """By id of evidence, what a manifest tells of it at a moment, as JSON values. `facts`: of KINDS, with their entries, in order.

    Of what is no fact of evidence, nothing is told.
    """
    newest: dict[str, tuple[int, str, bool, datetime | None]] = {}
    decided: dict[tuple[str, int], EvidenceState] = {}
    chains: dict[str, list[tuple[int, CustodyEntry]]] = {}
    for entry, fact in facts:
        try:
            body, actor = fact["body"], fact["actor"]
            if fact["kind"] == LINKED:
                if body.get("file_name"):
                    chains.setdefault(body["id"], []).append((entry, collected(body, actor)))
                expires = moment(body["expires"]) if body.get("expires") else None
                newest[body["id"]] = entry, body["result_hash"], bool(body.get("file_name")), expires
            elif fact["kind"] == REVIEWED:
                decided[body["id"], body["revision"]] = EvidenceState(body["state"])
            else:
                step = handled(body, actor, moment(fact["time"]))
                chains.setdefault(body["id"], []).append((entry, step))
        except (AttributeError, KeyError, TypeError, ValueError):
            continue
    found = {}
    for evidence_id, (entry, digest, has_file, expires) in newest.items():
        chain = chains.get(evidence_id, [])
        found[evidence_id] = {
            "id": evidence_id,
            "entry": entry,
            "sha256": digest,
            "state": standing(decided.get((evidence_id, entry)), has_file=has_file, expires=expires, at=at).value,
            "custody": [{"entry": each, **_plain(step)} for each, step in chain],
            "fault": custody_fault([step for _, step in chain]) if has_file else "",
        }
    return found


def moment(text: str) -> datetime:
    """A moment of a fact. Raises: ValueError for what is none, or names no zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return found


def _plain(step: CustodyEntry) -> dict[str, str]:
    return {
        "time": step.time.isoformat(),
        "actor": step.actor,
        "action": step.action.value,
        "giver": step.giver,
        "holder": step.holder,
        "place": step.place,
        "why": step.why,
        "sha256": step.sha256,
    }
