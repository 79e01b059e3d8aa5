"""What filters hide is told in the ledger."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from soc.app.hidden import HIDDEN, HiddenSoFar, hidden_so_far, record_hidden
from soc.app.site import Site
from tests.soc.app.sites import new_site

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
A, B = ("filter-a", "rule-1"), ("filter-b", "rule-1")


def test_only_what_is_new_is_told_and_the_sum_is_what_was_hidden(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        told: Counter[tuple[str, str]] = Counter()
        for minute, hidden in enumerate([{}, {A: 3}, {A: 3}, {A: 5, B: 1}]):
            record_hidden(site, hidden, told, NOON + timedelta(minutes=minute))
        assert [entry.fact.body["counts"] for entry in site.ledger.entries(kinds=[HIDDEN])] == [
            [{"filter": "filter-a", "rule": "rule-1", "hits": 3}],
            [
                {"filter": "filter-a", "rule": "rule-1", "hits": 2},
                {"filter": "filter-b", "rule": "rule-1", "hits": 1},
            ],
        ]
        assert hidden_so_far(site) == {
            "filter-a": HiddenSoFar(5, NOON + timedelta(minutes=3)),
            "filter-b": HiddenSoFar(1, NOON + timedelta(minutes=3)),
        }


def test_after_a_reload_counting_goes_on_from_nothing(tmp_path: Path) -> None:
    with Site.load(new_site(tmp_path / "site")) as site:
        record_hidden(site, {A: 3}, Counter(), NOON)
        record_hidden(site, {A: 2}, Counter(), NOON + timedelta(minutes=1))
        assert hidden_so_far(site)["filter-a"].hits == 5
