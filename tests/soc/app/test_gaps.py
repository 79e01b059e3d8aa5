"""What a suspended rule did not see is told to the offset."""

from __future__ import annotations

from pathlib import Path

from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from soc.app.gaps import KIND, Gap, begun, ended, gaps, spans
from tests.soc.desk_fixtures import DAY


def gap(rule: str, start: int, end: int | None) -> Gap:
    return Gap(rule, "v1", start, end, "812 us an event", DAY)


def test_the_ledger_tells_gaps_that_last_and_gaps_that_ended(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "ledger.db", signer=Signer.load_or_create(tmp_path / "key")) as ledger:
        ledger.append([begun(gap("a", 10, None), DAY), begun(gap("b", 20, None), DAY)])
        ledger.append([ended(gap("a", 10, 30), DAY)])
        ledger.append([begun(gap("a", 50, None), DAY)])
        assert gaps(ledger.entries(kinds=[KIND])) == [gap("a", 10, 30), gap("b", 20, None), gap("a", 50, None)]


def test_a_range_falls_into_parts_by_who_sees_it() -> None:
    known = [gap("a", 10, 30), gap("b", 20, None), gap("a", 50, 50)]
    assert list(spans(known, 0, 60)) == [
        (0, 10, frozenset()),
        (10, 20, frozenset("a")),
        (20, 30, frozenset("ab")),
        (30, 50, frozenset("b")),
        (50, 60, frozenset("b")),
    ]
    assert list(spans(known, 5, 5)) == []
    assert list(spans([], 3, 9)) == [(3, 9, frozenset())]
    assert list(spans(known, 60, 61)) == [(60, 61, frozenset("b"))]
