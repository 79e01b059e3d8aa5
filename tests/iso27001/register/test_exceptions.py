"""Exceptions end by themselves, are approved by others, and do not overlap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.register.exceptions import (
    KINDS,
    ControlException,
    ExceptionState,
    ExceptionText,
    approve,
    exceptions,
    reject,
    request,
    revoke,
)
from tests.iso27001.register.kept import DAY, NOW, Kept, by

TEXT = ExceptionText("8.5", "scada-gw-02", "its firmware knows no second factor", "hoa", NOW, NOW + 90 * DAY, "R-4")


def known(kept: Kept) -> dict[str, ControlException]:
    return exceptions(kept.entries(KINDS))


def test_an_exception_is_approved_by_somebody_else_and_expires(kept: Kept) -> None:
    kept.write(request("X-1", TEXT, {}, load(), by("lan")))
    assert known(kept)["X-1"].text.control_id == "A.8.5"
    for actor in ("lan", "hoa"):
        with pytest.raises(RecordError, match=f"{actor} asked for X-1 or owns it"):
            approve(known(kept)["X-1"], "", by(actor, 1))
    kept.write(approve(known(kept)["X-1"], "until the replacement in spring", by("minh", 1)))
    found = known(kept)["X-1"]
    assert (found.decided_by, found.note) == ("minh", "until the replacement in spring")
    assert found.state(NOW + 89 * DAY) is ExceptionState.APPROVED
    assert found.state(NOW + 90 * DAY) is ExceptionState.EXPIRED
    with pytest.raises(RecordError, match="X-1 is approved already, by minh"):
        reject(found, "no", by("binh", 2))
    with pytest.raises(RecordError, match="X-1 is expired: there is nothing to revoke"):
        revoke(found, "no", by("binh", 91))
    kept.write(revoke(found, "the device is gone", by("binh", 3)))
    assert known(kept)["X-1"].state(NOW + 999 * DAY) is ExceptionState.REVOKED


def test_overlapping_periods_of_one_control_and_subject_are_refused(kept: Kept) -> None:
    kept.write(request("X-1", TEXT, {}, load(), by("lan")))
    with pytest.raises(RecordError, match=r"X-2 overlaps X-1 of A\.8\.5 for scada-gw-02, which runs to 2027-01-31"):
        request("X-2", replace(TEXT, since=NOW + 89 * DAY, expires=NOW + 200 * DAY), known(kept), load(), by("lan"))
    after = replace(TEXT, since=NOW + 90 * DAY, expires=NOW + 200 * DAY)
    assert request("X-2", after, known(kept), load(), by("lan"))
    assert request("X-2", replace(TEXT, subject="scada-gw-03"), known(kept), load(), by("lan"))
    kept.write(reject(known(kept)["X-1"], "buy another", by("minh", 1)))
    assert request("X-2", TEXT, known(kept), load(), by("lan")), "one that was refused stands in no one's way"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"expires": NOW}, r"it expires \(2026-11-02\) before it begins"),
        ({"control_id": "A.18.2.3"}, r"A\.18\.2\.3 is now A\.5\.36 and A\.8\.8; ask for one of them"),
        ({"control_id": "A.9.99"}, "unknown control"),
        ({"reason": ""}, "reason must be said"),
    ],
)
def test_what_is_no_exception_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        request("X-1", replace(TEXT, **change), {}, load(), by("lan"))  # type: ignore[arg-type]


def test_one_that_would_have_expired_is_not_approved(kept: Kept) -> None:
    kept.write(request("X-1", TEXT, {}, load(), by("lan")))
    with pytest.raises(RecordError, match="X-1 would have expired on 2027-01-31"):
        approve(known(kept)["X-1"], "", by("minh", 90))
