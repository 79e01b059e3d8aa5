"""Audits: planned, with what was sampled, what was concluded of each criterion, what became of earlier findings, and locked at the end.

Only the auditors that the plan names write into an audit, and only conclusions and what leads to them; once it is locked nobody does. A
conclusion of nonconformity stands on a finding, and evidence that it cites speaks for the audited period.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from iso27001.catalogue import Catalogue
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, begun, decision, folded, get, new, read, resolved, utc, whole
from iso27001.register.conclusion import Conclusion
from iso27001.register.findings import Finding, Source
from iso27001.register.holdings import Holding
from iso27001.register.populations import Population, draw
from iso27001.verifier.custody import EvidenceState

PLANNED, COUNTED, SAMPLED = "audit.planned", "audit.population", "audit.sampled"
CONCLUDED, FOLLOWED, LOCKED = "audit.concluded", "audit.followed-up", "audit.locked"
KINDS = (PLANNED, COUNTED, SAMPLED, CONCLUDED, FOLLOWED, LOCKED)
AUDITORS_KINDS = frozenset(KINDS) - {PLANNED}
"""What auditors write; the plan is the organisation's audit programme (clause 9.2.2)."""


class AuditKind(StrEnum):
    """Who audits, and what for."""

    INTERNAL = "internal"
    EXTERNAL = "external"
    FOLLOW_UP = "follow-up"


@dataclass(frozen=True, slots=True)
class AuditPlan:
    """What is audited: `criteria` are ids of controls and clauses, the period is from `since` to `until` (exclusive)."""

    title: str
    kind: AuditKind
    scope: str
    since: datetime
    until: datetime
    auditors: tuple[str, ...]
    criteria: tuple[str, ...] = ()
    method: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One sample. `seqs`: the places of its members in the ledger."""

    population: str
    seed: str
    seqs: tuple[int, ...]
    time: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Concluded:
    """What was concluded of one criterion, why, and on which evidence (ids)."""

    criterion: str
    conclusion: Conclusion
    reason: str
    evidence: tuple[str, ...]
    time: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What an audit saw of an earlier finding."""

    finding_id: str
    note: str
    time: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Lock:
    """The end of an audit: its summary, and the ledger that it stands on (entries and root, hex)."""

    summary: str
    size: int
    root: str
    time: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit as it stands. `conclusions`: the last of each criterion."""

    id: str
    plan: AuditPlan
    planned: datetime
    planned_by: str
    populations: Mapping[str, Population] = field(default_factory=dict)
    samples: tuple[Drawn, ...] = ()
    conclusions: Mapping[str, Concluded] = field(default_factory=dict)
    followed: Mapping[str, FollowUp] = field(default_factory=dict)
    lock: Lock | None = None
    version: int = 0

    @property
    def open_criteria(self) -> tuple[str, ...]:
        """Criteria that nothing was concluded of yet."""
        return tuple(each for each in self.plan.criteria if each not in self.conclusions)

    def to_follow(self, findings: Mapping[str, Finding]) -> tuple[str, ...]:
        """Ids of other audits' findings that were open when this one was planned, and that it has not followed up."""
        return tuple(
            found.id
            for found in findings.values()
            if found.text.source is Source.AUDIT
            and found.text.ref != self.id
            and found.opened < self.planned
            and (found.closed is None or found.closed > self.planned)
            and found.id not in self.followed
        )


def plan(audit_id: str, text: AuditPlan, known: Mapping[str, Audit], catalogue: Catalogue, by: By) -> Fact:
    """The fact that an audit is planned. No criteria: all controls and auditable clauses.

    Raises: RecordError for a period that ends before it begins or overlaps that of another audit of the same kind and scope, no auditor, an
    unknown criterion.
    """
    new(audit_id, known)
    whole(audit_id, title=text.title, scope=text.scope)
    since, until = utc(text.since, audit_id, "the start"), utc(text.until, audit_id, "the end")
    if until <= since:
        raise RecordError(f"{audit_id}: the period ends ({until:%Y-%m-%d}) before it begins ({since:%Y-%m-%d})")
    auditors = tuple(dict.fromkeys(name.strip() for name in text.auditors if name.strip()))
    if not auditors:
        raise RecordError(f"{audit_id}: an audit names its auditors")
    everything = (*catalogue.controls, *(clause.id for clause in catalogue.clauses.values() if clause.auditable))
    criteria = resolved(text.criteria, catalogue, audit_id) or everything
    for other in known.values():
        same = (other.plan.kind, other.plan.scope) == (text.kind, text.scope)
        if same and since < other.plan.until and other.plan.since < until:
            spans = f"{other.plan.since:%Y-%m-%d} to {other.plan.until:%Y-%m-%d}"
            raise RecordError(
                f"{audit_id}: its period overlaps that of {other.id} ({spans}), of the same kind and scope"
            )
    planned = replace(text, since=since, until=until, auditors=auditors, criteria=criteria)
    return decision(PLANNED, audit_id, 0, by, {"audit": planned})


def count(audit: Audit, population: Population, by: By) -> Fact:
    """The fact that a population was counted and handed out. Raises: RecordError for one beyond the audited period, or named already."""
    _may_write(audit, by)
    new(population.name, audit.populations)
    if population.since < audit.plan.since or population.until > audit.plan.until:
        raise RecordError(f"{audit.id}: the population {population.name} reaches beyond the audited period")
    return decision(COUNTED, audit.id, audit.version, by, {"population": population})


def sample(audit: Audit, name: str, seqs: Sequence[int], size: int, seed: str, by: By) -> Fact:
    """The fact that a sample was drawn. `seqs`: all members, as the population was counted. Raises: RecordError."""
    _may_write(audit, by)
    counted = get(audit.populations, name, f"population of {audit.id} named")
    if len(seqs) != counted.count:
        raise RecordError(f"{audit.id}: {name} was counted as {counted.count}, not {len(seqs)}")
    body = {"population": name, "seed": seed, "seqs": draw(counted.root, seqs, size, seed)}
    return decision(SAMPLED, audit.id, audit.version, by, body)


def conclude(
    audit: Audit,
    criteria: Sequence[str],
    conclusion: Conclusion,
    reason: str,
    *,
    evidence: Sequence[str] = (),
    holdings: Mapping[str, Holding],
    findings: Mapping[str, Finding],
    catalogue: Catalogue,
    by: By,
) -> Fact:
    """The fact that something was concluded of criteria; said again, it replaces what was said.

    Raises: RecordError for what is no criterion of the audit, evidence that is unknown, rejected or speaks for another time, a
    nonconformity without a finding, and for conformity where there is a finding of nonconformity.
    """
    _may_write(audit, by)
    whole(audit.id, reason=reason)
    named = resolved(criteria, catalogue, audit.id)
    outside = [each for each in named if each not in audit.plan.criteria]
    if outside or not named:
        raise RecordError(f"{audit.id}: {', '.join(outside) or 'nothing'} is not among its criteria")
    for name in evidence:
        _cited(audit, get(holdings, name, "evidence"), by)
    for criterion in named:
        graded = {
            found.text.conclusion
            for found in findings.values()
            if found.text.source is Source.AUDIT and found.text.ref == audit.id and criterion in found.text.controls
        }
        if conclusion.nonconformity and conclusion not in graded:
            raise RecordError(f"{audit.id}: a {conclusion} of {criterion} stands on a finding; open it first")
        if conclusion is Conclusion.CONFORM and any(grade.nonconformity for grade in graded):
            raise RecordError(f"{audit.id}: there is a finding of nonconformity of {criterion}")
    body = {"criteria": named, "conclusion": conclusion, "reason": reason, "evidence": list(evidence)}
    return decision(CONCLUDED, audit.id, audit.version, by, body)


def follow_up(audit: Audit, finding: Finding, note: str, by: By) -> Fact:
    """The fact that an earlier finding was looked at. Raises: RecordError for one of this audit, or without a note."""
    _may_write(audit, by)
    whole(audit.id, note=note)
    if finding.text.ref == audit.id:
        raise RecordError(f"{finding.id} is a finding of {audit.id} itself")
    return decision(FOLLOWED, audit.id, audit.version, by, {"finding": finding.id, "note": note})


def lock(audit: Audit, summary: str, findings: Mapping[str, Finding], size: int, root: bytes, by: By) -> Fact:
    """The fact that an audit is over. `size`, `root`: of the ledger that it stands on.

    Raises: RecordError with what is missing: conclusions, earlier findings that nobody looked at.
    """
    _may_write(audit, by)
    whole(audit.id, summary=summary)
    missing = []
    if audit.open_criteria:
        missing.append(f"nothing is concluded of {_some(audit.open_criteria)}")
    if behind := audit.to_follow(findings):
        missing.append(f"the earlier findings {_some(behind)} are not followed up")
    if missing:
        raise RecordError(f"{audit.id} is not over: {'; '.join(missing)}")
    return decision(LOCKED, audit.id, audit.version, by, {"summary": summary, "size": size, "root": root.hex()})


def audits(entries: Iterable[Entry]) -> dict[str, Audit]:
    """The audits of these entries (of KINDS) by id. Raises: RecordError."""
    return folded(entries, _fold)


def _may_write(audit: Audit, by: By) -> None:
    if audit.lock is not None:
        raise RecordError(
            f"{audit.id} was locked on {audit.lock.time:%Y-%m-%d} by {audit.lock.actor}: nothing can be added"
        )
    if by.actor not in audit.plan.auditors:
        raise RecordError(f"{by.actor} is no auditor of {audit.id} ({', '.join(audit.plan.auditors)})")


def _cited(audit: Audit, holding: Holding, by: By) -> None:
    evidence = holding.evidence
    if not evidence.within(audit.plan.since, audit.plan.until):
        speaks = f"{evidence.effective_from:%Y-%m-%d} to {evidence.effective_to:%Y-%m-%d}"
        raise RecordError(
            f"{audit.id}: {holding.id} speaks for {speaks}, outside of the audited period"
            f" ({audit.plan.since:%Y-%m-%d} to {audit.plan.until:%Y-%m-%d})"
        )
    if holding.state(by.time) is EvidenceState.REJECTED:
        raise RecordError(f"{audit.id}: {holding.id} was rejected in its review")


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _fold(audit: Audit | None, entry: Entry) -> Audit:
    fact, body = entry.fact, entry.fact.body
    if fact.kind == PLANNED:
        return Audit(body["id"], read(AuditPlan, body["audit"]), fact.time, fact.actor)
    audit = begun(audit)
    match fact.kind:
        case "audit.population":
            counted = read(Population, body["population"])
            return replace(audit, populations={**audit.populations, counted.name: counted})
        case "audit.sampled":
            drawn = Drawn(body["population"], body["seed"], tuple(body["seqs"]), fact.time, fact.actor)
            return replace(audit, samples=(*audit.samples, drawn))
        case "audit.concluded":
            conclusion, evidence = Conclusion(body["conclusion"]), tuple(body["evidence"])
            said = {
                each: Concluded(each, conclusion, body["reason"], evidence, fact.time, fact.actor)
                for each in body["criteria"]
            }
            return replace(audit, conclusions={**audit.conclusions, **said})
        case "audit.followed-up":
            seen = FollowUp(body["finding"], body["note"], fact.time, fact.actor)
            return replace(audit, followed={**audit.followed, seen.finding_id: seen})
    return replace(audit, lock=Lock(body["summary"], body["size"], body["root"], fact.time, fact.actor))
