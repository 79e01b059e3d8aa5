"""State that is kept over restarts and reloads, what is refused, and that it is bounded."""

from __future__ import annotations

import random

import pytest

from collectors.event import Event
from soc.detect.correlation import ENDLESS, Keeper, StateError
from soc.detect.correlation.groups import Groups, Room
from soc.detect.correlation.hits import SHIFT
from soc.detect.ruleset import RuleSet
from tests.soc.detect.correlation.material import FIVE, base, event, found, over, rules, seconds

A, B = base("a"), base("b")
ONE = over("event_count", "a", gte=3, id="one")
TWO = over("event_count", "b", gte=3, id="two")


def taken_up(old: RuleSet, new: RuleSet) -> RuleSet:
    new.restore(old.state())
    return new


def test_a_reload_keeps_what_is_unchanged_and_begins_anew_with_what_is_not() -> None:
    running = rules(A, B, ONE, TWO, lateness=FIVE)
    running.detect([event(0, "a"), event(1, "b"), event(2, "a"), event(3, "b"), event(10, "-")])
    changed = over("event_count", "b", gte=3, id="two", version="2")
    after = taken_up(
        running, rules(A, B, ONE, changed, base("c"), over("event_count", "c", gte=1, id="0"), lateness=FIVE)
    )
    fired = found(after, [event(11, "a"), event(12, "b")])
    assert [(one.rule.id, seconds(one.time)) for one in fired] == [("one", 11)]


def test_a_changed_rule_below_begins_its_correlations_anew() -> None:
    chain = over("event_count", ["one"], gte=1, id="chain")
    named = over("event_count", "a", gte=3, id="one", name="one", generate=True)
    running = rules(A, B, named, chain, TWO, lateness=FIVE)
    running.detect([event(0, "a"), event(1, "a"), event(2, "b"), event(3, "b"), event(10, "-")])
    after = taken_up(running, rules(base("a", version="new"), B, named, chain, TWO, lateness=FIVE))
    assert [one.rule.id for one in found(after, [event(11, "a"), event(12, "b")])] == ["two"]


def test_hits_that_wait_survive_a_reload() -> None:
    running = rules(A, B, ONE, TWO, lateness=FIVE)
    running.detect([event(t, "ab") for t in range(3)])
    after = taken_up(running, rules(A, ONE, lateness=FIVE))
    assert [one.rule.id for one in found(after, [])] == ["one"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda kept: b"", "not one of this program"),
        (lambda kept: b"\x80\x04pickle", "not one of this program"),
        (lambda kept: kept[:-1], "damaged"),
        (lambda kept: kept[:-9] + bytes([kept[-9] ^ 1]) + kept[-8:], "damaged"),
    ],
)
def test_a_foreign_or_damaged_state_is_refused(damage, words: str) -> None:  # type: ignore[no-untyped-def]
    running = rules(A, ONE, lateness=FIVE)
    running.detect([event(0)])
    with pytest.raises(StateError, match=words):
        rules(A, ONE, lateness=FIVE).restore(damage(running.state()))


def test_a_state_of_another_kind_of_lateness_is_refused() -> None:
    with pytest.raises(StateError, match="lateness"):
        rules(A, ONE, lateness=FIVE).restore(rules(A, ONE, lateness=ENDLESS).state())


def test_a_detection_whose_events_are_gone_is_still_made() -> None:
    running = rules(A, ONE, lateness=FIVE, recall=lambda numbers: [])
    (fired,) = found(running, [event(t) for t in range(3)])
    assert (seconds(fired.time), fired.numbers) == (2, (0, 1, 2))


def test_the_keeper_lets_go_of_the_oldest_and_counts_them() -> None:
    keeper = Keeper(max_bytes=20_000)
    for number in range(100):
        keeper.keep(number, event(number))
    assert keeper.forgotten > 80
    assert [seconds(each.time) for each in keeper.recall([0, 99])] == [99]


# --- Bounds -----------------------------------------------------------------------------------------------------------------------


def many(count: int, letter: str = "a") -> list[Event]:
    return [event(n / 1_000, letter, user=f"{letter}{n}") for n in range(count)]


def test_a_flood_of_groups_drives_out_its_own_oldest_and_nobody_elses() -> None:
    running = rules(A, B, ONE, TWO, max_groups=100)
    quiet = [event(-1, "b", user="quiet")]
    fired = found(running, [*quiet, *many(1_000), event(2, "b", user="quiet"), event(3, "b", user="quiet")])
    assert [one.group for one in fired] == [("quiet",)]
    assert running.stats().evicted == {"one": 901}
    assert running.stats().groups == 100
    kept = [dict(group.key)["user"] for group in running.groups("one")]
    assert kept == [f"a{n}" for n in range(901, 1_000)]


def test_idle_groups_are_gone_after_two_windows() -> None:
    running = rules(A, over("event_count", "a", 60, gte=3), lateness=FIVE)
    running.detect(many(500))
    running.detect([event(100), event(161), event(300), event(400, "-")])
    assert running.stats().groups == 1
    assert next(iter(running.groups("corr"))).key == (("user", "u"),)


def test_generations_lose_no_group_that_is_in_use() -> None:
    draw = random.Random(4)
    room = Room(50)
    groups: Groups[int] = Groups("g", 1_000, room)
    plain: dict[str, int] = {}
    for time in range(0, 60_000, 7):
        key, hit = f"k{draw.randrange(40)}", time << SHIFT
        if hit >= groups.turn_at:
            groups.turn(hit)
        known = groups.young.get(key) or groups.find(key)
        expected = plain.get(key)
        if expected is not None and time - expected <= 1_000:
            assert known == expected << SHIFT | 1
        if known is None:
            groups.add(key, hit | 1, hit)
        else:
            groups.young[key] = hit | 1
        plain[key] = time
        assert len(groups) == room.count == len(dict(groups.items()))
    assert room.evicted == {}


def test_random_use_keeps_count_and_bound() -> None:
    draw = random.Random(5)
    room = Room(30)
    stores: list[Groups[int]] = [Groups(name, 500, room) for name in "xyz"]
    for time in range(0, 30_000, 3):
        store, key, hit = draw.choice(stores), f"k{draw.randrange(60)}", time << SHIFT
        if hit >= store.turn_at:
            store.turn(hit)
        if draw.random() < 0.2:
            store.drop(key)
        elif store.young.get(key) is None and store.find(key) is None:
            store.add(key, hit | 1, hit)
        assert room.count == sum(map(len, stores)) <= 30
        assert all(len(one) == len(dict(one.items())) for one in stores)
    assert room.evicted.total() > 0
