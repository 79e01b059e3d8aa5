"""What the tracker counts of itself."""

from __future__ import annotations

from dataclasses import replace

from iso27001.catalogue import load
from iso27001.evidence import ControlLink, link
from iso27001.measures import Number
from iso27001.register import activities, audits, findings
from iso27001.register.activities import ActivityKind, ActivityText
from iso27001.register.audits import AuditPlan
from iso27001.register.conclusion import Conclusion
from iso27001.register.counting import register_counts, status_counts
from iso27001.register.holdings import review
from iso27001.register.reading import Register, read_register
from iso27001.status import status
from iso27001.verifier.custody import EvidenceState
from tests.iso27001.material import DAY, SINCE, UNTIL, daily
from tests.iso27001.register.kept import NOW, Kept, by
from tests.iso27001.register.test_audits import PLAN
from tests.iso27001.register.test_findings import TEXT as FINDING
from tests.iso27001.register.test_holdings import POLICY


def numbers(register: Register, days: float = 0) -> dict[str, dict[str, Number | None]]:
    found: dict[str, dict[str, Number | None]] = {}
    for count in register_counts(register, NOW + days * DAY):
        found.setdefault(count.measure_id, {}).update(count.numbers)
    return found


def hold(kept: Kept, name: str, kind: ActivityKind, days: float, expected: int = 4, reached: int = 4) -> None:
    text = ActivityText(kind, "x", NOW + days * DAY, "lan", expected, reached, "done")
    kept.write(activities.record(name, text, {}, load(), by("lan")))


def test_an_empty_register_counts_only_what_is_overdue() -> None:
    assert numbers(Register()) == {
        "AUD-01": {"months_since_audit": None, "months_since_review": None, "findings_overdue": 0},
        "INC-04": {"actions_due": 0, "actions_on_time": 0},
    }


def test_ages_and_what_was_reached_are_of_the_last_of_each_kind(kept: Kept) -> None:
    hold(kept, "T-1", ActivityKind.EXERCISE, -400)
    hold(kept, "T-2", ActivityKind.EXERCISE, -10)
    hold(kept, "T-3", ActivityKind.CONTACT_CHECK, -20, 14, 13)
    hold(kept, "T-4", ActivityKind.ACCESS_REVIEW, -181, 9, 9)
    hold(kept, "T-5", ActivityKind.LOG_REVIEW, -30)
    hold(kept, "T-6", ActivityKind.ROSTER, -1, 168, 160)
    hold(kept, "T-7", ActivityKind.MANAGEMENT_REVIEW, -73)
    hold(kept, "T-8", ActivityKind.CHANNEL_TEST, -3)
    hold(kept, "T-9", ActivityKind.RESTORE_TEST, -5)
    hold(kept, "T-10", ActivityKind.RULE_REVIEW, -5, 120, 118)
    hold(kept, "T-11", ActivityKind.ADVISORY_REVIEW, -30, 6, 5)
    found = numbers(read_register(kept.ledger))
    assert found["TI-01"] == {"advisories_decided": 5, "advisories": 6}
    assert found["INC-06"] == {
        "exercise_age_d": 10,
        "roster_gaps_h": 8,
        "contacts_verified_12m": 13,
        "contacts": 14,
    }
    assert found["IAM-01"] == {"privileged_reviewed_180d": 0, "privileged": 9}, "too long ago to count"
    assert found["LOG-06"] == {"reviews_done": 1, "reviews_due": 1}
    assert found["AUD-01"]["months_since_review"] == 2.4
    assert (found["REP-01"], found["BAK-01"]) == ({"channel_test_age_d": 3}, {"restore_test_age_d": 5})
    assert found["MON-04"] == {"rules_reviewed_12m": 118, "rules": 120}
    assert numbers(read_register(kept.ledger), 151)["LOG-06"] == {"reviews_done": 0, "reviews_due": 1}


def test_audits_findings_and_corrective_actions(kept: Kept) -> None:
    plan: AuditPlan = replace(PLAN, criteria=("9.2.1",))
    kept.write(audits.plan("AU-1", plan, {}, load(), by("lead", 1)))
    kept.write(findings.open_finding("F-1", FINDING, {}, load(), by("binh", 1)))
    kept.write(findings.analyse(read_register(kept.ledger).findings["F-1"], "cause", by("lan", 1)))
    kept.write(findings.plan(read_register(kept.ledger).findings["F-1"], "a", "lan", NOW + 5 * DAY, by("lan", 1)))
    kept.write(findings.plan(read_register(kept.ledger).findings["F-1"], "b", "lan", NOW + 6 * DAY, by("lan", 1)))
    kept.write(findings.done(read_register(kept.ledger).findings["F-1"], 1, "x", by("lan", 4)))
    register = read_register(kept.ledger)
    assert numbers(register, 9)["INC-04"] == {"actions_due": 2, "actions_on_time": 1}
    assert numbers(register, 91)["AUD-01"]["findings_overdue"] == 1
    assert numbers(register, 9)["AUD-01"]["months_since_audit"] is None, "it is not locked"
    said = audits.conclude(
        register.audits["AU-1"],
        ["9.2.1"],
        Conclusion.CONFORM,
        "seen",
        holdings={},
        findings={},
        catalogue=load(),
        by=by("binh", 2),
    )
    kept.write(said)
    kept.write(audits.lock(read_register(kept.ledger).audits["AU-1"], "fine", {}, 1, b"", by("binh", 3)))
    assert numbers(read_register(kept.ledger), 3 + 365 / 12)["AUD-01"]["months_since_audit"] == 1


def test_a_control_is_evaluated_by_fresh_measures_approved_evidence_or_a_conclusion(kept: Kept) -> None:
    def evaluated() -> int | float | None:
        found = status(kept.ledger, load(), since=SINCE, until=UNTIL)
        [count] = status_counts(found)
        assert count.numbers["controls_applicable"] == 93
        return count.numbers["controls_evaluated"]

    assert evaluated() == 0
    kept.ledger.append(daily("CLK-01", {"sources_within_5s": 1, "sources": 41, "worst_skew_s": 0}))
    assert evaluated() == 1, "A.8.17 is not met, and evaluated"
    evidence = replace(POLICY, controls=(ControlLink("A.7.1", ""),), effective_to=UNTIL, expires=UNTIL + DAY)
    kept.ledger.append([link(evidence, load(), actor="lan")])
    assert evaluated() == 1, "a draft"
    kept.write(review(read_register(kept.ledger).evidence["E-1"], EvidenceState.APPROVED, "", by("minh", 1)))
    assert evaluated() == 2
    hold(kept, "T-1", ActivityKind.TRAINING, -1)
    assert evaluated() == 3, "A.6.3"
    hold(kept, "T-2", ActivityKind.EXERCISE, -400)
    assert evaluated() == 3, "too long ago"
