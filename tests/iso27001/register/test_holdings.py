"""Evidence that people give: revisions, reviews by somebody else, hands that it went through, and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from iso27001.catalogue import load
from iso27001.errors import EvidenceError, RecordError
from iso27001.evidence import ControlLink, Evidence, EvidenceKind, link
from iso27001.register.holdings import Holding, handle, holdings, review
from iso27001.verifier.custody import KINDS, CustodyAction, CustodyEntry, EvidenceState, custody_fault
from tests.iso27001.material import brute_force
from tests.iso27001.register.kept import DAY, NOW, Kept, by

FIRST, SECOND = sha256(b"first").hexdigest(), sha256(b"second").hexdigest()
POLICY = Evidence(
    id="E-1",
    title="Chính sách ghi nhật ký, bản 3",
    kind=EvidenceKind.DOCUMENT,
    controls=(ControlLink("A.8.15", "the policy on logging"),),
    effective_from=NOW - 300 * DAY,
    effective_to=NOW + 60 * DAY,
    collected_at=NOW,
    collector="lan",
    result_hash=FIRST,
    owner="Head of operations",
    expires=NOW + 60 * DAY,
    file_name="chính sách.pdf",
    size_bytes=5,
)


def give(kept: Kept, evidence: Evidence = POLICY, actor: str = "lan") -> None:
    kept.ledger.append([link(evidence, load(), actor=actor)])


def now(kept: Kept, name: str = "E-1") -> Holding:
    return holdings(kept.entries(KINDS))[name]


def test_what_people_give_is_a_draft_until_somebody_else_approves_it(kept: Kept) -> None:
    give(kept)
    assert now(kept).evidence == POLICY
    assert now(kept).state(NOW) is EvidenceState.DRAFT
    kept.write(review(now(kept), EvidenceState.IN_REVIEW, "", by("lan")))
    with pytest.raises(RecordError, match="lan gave E-1: it is approved by somebody else"):
        review(now(kept), EvidenceState.APPROVED, "", by("lan", 1))
    kept.write(review(now(kept), EvidenceState.APPROVED, "read", by("minh", 1)))
    assert now(kept).state(NOW + 59 * DAY) is EvidenceState.APPROVED
    assert now(kept).state(NOW + 60 * DAY) is EvidenceState.EXPIRED
    with pytest.raises(RecordError, match="E-1 has expired; revise it"):
        review(now(kept), EvidenceState.APPROVED, "", by("minh", 60))


def test_a_revision_keeps_the_old_hash_and_is_reviewed_anew(kept: Kept) -> None:
    give(kept)
    kept.write(review(now(kept), EvidenceState.APPROVED, "read", by("minh", 1)))
    give(kept, replace(POLICY, result_hash=SECOND, collected_at=NOW + 2 * DAY))
    found = now(kept)
    assert [revision.result_hash for revision in found.revisions] == [FIRST, SECOND]
    assert (found.state(NOW + 2 * DAY), len(found.reviews), found.version) == (EvidenceState.DRAFT, 1, 3)


def test_what_machines_collect_stands_as_collected(kept: Kept) -> None:
    give(kept, brute_force(), "engine")
    name = brute_force().id
    assert now(kept, name).state(NOW + 999 * DAY) is EvidenceState.COLLECTED
    kept.write(review(now(kept, name), EvidenceState.REJECTED, "a test of ours", by("minh")))
    assert now(kept, name).state(NOW) is EvidenceState.REJECTED
    with pytest.raises(RecordError, match="has no file that could be in anybody's hands"):
        handle(now(kept, name), CustodyAction.COPY, "lan", "office", "audit", FIRST, by("lan"))


def test_hands_that_it_went_through_are_an_unbroken_chain(kept: Kept) -> None:
    give(kept)
    kept.write(handle(now(kept), CustodyAction.TRANSFER, "hoa", "Tân An, room 3", "audit", FIRST, by("lan", 1)))
    kept.write(handle(now(kept), CustodyAction.RETURN, "lan", "Tân An, room 1", "audit is over", FIRST, by("hoa", 2)))
    chain = now(kept).custody
    assert [(step.action, step.giver, step.holder) for step in chain] == [
        ("collect", "", "lan"),
        ("transfer", "lan", "hoa"),
        ("return", "hoa", "lan"),
    ]
    assert now(kept).custody_fault == ""
    with pytest.raises(RecordError, match=r"step 4 \(copy\) found another hash than step 3"):
        handle(now(kept), CustodyAction.COPY, "lan", "office", "audit", SECOND, by("lan", 3))
    kept.write(handle(now(kept), CustodyAction.DESTROY, "lan", "shredder", "five years are over", FIRST, by("lan", 4)))
    with pytest.raises(RecordError, match=r"step 5 \(examine\) follows the destruction"):
        handle(now(kept), CustodyAction.EXAMINE, "lan", "office", "x", FIRST, by("lan", 5))


def test_a_revision_is_collected_anew(kept: Kept) -> None:
    give(kept)
    give(kept, replace(POLICY, result_hash=SECOND, collected_at=NOW + DAY))
    assert [step.sha256 for step in now(kept).custody] == [FIRST, SECOND]
    assert now(kept).custody_fault == ""


def test_a_broken_chain_is_told_where() -> None:
    def step(number: int, action: CustodyAction, giver: str, holder: str, digest: str = FIRST) -> CustodyEntry:
        return CustodyEntry(NOW + number * timedelta(hours=1), holder, action, giver, holder, "x", "y", digest)

    collected = step(0, CustodyAction.COLLECT, "", "lan")
    assert custody_fault([]) == "the chain does not begin with a collection"
    assert custody_fault([step(0, CustodyAction.COPY, "", "lan")]) == "the chain does not begin with a collection"
    assert "is from hoa, but lan had it" in custody_fault([collected, step(1, CustodyAction.TRANSFER, "hoa", "binh")])
    assert "is earlier than step 1" in custody_fault([collected, step(-1, CustodyAction.COPY, "lan", "lan")])


@pytest.mark.parametrize(
    ("state", "note", "message"),
    [
        (EvidenceState.EXPIRED, "x", 'approved, in review, rejected, not to "expired"'),
        (EvidenceState.REJECTED, " ", "E-1: note must be said"),
    ],
)
def test_what_is_no_review_is_refused(kept: Kept, state: EvidenceState, note: str, message: str) -> None:
    give(kept)
    with pytest.raises(RecordError, match=message):
        review(now(kept), state, note, by("minh"))


def test_evidence_that_expires_before_it_speaks_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r"it expires .* before it begins to speak"):
        link(replace(POLICY, expires=POLICY.effective_from), load())
