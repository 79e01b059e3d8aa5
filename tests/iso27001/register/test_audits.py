"""An audit from its plan to its lock: only its auditors write, and nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.evidence import link
from iso27001.ledger import Fact
from iso27001.register import audits as door
from iso27001.register import findings as findings_door
from iso27001.register.audits import Audit, AuditKind, AuditPlan, audits
from iso27001.register.conclusion import Conclusion
from iso27001.register.findings import Finding, FindingText, Source, findings, open_finding
from iso27001.register.holdings import Holding, holdings, review
from iso27001.register.populations import population
from iso27001.verifier import custody
from iso27001.verifier.custody import EvidenceState
from tests.iso27001.register.kept import DAY, NOW, Kept, by
from tests.iso27001.register.test_holdings import POLICY

PLAN = AuditPlan(
    "Đánh giá nội bộ quý 4",
    AuditKind.INTERNAL,
    "Trung tâm dữ liệu tỉnh",
    NOW - 90 * DAY,
    NOW,
    ("binh", "binh", " "),
    ("A.12.4.1", "A.8.16", "9.2.1"),
    "interviews, records, samples",
)


class Desk:
    """What an auditor has before them."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    def audit(self, name: str = "AU-1") -> Audit:
        return audits(self.kept.entries(door.KINDS))[name]

    def findings(self) -> Mapping[str, Finding]:
        return findings(self.kept.entries(findings_door.KINDS))

    def holdings(self) -> Mapping[str, Holding]:
        return holdings(self.kept.entries(custody.KINDS))

    def conclude(self, *criteria: str, conclusion: Conclusion = Conclusion.CONFORM, evidence: str = "") -> Fact:
        return door.conclude(
            self.audit(),
            criteria,
            conclusion,
            "seen in the records",
            evidence=[evidence] if evidence else (),
            holdings=self.holdings(),
            findings=self.findings(),
            catalogue=load(),
            by=by("binh", 5),
        )

    def find(self, name: str, control: str, ref: str = "AU-1", days: float = 4) -> None:
        text = FindingText("x", "y", Conclusion.MINOR, (control,), Source.AUDIT, ref, "lan", NOW + 99 * DAY)
        self.kept.write(open_finding(name, text, self.findings(), load(), by("binh", days)))


@pytest.fixture
def desk(kept: Kept) -> Desk:
    kept.write(door.plan("AU-1", PLAN, {}, load(), by("lead", 1)))
    return Desk(kept)


def test_a_plan_names_criteria_of_2022_and_each_auditor_once(desk: Desk) -> None:
    assert desk.audit().plan == replace(PLAN, auditors=("binh",), criteria=("A.8.15", "A.8.16", "9.2.1"))


def test_without_criteria_everything_is_audited(kept: Kept) -> None:
    kept.write(door.plan("AU-1", replace(PLAN, criteria=()), {}, load(), by("lead", 1)))
    assert len(Desk(kept).audit().plan.criteria) == 93 + 30


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"until": PLAN.since}, "the period ends .* before it begins"),
        ({"auditors": (" ",)}, "an audit names its auditors"),
        ({"criteria": ("A.8.99",)}, 'AU-2: unknown control "A.8.99"'),
        ({"scope": ""}, "scope must be said"),
        ({}, r"AU-2: its period overlaps that of AU-1 \(2026-08-04 to 2026-11-02\), of the same kind and scope"),
    ],
)
def test_what_is_no_plan_is_refused_by_name(desk: Desk, change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        door.plan("AU-2", replace(PLAN, **change), {"AU-1": desk.audit()}, load(), by("lead", 1))  # type: ignore[arg-type]


def test_another_kind_or_scope_or_period_may_be_audited_beside(desk: Desk) -> None:
    others = ({"kind": AuditKind.EXTERNAL}, {"scope": "portal"}, {"since": NOW, "until": NOW + DAY})
    for change in others:
        assert door.plan("AU-2", replace(PLAN, **change), {"AU-1": desk.audit()}, load(), by("lead", 1))  # type: ignore[arg-type]


def test_a_population_is_handed_out_and_sampled_again_the_same(desk: Desk) -> None:
    ledger = desk.kept.ledger
    ledger.append(Fact(f"a{n}", "alert.opened", NOW - n * DAY, "engine", {}) for n in range(1, 60))
    counted, seqs = population(ledger, "alerts", ["alert.opened"], PLAN.since, PLAN.until)
    desk.kept.write(door.count(desk.audit(), counted, by("binh", 2)))
    desk.kept.write(door.sample(desk.audit(), "alerts", seqs, 25, "17 04 39", by("binh", 2)))
    audit = desk.audit()
    assert audit.populations == {"alerts": counted}
    again, seqs = population(ledger, "alerts", ["alert.opened"], counted.since, counted.until, counted.size)
    assert again == counted
    body = door.sample(audit, "alerts", seqs, 25, "17 04 39", by("binh", 3)).body
    assert tuple(body["seqs"]) == audit.samples[0].seqs
    with pytest.raises(RecordError, match="was counted as 59, not 58"):
        door.sample(audit, "alerts", seqs[1:], 25, "s", by("binh", 3))
    with pytest.raises(RecordError, match="there is no population of AU-1 named alert; did you mean"):
        door.sample(audit, "alert", seqs, 25, "s", by("binh", 3))
    with pytest.raises(RecordError, match="there is a alerts already"):
        door.count(audit, counted, by("binh", 3))
    with pytest.raises(RecordError, match="reaches beyond the audited period"):
        door.count(audit, replace(counted, name="more", until=PLAN.until + DAY), by("binh", 3))


def test_only_the_auditors_of_the_plan_write(desk: Desk) -> None:
    with pytest.raises(RecordError, match=r"lan is no auditor of AU-1 \(binh\)"):
        door.lock(desk.audit(), "fine", {}, 0, b"", by("lan", 2))


def test_a_nonconformity_stands_on_a_finding_and_nothing_conforms_beside_it(desk: Desk) -> None:
    with pytest.raises(RecordError, match=r"a minor NC of A\.8\.15 stands on a finding; open it first"):
        desk.conclude("A.8.15", conclusion=Conclusion.MINOR)
    desk.find("F-1", "A.8.15")
    with pytest.raises(RecordError, match=r"there is a finding of nonconformity of A\.8\.15"):
        desk.conclude("A.8.15")
    with pytest.raises(RecordError, match="a major NC of"):
        desk.conclude("A.8.15", conclusion=Conclusion.MAJOR)
    desk.kept.write(desk.conclude("A.12.4.1", conclusion=Conclusion.MINOR))
    assert desk.audit().conclusions["A.8.15"].conclusion is Conclusion.MINOR
    assert desk.audit().open_criteria == ("A.8.16", "9.2.1")


def test_evidence_that_is_cited_is_known_speaks_for_the_period_and_was_not_rejected(desk: Desk) -> None:
    early = replace(POLICY, id="E-2", effective_from=NOW - 300 * DAY, effective_to=NOW - 91 * DAY)
    desk.kept.ledger.append([link(POLICY, load(), actor="lan"), link(early, load(), actor="lan")])
    with pytest.raises(RecordError, match=r'there is no evidence E-3; did you mean "E-[12]"'):
        desk.conclude("A.8.15", evidence="E-3")
    with pytest.raises(
        RecordError, match=r"AU-1: E-2 speaks for 2026-01-06 to 2026-08-03, outside of the audited period"
    ):
        desk.conclude("A.8.15", evidence="E-2")
    desk.kept.write(desk.conclude("A.8.15", evidence="E-1"))
    assert desk.audit().conclusions["A.8.15"].evidence == ("E-1",)
    desk.kept.write(review(desk.holdings()["E-1"], EvidenceState.REJECTED, "not signed", by("minh")))
    with pytest.raises(RecordError, match="E-1 was rejected in its review"):
        desk.conclude("A.8.15", evidence="E-1")


def test_what_is_no_criterion_is_refused(desk: Desk) -> None:
    with pytest.raises(RecordError, match=r"A\.8\.17 is not among its criteria"):
        desk.conclude("A.8.15", "A.8.17")
    with pytest.raises(RecordError, match="nothing is not among its criteria"):
        desk.conclude()


def test_an_audit_is_locked_when_nothing_is_open_and_then_nobody_writes(desk: Desk) -> None:
    kept = desk.kept
    kept.write(door.plan("AU-0", replace(PLAN, since=NOW - 400 * DAY, until=PLAN.since), {}, load(), by("lead", -120)))
    desk.find("F-0", "A.8.16", "AU-0", days=-100)
    kept.write(desk.conclude("A.8.15", "9.2.1"))
    with pytest.raises(RecordError) as caught:
        door.lock(desk.audit(), "fine", desk.findings(), 0, b"", by("binh", 6))
    assert (
        str(caught.value)
        == "AU-1 is not over: nothing is concluded of A.8.16; the earlier findings F-0 are not followed up"
    )
    kept.write(desk.conclude("A.8.16"))
    kept.write(
        door.follow_up(desk.audit(), desk.findings()["F-0"], "action 1 is done, action 2 is late", by("binh", 6))
    )
    ledger = kept.ledger
    kept.write(door.lock(desk.audit(), "one control late", desk.findings(), ledger.size, ledger.root, by("binh", 7)))
    audit = desk.audit()
    assert audit.lock is not None
    assert (audit.lock.summary, audit.followed["F-0"].note) == (
        "one control late",
        "action 1 is done, action 2 is late",
    )
    with pytest.raises(RecordError, match="AU-1 was locked on 2026-11-09 by binh: nothing can be added"):
        desk.conclude("A.8.15")


def test_its_own_findings_are_no_follow_up(desk: Desk) -> None:
    desk.find("F-1", "A.8.15")
    assert desk.audit().to_follow(desk.findings()) == ()
    with pytest.raises(RecordError, match="F-1 is a finding of AU-1 itself"):
        door.follow_up(desk.audit(), desk.findings()["F-1"], "x", by("binh", 5))
