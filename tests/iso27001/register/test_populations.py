"""Populations are whole, counted with a root, and sampled the same by whoever has the ledger and the seed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iso27001.errors import RecordError
from iso27001.ledger import Fact, encode
from iso27001.register.populations import draw, export, members, population, usual_size
from iso27001.verifier.merkle import EMPTY_ROOT, Frontier, leaf_hash
from tests.iso27001.register.kept import DAY, NOW, Kept

ROOT = "ab" * 32


def filled(kept: Kept, count: int = 30) -> None:
    facts = [
        Fact(f"{kind}:{n}", kind, NOW + n * DAY, "engine", {"n": n})
        for n in range(count)
        for kind in ("alert.opened", "alert.status")
    ]
    kept.ledger.append(facts)


def test_a_population_is_every_fact_of_its_kinds_in_the_period_with_its_root(kept: Kept) -> None:
    filled(kept)
    counted, seqs = population(kept.ledger, "alerts", ["alert.opened"], NOW + DAY, NOW + 11 * DAY)
    assert (counted.count, seqs) == (10, list(range(2, 22, 2)))
    tree = Frontier()
    tree.extend([leaf_hash(encode(entry.fact)) for entry in kept.ledger.entries(kinds=["alert.opened"])][1:11])
    assert counted.root == tree.root().hex()


def test_a_population_is_counted_anew_though_the_ledger_grew(kept: Kept) -> None:
    filled(kept)
    counted, _ = population(kept.ledger, "alerts", ["alert.opened"], NOW, NOW + 99 * DAY)
    kept.ledger.append([Fact("late", "alert.opened", NOW + DAY, "engine", {})])
    again, _ = population(kept.ledger, "alerts", ["alert.opened"], NOW, NOW + 99 * DAY, counted.size)
    assert again == counted
    assert population(kept.ledger, "alerts", ["alert.opened"], NOW, NOW + 99 * DAY)[0].count == 31


def test_an_empty_population_has_the_empty_root_and_a_turned_period_is_refused(kept: Kept) -> None:
    counted, seqs = population(kept.ledger, "nothing", ["alert.opened"], NOW, NOW + DAY)
    assert (counted.count, counted.root, seqs) == (0, EMPTY_ROOT.hex(), [])
    with pytest.raises(RecordError, match="nothing: the period ends"):
        population(kept.ledger, "nothing", ["alert.opened"], NOW, NOW)


def test_an_export_has_each_fact_as_it_is_hashed(kept: Kept) -> None:
    filled(kept, 3)
    entries = list(members(kept.ledger, ["alert.opened"], NOW, NOW + DAY * 9, kept.ledger.size))
    lines = list(export(iter(entries)))
    assert [json.loads(line)["seq"] for line in lines] == [0, 2, 4]
    assert encode(entries[1].fact) in lines[1]


@given(st.sets(st.integers(0, 10_000), min_size=1), st.text(min_size=1).filter(str.strip), st.data())
def test_a_sample_is_of_the_population_and_the_same_by_the_same_seed(
    seqs: set[int], seed: str, data: st.DataObject
) -> None:
    size = data.draw(st.integers(1, len(seqs)))
    seed = seed.encode("utf-8", "replace").decode()
    drawn = draw(ROOT, sorted(seqs), size, seed)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == size
    assert set(drawn) <= seqs
    assert drawn == draw(ROOT, sorted(seqs, reverse=True), size, seed)


def test_another_seed_or_population_gives_another_sample_and_the_algorithm_stays_what_it_is() -> None:
    assert draw(ROOT, range(1000), 5, "2026-11-02 17 04 39") == [92, 383, 481, 659, 722]
    assert draw(ROOT, range(1000), 5, "2026-11-02 17 04 40") != [92, 383, 481, 659, 722]
    assert draw("cd" * 32, range(1000), 5, "2026-11-02 17 04 39") != [92, 383, 481, 659, 722]


@pytest.mark.parametrize(("size", "seed"), [(0, "s"), (4, "s"), (1, " ")])
def test_a_sample_without_a_seed_or_larger_than_its_population_is_refused(size: int, seed: str) -> None:
    with pytest.raises(RecordError, match="sample"):
        draw(ROOT, [1, 2, 3], size, seed)


def test_usual_sizes_follow_how_often_it_happens() -> None:
    year = timedelta(days=365)
    assert [usual_size(n, year) for n in (0, 1, 12, 52, 365, 9_000)] == [0, 1, 2, 8, 30, 30]
    assert usual_size(13, year / 4) == 8
