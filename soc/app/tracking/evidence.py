"""Decisions on evidence: giving a file, revising it, reviewing it, and hands that it goes through."""

from __future__ import annotations

from pathlib import Path

from iso27001.errors import RecordError
from iso27001.evidence import ControlLink, Evidence, EvidenceKind, link
from iso27001.ledger import Fact
from iso27001.register import By, get, new, next_id, utc, whole
from iso27001.register.holdings import DECIDED, Holding, handle, review
from iso27001.verifier.custody import CustodyAction, EvidenceState
from soc.action import Argument, Kind, Role
from soc.app.tracking import Act, Tracking, Values

_KINDS = (EvidenceKind.DOCUMENT, EvidenceKind.PHOTOGRAPH)

_GIVEN = (
    Argument("file", "The file; a copy is kept under its SHA-256.", Kind.FILE, required=True),
    Argument("title", "What it is.", required=True),
    Argument("kind", "Of what kind.", required=True, choices=_KINDS),
    Argument("control", "A control or clause that it is evidence of.", required=True, many=True),
    Argument("why", "In what way it is.", required=True),
    Argument("owner", "Who answers for it.", required=True),
    Argument("effective-from", "From when on it speaks.", Kind.MOMENT, required=True),
    Argument("effective-to", "Until when it speaks (default: until it expires).", Kind.MOMENT),
    Argument("expires", "From when on it proves nothing any more.", Kind.MOMENT, required=True),
)


def _add(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    known = tracking.register.evidence
    name = record_id or next_id("E", known)
    new(name, known)
    return _linked(tracking, name, values, by)


def _revise(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    before = get(tracking.register.evidence, record_id, "evidence")
    if not before.evidence.file_name:
        raise RecordError(f"{record_id} was collected by {before.evidence.collector}: nobody revises it")
    return _linked(tracking, record_id, values, by)


def _linked(tracking: Tracking, name: str, values: Values, by: By) -> Fact:
    whole(name, title=values["title"], owner=values["owner"], why=values["why"])
    since, expires = utc(values["effective-from"], name, "the start"), utc(values["expires"], name, "the end")
    until = utc(values["effective-to"], name, "the end") if values["effective-to"] else expires
    path: Path = values["file"]
    evidence = Evidence(
        id=name,
        title=values["title"],
        kind=EvidenceKind(values["kind"]),
        controls=tuple(ControlLink(control_id, values["why"]) for control_id in values["control"]),
        effective_from=since,
        effective_to=until,
        collected_at=by.time,
        collector=by.actor,
        result_hash="",
        owner=values["owner"],
        expires=expires,
        file_name=path.name,
    )
    link(evidence, tracking.catalogue)  # what is wrong with it is told before a file is kept
    kept = tracking.site.vault.keep(path)
    whole_evidence = Evidence(
        **{name: getattr(evidence, name) for name in Evidence.__slots__}
        | {"result_hash": kept.sha256, "file_name": kept.name, "size_bytes": kept.size_bytes}
    )
    return link(whole_evidence, tracking.catalogue, actor=by.actor)


def _review(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    holding = get(tracking.register.evidence, record_id, "evidence")
    if values["state"] == EvidenceState.APPROVED and (fault := file_fault(tracking, holding)):
        raise RecordError(f"{record_id} cannot be approved: {fault}")
    return review(holding, EvidenceState(values["state"]), values["note"], by)


def _handle(tracking: Tracking, record_id: str, values: Values, by: By) -> Fact:
    holding = get(tracking.register.evidence, record_id, "evidence")
    if fault := file_fault(tracking, holding):
        raise RecordError(f"{record_id}: {fault}")
    action, digest = CustodyAction(values["action"]), holding.evidence.result_hash
    return handle(holding, action, values["holder"], values["place"], values["why"], digest, by)


def file_fault(tracking: Tracking, holding: Holding) -> str:
    """What is wrong with the kept file of evidence, in words; empty where nothing is, or there is no file."""
    return tracking.site.vault.fault(holding.evidence.result_hash) if holding.evidence.file_name else ""


EVIDENCE = (
    Act("add", "Give a document or photograph as evidence.", Role.ANALYST, _add, _GIVEN, new=True),
    Act(
        "revise",
        "Give a new revision; the old one stays, and the new one is reviewed anew.",
        Role.ANALYST,
        _revise,
        _GIVEN,
    ),
    Act(
        "review",
        "Decide on the newest revision; it is approved by somebody else than who gave it.",
        Role.ANALYST,
        _review,
        (
            Argument("state", "What the review comes to.", required=True, choices=tuple(sorted(DECIDED))),
            Argument("note", "What was seen, or why."),
        ),
    ),
    Act(
        "handle",
        "Record that an item went through hands; its hash is checked first.",
        Role.ANALYST,
        _handle,
        (
            Argument(
                "action",
                "What was done.",
                required=True,
                choices=tuple(action for action in CustodyAction if action is not CustodyAction.COLLECT),
            ),
            Argument("holder", "Who has it now.", required=True),
            Argument("place", "Where.", required=True),
            Argument("why", "Why.", required=True),
        ),
    ),
)
