"""Evidence, its controls and its revisions; the statement of applicability."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from iso27001.applicability import Applicability, Implementation, Need, NeedRef, read_statement
from iso27001.catalogue import load
from iso27001.errors import CatalogueError, EvidenceError
from iso27001.evidence import ControlLink, content_hash, link, read_evidence
from iso27001.ledger import Entry, Fact
from tests.iso27001.material import SINCE, UNTIL, brute_force


def test_evidence_comes_back_from_its_fact() -> None:
    evidence = brute_force()
    fact = link(evidence, load())
    assert (fact.kind, fact.time) == ("evidence.linked", evidence.collected_at)
    found = read_evidence(Entry(12, fact))
    assert found == evidence
    assert found.revision == 12


def test_ids_of_2013_are_linked_as_those_of_2022_and_clauses_stand() -> None:
    evidence = replace(
        brute_force(),
        controls=(ControlLink("A.12.4.1", "by hand"), ControlLink("8.15", "again"), ControlLink("10.2", "closed")),
    )
    found = read_evidence(Entry(0, link(evidence, load())))
    assert found.controls == (ControlLink("A.8.15", "by hand"), ControlLink("10.2", "closed"))


def test_an_unknown_control_or_none_is_refused() -> None:
    with pytest.raises(EvidenceError, match=r'incident/INC-0001: unknown control "A\.8\.99"'):
        link(replace(brute_force(), controls=(ControlLink("A.8.99", ""),)), load())
    with pytest.raises(EvidenceError, match="evidence of no control"):
        link(replace(brute_force(), controls=()), load())


def test_an_effective_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(EvidenceError, match="effective period ends before it begins"):
        link(replace(brute_force(), effective_to=SINCE - timedelta(days=9)), load())


def test_the_same_evidence_is_the_same_fact_whenever_it_is_collected() -> None:
    evidence = brute_force()
    later = replace(evidence, collected_at=evidence.collected_at + timedelta(days=1))
    assert link(evidence, load()).id == link(later, load()).id
    assert link(evidence, load()).id != link(replace(evidence, title="grown"), load()).id


def test_evidence_counts_by_its_effective_period_not_by_its_collection() -> None:
    evidence = replace(brute_force(), collected_at=UNTIL + timedelta(days=40))
    assert evidence.within(SINCE, UNTIL)
    assert not evidence.within(UNTIL, UNTIL + timedelta(days=60))
    assert not evidence.within(SINCE - timedelta(days=9), evidence.effective_from)
    assert evidence.within(evidence.effective_to, UNTIL)


def test_the_content_hash_changes_with_every_event_and_entry() -> None:
    events = brute_force().events
    hashes = {
        content_hash(events, (1, 2)),
        content_hash(events[1:], (1, 2)),
        content_hash(events[::-1], (1, 2)),
        content_hash(events, (1,)),
    }
    assert len(hashes) == 4


def test_another_fact_is_no_evidence() -> None:
    with pytest.raises(EvidenceError, match="entry 3 is no evidence"):
        read_evidence(Entry(3, Fact("a", "note", SINCE, "engine", {"id": 1})))


def statement(tmp_path: Path, text: str) -> dict[str, Applicability]:
    (tmp_path / "soa.yaml").write_text(text)
    return read_statement(tmp_path / "soa.yaml", load())


def test_a_statement_says_whether_how_far_and_why(tmp_path: Path) -> None:
    found = statement(
        tmp_path,
        'controls:\n  A.8.15: {status: implemented, reason: "R-3"}\n'
        "  A.8.30: {applicable: false, reason: nothing is outsourced}\n  A.5.1: {}\n",
    )
    assert found["A.8.15"] == Applicability("A.8.15", True, Implementation.IMPLEMENTED, "R-3")
    needed = statement(tmp_path, "controls: {A.8.15: {need: {risk: [R-3], law: NĐ 331}, owner: lan}}")["A.8.15"]
    assert needed.needs == (NeedRef(Need.RISK, "R-3"), NeedRef(Need.LAW, "NĐ 331"))
    assert needed.owner == "lan"
    assert found["A.8.30"].status is Implementation.NOT_APPLICABLE
    assert found["A.5.1"].status is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("controls: {A.12.4.1: {}}", "an id of 2013, now A.8.15"),
        ("controls: {A.8.15: {state: implemented}}", 'unknown key "state"; did you mean "status"'),
        ("controls: {A.8.15: {status: done}}", 'unknown status "done"; one of implemented, partial'),
        ("controls: {A.8.15: {applicable: false}}", "needs its reason"),
        ("controls: {A.8.15: {applicable: false, reason: x, status: implemented}}", "contradict each other"),
        ("controls: {A.8.15: {status: not-applicable}}", "contradict each other"),
        ("controls: {A.8.15: {need: {lawyer: x}}}", 'unknown need "lawyer"; one of risk, law, contract, practice'),
        ("controls: {A.8.15: {need: {risk: []}}}", "need.risk is a list of names"),
        ("controls: {A.8.15: {need: R-3}}", "need is a mapping"),
        ("controls: {A.8.15: {owner: 7}}", "reason and owner are texts"),
        ("controls: {A.8.15: implemented}", "a mapping with status"),
        ("controls: {A.8.15: {applicable: perhaps}}", "true or false"),
        ("controls: {A.8.15: {}, A.8.15: {}}", 'duplicate key "A.8.15"'),
        ("- A.8.15", 'one key "controls"'),
        ("", 'one key "controls"'),
    ],
)
def test_a_faulty_statement_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        statement(tmp_path, text)


def test_all_faults_of_a_statement_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError) as caught:
        statement(tmp_path, "controls: {A.8.99: {}, A.8.15: {status: done}}")
    assert len(str(caught.value).splitlines()) == 2
