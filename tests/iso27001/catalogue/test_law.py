"""A file of legal regimes is whole, or every fault of it is told by name; a site may have its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from iso27001 import legal
from iso27001.catalogue.law import check
from iso27001.catalogue.reading import read
from iso27001.errors import CatalogueError
from iso27001.legal import VIETNAM, Trigger, deadlines

DAY = datetime(2027, 3, 1, 8, tzinfo=VIETNAM)


def law(**changes: Any) -> dict[str, Any]:
    """A whole file of two regimes after each other, with changes."""
    regime = {"id": "old", "name_vi": "Thông tư", "effective": "2020-01-01", "until": "2026-08-19"}
    duty = {"regime": "old", "ref": "Đ1", "trigger": "incident", "when": "every", "to": "A05"}
    found: dict[str, Any] = {
        "schema": "vn-legal/2",
        "regimes": [regime, {"id": "new", "name_vi": "Nghị định", "effective": "2026-08-19"}],
        "deadlines": [{"id": "report", "hours": 120, **duty}, {"id": "report", "hours": 72, **duty, "regime": "new"}],
        "log_retention": [{"level": 3, "days": 90, "regime": "new", "ref": "5.8"}],
    }
    for key, change in changes.items():
        kind, _, number = key.rpartition("_")
        found[kind][int(number)] = {k: v for k, v in (found[kind][int(number)] | change).items() if v is not None}
    return found


def faults(data: dict[str, Any]) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        check(data, "law.yml", list(Trigger), Trigger.YEARLY)
    return str(caught.value).splitlines()


def test_what_is_shipped_and_a_whole_file_have_no_fault() -> None:
    check(read("vn_legal.yaml", legal.SCHEMA), "vn_legal.yaml", list(Trigger), Trigger.YEARLY)
    check(law(), "law.yml", list(Trigger), Trigger.YEARLY)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"regimes_1": {"effective": "2026-09-01"}},
            'nothing is due for "incident" from 2026-08-19 to 2026-09-01: a gap in the dates',
        ),
        ({"regimes_1": {"effective": "2026-08-01"}}, 'deadline "report" is of two regimes at once from 2026-08-01 on'),
        ({"regimes_0": {"until": "2019-01-01"}}, 'regime "old": it ends on 2019-01-01, before it begins on 2020-01-01'),
        ({"regimes_0": {"name_vi": None}}, 'regime "old": missing name_vi'),
        ({"regimes_0": {"effective": "soon"}}, 'regime "old": "effective" and "until" are dates such as 2026-08-19'),
        ({"regimes_0": {"id": "new"}}, 'regime "new" is there twice'),
        ({"deadlines_0": {"hours": None}}, 'deadline "report": a deadline has "hours", 0 or more'),
        ({"deadlines_0": {"hours": -1}}, 'deadline "report": a deadline has "hours", 0 or more'),
        ({"deadlines_0": {"date": "12-25"}}, 'deadline "report": hours and a date contradict each other'),
        ({"deadlines_0": {"trigger": "incidents"}}, 'unknown trigger "incidents"; did you mean "incident"?'),
        ({"deadlines_0": {"regime": "odl"}}, 'unknown regime "odl"; did you mean "old"?'),
        ({"deadlines_0": {"too": "x"}}, 'deadline "report": unknown key "too"; did you mean "to"?'),
        (
            {"deadlines_0": {"trigger": "yearly", "hours": None, "date": "13-40"}},
            'a yearly deadline has a "date" such as 12-25',
        ),
        ({"log_retention_0": {"regime": "tcvn"}}, 'log_retention of level 3: unknown regime "tcvn"'),
        ({"log_retention_0": {"days": None}}, "log_retention of level 3: missing days"),
    ],
)
def test_a_fault_is_told_by_name(changes: dict[str, Any], message: str) -> None:
    found = faults(law(**changes))
    assert any(message in fault for fault in found), found
    assert all(fault.startswith("law.yml: ") for fault in found)


def test_all_faults_come_at_once() -> None:
    broken = law(regimes_1={"effective": "2026-09-01"}, log_retention_0={"days": None}, deadlines_0={"hours": -1})
    assert len(faults(broken)) == 3


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "law.yml"
    legal.use(None)


def test_a_site_reads_its_own_law_and_then_what_is_shipped_again(own: Path) -> None:
    data = law(deadlines_1={"hours": 48})
    own.write_text(yaml.safe_dump(data, allow_unicode=True))
    shipped = deadlines(DAY, [Trigger.INCIDENT])
    legal.use(own)
    [due] = deadlines(DAY, [Trigger.INCIDENT])
    assert (due.rule.hours, due.rule.regime) == (48, "Nghị định")
    assert legal.log_retention(4, DAY.date()) is None
    legal.use(None)
    assert deadlines(DAY, [Trigger.INCIDENT]) == shipped


def test_a_faulty_law_is_refused_and_the_one_before_goes_on(own: Path) -> None:
    shipped = deadlines(DAY, [Trigger.INCIDENT])
    own.write_text(yaml.safe_dump(law(regimes_1={"effective": "2026-09-01"})))
    with pytest.raises(CatalogueError, match="a gap in the dates"):
        legal.use(own)
    assert deadlines(DAY, [Trigger.INCIDENT]) == shipped
    with pytest.raises(CatalogueError, match="cannot be read"):
        legal.use(own.parent / "missing.yml")
    own.write_text("schema: other/1\n")
    with pytest.raises(CatalogueError, match="not a file of schema vn-legal/2"):
        legal.use(own)
