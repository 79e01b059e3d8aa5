"""What a change touches: everything that can fire otherwise, and nothing that cannot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.event import Event
from soc.detect.backtest import Comparison, Kind, cut, differences, digest, proposed, touched
from soc.detect.ruleset import RuleSet
from soc.detect.sigma.load import linked, read
from soc.detect.sigma.references import Loaded
from tests.soc.detect.sigma.material import event

IDS = [str(UUID(int=n, version=4)) for n in range(1, 9)]
FILTER = str(UUID(int=100, version=4))
COUNT = str(UUID(int=200, version=4))
CHAIN = str(UUID(int=201, version=4))


def rule(number: int, value: str, **keys: Any) -> dict[str, Any]:
    return {
        "title": f"Rule number {number}",
        "id": IDS[number],
        "name": f"rule_{number}",
        "status": "test",
        "level": "high",
        "logsource": {"product": "test"},
        "detection": {"selection": {"word": value}, "condition": "selection"},
        **keys,
    }


def benign(rules: Sequence[str] | str, value: str) -> dict[str, Any]:
    return {
        "title": "A filter of a test",
        "id": FILTER,
        "logsource": {"product": "test"},
        "filter": {"rules": rules, "benign": {"user.name": value}, "condition": "not benign"},
    }


def correlation(
    correlation_id: str, rules: Sequence[str], name: str, count: int = 2, *, generate: bool = False
) -> dict[str, Any]:
    return {
        "title": f"Several of {name}",
        "id": correlation_id,
        "name": name,
        "status": "test",
        "level": "high",
        "correlation": {
            "type": "event_count",
            "rules": list(rules),
            "group-by": ["user.name"],
            "timespan": "1h",
            "condition": {"gte": count},
            "generate": generate,
        },
    }


def content(folder: Path, *documents: dict[str, Any], name: str = "all.yml") -> list[Loaded]:
    path = folder / name
    path.write_text("---\n".join(yaml.safe_dump(each, sort_keys=False) for each in documents))
    return read([path])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def test_a_comment_or_another_file_is_no_difference(folder: Path) -> None:
    one = content(folder, rule(0, "a"), benign([IDS[0]], "lan"))
    other = content(folder, benign([IDS[0]], "lan"), rule(0, "a"), name="moved.yml")
    assert one[0][1].version != other[0][1].version
    assert differences(linked(one), linked(other)) == []


def test_each_difference_is_named_with_its_versions(folder: Path) -> None:
    before = content(folder, rule(0, "a"), rule(1, "b"))
    change = content(folder, rule(1, "x"), benign("any", "lan"), name="change.yml")
    after = proposed(before, change, without=[IDS[0].upper()])
    found = differences(before, after)
    assert [(d.kind, d.what, d.id) for d in found] == [
        (Kind.REMOVED, "rule", IDS[0]),
        (Kind.CHANGED, "rule", IDS[1]),
        (Kind.ADDED, "filter", FILTER),
    ]
    assert found[1].before == before[1][1].version
    assert found[1].after == change[0][1].version
    assert digest(found) == digest(reversed(found)) != digest(found[:2])


def test_a_filter_touches_the_rules_it_names_or_those_of_its_logsource(folder: Path) -> None:
    rules = [rule(0, "a"), rule(1, "b"), rule(2, "c", logsource={"product": "other"})]
    before = content(folder, *rules)
    for named, expected in (
        (["rule_1"], {IDS[1]}),
        ([IDS[0].upper(), "rule_1"], {IDS[0], IDS[1]}),
        ("any", {IDS[0], IDS[1]}),
    ):
        after = linked(proposed(before, content(folder, benign(named, "lan"), name="filter.yml")))
        assert touched(differences(before, after), before, after) == expected


def test_whatever_correlations_tie_to_a_rule_is_touched_with_it(folder: Path) -> None:
    documents = [
        *(rule(n, "abcde"[n]) for n in range(5)),
        correlation(COUNT, ["rule_0", "rule_1"], "count"),
        correlation(CHAIN, ["count", "rule_2"], "chain"),
    ]
    before = linked(content(folder, *documents))
    tied = {IDS[0], IDS[1], IDS[2], COUNT, CHAIN}
    for n in range(5):
        after = linked(proposed(before, content(folder, rule(n, "other"), name="change.yml")))
        assert touched(differences(before, after), before, after) == (tied if n < 3 else {IDS[n]})


def test_a_correlation_that_goes_gives_its_rules_their_voice_back(folder: Path) -> None:
    before = linked(content(folder, rule(0, "a"), rule(1, "b"), correlation(COUNT, ["rule_0"], "count")))
    after = linked(proposed(before, [], without=[COUNT]))
    assert touched(differences(before, after), before, after) == {COUNT, IDS[0]}


def test_a_filter_over_many_rules_is_cut_to_those_that_are_left(folder: Path) -> None:
    all_of_it = linked(content(folder, rule(0, "a"), rule(1, "b"), benign(["rule_0", "rule_1"], "lan")))
    kept = cut(all_of_it, frozenset({IDS[1]}))
    assert [each.id for _, each in kept] == [IDS[1], FILTER]
    assert linked(kept) == kept  # names nothing that is not there
    assert cut(all_of_it, frozenset()) == []


WORDS = st.sampled_from("abc")
EVENTS = st.lists(st.tuples(WORDS, st.sampled_from(["lan", "minh"])), max_size=30)
FILTERED = st.one_of(st.none(), st.lists(st.integers(0, 2), min_size=1, unique=True), st.just("any"))
TIED = st.lists(st.integers(0, 2), min_size=1, unique=True)


@settings(deadline=None)
@given(
    words=st.lists(WORDS, min_size=3, max_size=6),
    chained=st.tuples(TIED, TIED, st.booleans()),
    changed=st.lists(st.tuples(st.integers(0, 5), WORDS), max_size=2, unique_by=lambda pair: pair[0]),
    recounted=st.one_of(st.none(), st.tuples(TIED, st.integers(1, 3))),
    filtered=FILTERED,
    without=st.sampled_from([(), (COUNT,), (CHAIN,)]),
    events=EVENTS,
)
def test_what_is_cut_off_fires_alike_and_what_is_left_fires_as_in_the_whole_set(
    tmp_path_factory: pytest.TempPathFactory,
    words: list[str],
    chained: tuple[list[int], list[int], bool],
    changed: list[tuple[int, str]],
    recounted: tuple[list[int], int] | None,
    filtered: list[int] | str | None,
    without: tuple[str, ...],
    events: list[tuple[str, str]],
) -> None:
    """The claim that lets a backtest run only what a change touches."""
    folder = tmp_path_factory.mktemp("cut")
    counted, over, generate = chained
    documents = [
        *(rule(n, word) for n, word in enumerate(words)),
        correlation(COUNT, [f"rule_{n}" for n in counted], "count", generate=generate),
        correlation(CHAIN, [f"rule_{n}" for n in over], "chain", 3),
    ]
    before = linked(content(folder, *documents))
    change = [rule(*pair) for pair in changed]
    if recounted is not None:
        change.append(correlation(COUNT, [f"rule_{n}" for n in recounted[0]], "count", recounted[1]))
    if filtered is not None:
        change.append(benign(filtered if isinstance(filtered, str) else [IDS[n] for n in filtered], "lan"))
    added = content(folder, *change, name="change.yml") if change else []
    after = linked(proposed(before, [pair for pair in added if pair[1].id not in without], without))
    batch = [event({"event.module": "test", "word": w, "user.name": u}, number=n) for n, (w, u) in enumerate(events)]
    ids = touched(differences(before, after), before, after)
    whole = [found(each, batch) for each in (before, after)]
    parts = [found(cut(each, ids), batch) for each in (before, after)]
    assert {pair for pair in whole[0] ^ whole[1] if pair[0] not in ids} == set()
    assert parts == [{pair for pair in each if pair[0] in ids} for each in whole]


def found(each: Sequence[Loaded], batch: Sequence[Event]) -> set[tuple[str, str]]:
    """Rule and id of every detection."""
    rules = RuleSet(each)
    return {(d.rule.id, d.id) for d in (*rules.detect(batch), *rules.finish())}


def test_the_same_detection_is_kept_in_whatever_batch_the_other_side_gives_it(folder: Path) -> None:
    rules = RuleSet(content(folder, rule(0, "a"), rule(1, "b")))
    batch = [event({"event.module": "test", "word": word}, number=n) for n, word in enumerate("abab")]
    found = rules.detect(batch)
    assert len(found) == 4
    comparison = Comparison()
    comparison.add(found[:2], [])
    comparison.add(found[2:3], found[:1])
    comparison.add([], [found[3]])
    outcomes = {o.rule.id: o for o in comparison.outcomes()}
    counts = [(o.removed, o.added, o.kept) for o in (outcomes[IDS[0]], outcomes[IDS[1]])]
    assert counts == [(1, 0, 1), (1, 1, 0)]
    assert [s.event_id for s in outcomes[IDS[0]].samples[Kind.REMOVED]] == [batch[2].id]
    assert [s.event_id for s in outcomes[IDS[1]].samples[Kind.ADDED]] == [batch[3].id]
    assert outcomes[IDS[1]].samples[Kind.ADDED][0].why == ("selection/word: word = 'b' matches 'b'",)
