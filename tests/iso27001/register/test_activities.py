"""Exercises, training and reviews: recorded when they are over, with numbers that add up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iso27001.catalogue import load
from iso27001.errors import RecordError
from iso27001.register.activities import (
    CONTROLS,
    KINDS,
    ActivityKind,
    ActivityText,
    activities,
    correct,
    last,
    record,
)
from tests.iso27001.register.kept import DAY, NOW, Kept, by

TEXT = ActivityText(
    ActivityKind.EXERCISE,
    "Diễn tập ứng phó mã độc tống tiền",
    NOW - 3 * DAY,
    "SOC lead",
    14,
    12,
    "the contact of the ministry was out of date",
    next_due=NOW + 362 * DAY,
)


def test_an_activity_is_a_record_of_its_controls(kept: Kept) -> None:
    kept.write(record("T-1", TEXT, {}, load(), by("lan")))
    found = activities(kept.entries(KINDS))["T-1"]
    assert found.text == replace(TEXT, controls=("A.5.24",))
    training = replace(TEXT, kind=ActivityKind.TRAINING, controls=("A.7.2.2", "7.2"))
    kept.write(record("T-2", training, {}, load(), by("lan")))
    assert activities(kept.entries(KINDS))["T-2"].text.controls == ("A.6.3", "7.2")


def test_every_kind_has_controls_of_the_catalogue() -> None:
    catalogue = load()
    assert set(CONTROLS) == set(ActivityKind)
    assert all(c in catalogue.controls or c in catalogue.clauses for cs in CONTROLS.values() for c in cs)


def test_a_correction_replaces_and_the_old_fact_stays(kept: Kept) -> None:
    kept.write(record("T-1", TEXT, {}, load(), by("lan")))
    before = activities(kept.entries(KINDS))["T-1"]
    kept.write(correct(before, replace(TEXT, reached=13), load(), by("hoa", 1)))
    found = activities(kept.entries(KINDS))["T-1"]
    assert (found.text.reached, found.recorded_by, found.version) == (13, "hoa", 2)
    assert len(kept.entries(KINDS)) == 2


def test_the_last_of_a_kind_is_the_one_held_last(kept: Kept) -> None:
    kept.write(record("T-1", TEXT, {}, load(), by("lan")))
    kept.write(record("T-2", replace(TEXT, held=NOW - 9 * DAY), {}, load(), by("lan", 1)))
    found = activities(kept.entries(KINDS))
    assert last(found.values(), ActivityKind.EXERCISE) == found["T-1"]
    assert last(found.values(), ActivityKind.TRAINING) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held": NOW + DAY}, "which lies ahead; record it when it is over"),
        ({"reached": 15}, "reached 15 of 14"),
        ({"expected": -1, "reached": -1}, "reached -1 of -1"),
        ({"next_due": NOW - 9 * DAY}, "due again on 2026-10-24, before it was held on 2026-10-30"),
        ({"outcome": ""}, "outcome must be said"),
        ({"controls": ("A.6.33",)}, "unknown control"),
    ],
)
def test_what_is_no_activity_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        record("T-1", replace(TEXT, **change), {}, load(), by("lan"))  # type: ignore[arg-type]
