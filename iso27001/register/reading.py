"""A ledger in, every record of the tracker out: evidence, statements, audits, findings, exceptions, activities and risks as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from iso27001.ledger import Entry
from iso27001.ledger.store import Ledger
from iso27001.register import activities, audits, exceptions, findings, holdings, risks, statements
from iso27001.register.activities import Activity
from iso27001.register.audits import Audit, Concluded
from iso27001.register.exceptions import ControlException
from iso27001.register.findings import Finding
from iso27001.register.holdings import Holding
from iso27001.register.risks import Risk
from iso27001.register.statements import Statement, standing
from iso27001.verifier import custody

KINDS = (
    *custody.KINDS,
    *statements.KINDS,
    *audits.KINDS,
    *findings.KINDS,
    *exceptions.KINDS,
    *activities.KINDS,
    *risks.KINDS,
)


@dataclass(frozen=True, slots=True)
class Register:
    """All records by id, each in the order in which it was begun."""

    evidence: Mapping[str, Holding] = field(default_factory=dict)
    statements: Mapping[str, Statement] = field(default_factory=dict)
    audits: Mapping[str, Audit] = field(default_factory=dict)
    findings: Mapping[str, Finding] = field(default_factory=dict)
    exceptions: Mapping[str, ControlException] = field(default_factory=dict)
    activities: Mapping[str, Activity] = field(default_factory=dict)
    risks: Mapping[str, Risk] = field(default_factory=dict)

    def statement(self, at: datetime) -> Statement | None:
        """The statement of applicability that stands at a moment."""
        return standing(self.statements, at)

    def concluded(self, since: datetime, until: datetime) -> dict[str, Concluded]:
        """The last conclusion of each control and clause, of audits whose period shares time with this one."""
        found: dict[str, Concluded] = {}
        for audit in self.audits.values():
            if audit.plan.since < until and since < audit.plan.until:
                for criterion, said in audit.conclusions.items():
                    if criterion not in found or found[criterion].time <= said.time:
                        found[criterion] = said
        return found


def read_register(ledger: Ledger) -> Register:
    """The records of a ledger, in one pass. Raises: RecordError, EvidenceError, LedgerError."""
    by_noun: dict[str, list[Entry]] = {}
    for entry in ledger.entries(kinds=KINDS):
        by_noun.setdefault(entry.fact.kind.partition(".")[0], []).append(entry)
    return Register(
        evidence=holdings.holdings(by_noun.get("evidence", ())),
        statements=statements.statements(by_noun.get("soa", ())),
        audits=audits.audits(by_noun.get("audit", ())),
        findings=findings.findings(by_noun.get("finding", ())),
        exceptions=exceptions.exceptions(by_noun.get("exception", ())),
        activities=activities.activities(by_noun.get("activity", ())),
        risks=risks.risks(by_noun.get("risk", ())),
    )
