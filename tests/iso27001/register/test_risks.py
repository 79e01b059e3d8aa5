"""The risk register: what can be recorded, who accepts what remains, and the rules that all records share."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.ledger import Entry, Fact
from iso27001.register import By, get, next_id, write
from iso27001.register.risks import KINDS, Rating, Risk, RiskText, Treatment, accept, close, record, risks
from tests.iso27001.register.kept import DAY, NOW, Kept, by

TEXT = RiskText(
    title="Mật khẩu yếu trên máy trạm quản trị",
    asset="jump-01",
    threat="password guessing",
    rating=Rating(4, 4),
    treatment=Treatment.MODIFY,
    owner="Head of operations",
    residual=Rating(2, 4),
    controls=("A.9.4.2", "8.15"),
    review_due=NOW + 180 * DAY,
)


def known(kept: Kept) -> dict[str, Risk]:
    return risks(kept.entries(KINDS))


def test_a_risk_comes_back_from_its_facts(kept: Kept) -> None:
    kept.write(record("R-1", TEXT, {}, load(), by("lan")))
    risk = known(kept)["R-1"]
    assert risk.text == replace(TEXT, controls=("A.8.5", "A.8.15")), "ids of 2013 are those of 2022 now"
    assert (risk.text.rating.level, risk.text.residual.level, risk.recorded_by, risk.version) == (16, 8, "lan", 1)
    assert not risk.review_overdue(NOW + 180 * DAY)
    assert risk.review_overdue(NOW + 181 * DAY)


def test_what_remains_is_accepted_by_somebody_else_and_anew_when_the_risk_changes(kept: Kept) -> None:
    kept.write(record("R-1", TEXT, {}, load(), by("lan")))
    with pytest.raises(RecordError, match="lan recorded R-1: its residual risk is accepted by somebody else"):
        accept(known(kept)["R-1"], by("lan"))
    kept.write(accept(known(kept)["R-1"], by("minh", 1)))
    assert known(kept)["R-1"].accepted_by == "minh"
    with pytest.raises(RecordError, match="R-1 is accepted already, by minh"):
        accept(known(kept)["R-1"], by("hoa", 1))
    kept.write(record("R-1", replace(TEXT, rating=Rating(5, 5)), known(kept), load(), by("lan", 2)))
    assert (known(kept)["R-1"].accepted_by, known(kept)["R-1"].version) == ("", 3)


def test_a_closed_risk_is_left_alone(kept: Kept) -> None:
    kept.write(record("R-1", TEXT, {}, load(), by("lan")))
    kept.write(close(known(kept)["R-1"], "the machine is gone", by("lan", 1)))
    risk = known(kept)["R-1"]
    assert (risk.why_closed, risk.review_overdue(NOW + 999 * DAY)) == ("the machine is gone", False)
    for change in (lambda: accept(risk, by("minh")), lambda: record("R-1", TEXT, known(kept), load(), by("lan"))):
        with pytest.raises(RecordError, match="R-1 was closed on 2026-11-03"):
            change()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": " ", "owner": ""}, "R-1: title and owner must be said"),
        ({"rating": Rating(6, 1)}, "likelihood 6 of the risk is not 1 to 5"),
        ({"residual": Rating(1, 0)}, "impact 0 of the residual risk is not 1 to 5"),
        ({"residual": Rating(5, 5)}, r"the residual risk \(25\) is above the risk \(16\)"),
        ({"controls": ()}, "names the controls that do it"),
        ({"controls": ("A.8.99",)}, r'R-1: unknown control "A\.8\.99"'),
        ({"review_due": datetime(2027, 1, 1)}, "the review on 2027-01-01T00:00:00 has no time zone"),
    ],
)
def test_what_is_no_risk_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        record("R-1", replace(TEXT, **change), {}, load(), by("lan"))  # type: ignore[arg-type]


def test_of_two_decisions_on_the_same_state_the_first_counts_and_the_second_is_told(kept: Kept) -> None:
    kept.write(record("R-1", TEXT, {}, load(), by("lan")))
    seen = known(kept)["R-1"]
    kept.write(close(seen, "gone", by("hoa", 1)))
    with pytest.raises(RecordError, match=r"risk R-1: somebody was faster \(hoa: risk\.closed\); look again"):
        write(kept.ledger, accept(seen, by("minh", 1)))
    assert known(kept)["R-1"].version == 2


def test_ids_names_and_moments_are_checked(kept: Kept) -> None:
    with pytest.raises(RecordError, match=r'"\.\./R" is no id'):
        record("../R", TEXT, {}, load(), by("lan"))
    with pytest.raises(RecordError, match="a decision has a name to it"):
        By(" ", NOW)
    with pytest.raises(RecordError, match="no time zone"):
        By("lan", datetime(2026, 1, 1))
    assert next_id("R", ["R-1", "R-09", "F-11", "R-x"]) == "R-10"
    kept.write(record("R-12", TEXT, {}, load(), by("lan")))
    with pytest.raises(RecordError, match=r'there is no risk R-13; did you mean "R-12"\?'):
        get(known(kept), "R-13", "risk")


@pytest.mark.parametrize(
    "fact",
    [
        Fact("risk/R-1/1", "risk.accepted", NOW, "x", {"id": "R-1"}),
        Fact("risk/R-1/0", "risk.recorded", NOW, "x", {"id": "R-1", "risk": {"title": 1}}),
        Fact("risk/R-1/0", "risk.recorded", NOW, "x", {}),
    ],
)
def test_a_fact_that_is_no_risk_names_its_entry(fact: Fact) -> None:
    with pytest.raises(RecordError, match="entry 4 is no risk"):
        risks([Entry(4, fact)])
