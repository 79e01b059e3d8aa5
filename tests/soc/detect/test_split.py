"""A rule set in two stages finds what it finds in one, whatever number of shares its correlations are in, and whoever takes them over."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from collectors.event import Event
from soc.detect import Detection
from soc.detect.correlation.recall import Keeper
from soc.detect.split import Correlations, Singles, pulse_of
from tests.soc.detect.correlation.material import FIVE, base, event, over, rules

CONTENT = (
    base("a"),
    base("b"),
    base("c"),
    over("event_count", ["a"], 20, ("user", "host"), id="counted", name="counted", gte=3, generate=True),
    over("value_count", ["a", "b"], 30, ("user",), id="values", fields=("host",), gte=2),
    over("temporal_ordered", ["b", "a"], 20, ("host",), id="ordered", name="ordered", generate=True),
    over("event_count", ["ordered"], 60, ("host",), id="above", gte=2),
    over("event_count", ["c"], 20, (), id="everywhere", gte=3),
    over("new_value", ["c"], 300, ("user",), id="new", fields=("host",), options={"learning_s": 5.0}),
    over("absence", ["b", "c"], 10, ("user",), id="absent"),
)
PAIRS = [(f"{each.id}.yml", each) for each in CONTENT]


@st.composite
def _events(draw: st.DrawFn) -> list[Event]:
    """Of three sources, each received in order, some of them late by more than is allowed."""
    made, received = [], 0.0
    for number in range(draw(st.integers(1, 40))):
        received += draw(st.sampled_from([0.0, 0.05, 0.3, 2.0, 4.0]))
        made.append(
            event(
                received - draw(st.sampled_from([0.0, 0.0, 1.0, 4.0, 9.0])),
                draw(st.sampled_from(["a", "b", "c", "ab", "ac", "d"])),
                source=draw(st.sampled_from(["s", "t", "v"])),
                received=received,
                user=draw(st.sampled_from(["u", "w"])),
                host=draw(st.sampled_from(["h", "i", ["h", "i"]])),
                number=number,
            )
        )
    return [*made, event(received + 100, "d", source="s", received=received + 100)]


def _said(found: Sequence[Detection]) -> list[tuple[object, ...]]:
    return sorted((each.rule.id, each.numbers, each.group, str(each.at)) for each in found)


@given(events=_events(), shares=st.integers(1, 3), moves=st.sets(st.integers(0, 40), max_size=3))
def test_two_stages_find_what_one_finds(events: list[Event], shares: int, moves: set[int]) -> None:
    whole = rules(*CONTENT, lateness=FIVE)
    expected = [one for each in events for one in whole.detect([each])]
    keeper = Keeper()

    def correlations() -> Correlations:
        return Correlations(PAIRS, FIVE, keeper.recall, keeper.keep)

    singles, shared = Singles(PAIRS, shares), [correlations() for _ in range(shares)]
    found: list[Detection] = []
    for number, each in enumerate(events):
        if number in moves:  # every share goes to another process
            states = [share.state() for share in shared]
            shared = [correlations() for _ in range(shares)]
            for share, state in zip(shared, states, strict=True):
                share.restore(state)
        for one in singles.spread([each], [number]):
            found += [one] if isinstance(one, Detection) else shared[one[0]].enter(one[1])
        pulse = pulse_of([each], number + 1)
        found += [one for share in shared for one in share.observe(pulse)]
    assert _said(found) == _said(expected)


def _shares(singles: Singles, letter: str) -> set[int]:
    """Where hits of many groups go."""
    events = [event(number, letter, user=f"u{number}", host=f"h{number}") for number in range(200)]
    given_ = singles.spread(events, range(200))
    return {one[0] for one in given_ if not isinstance(one, Detection)}


def test_groups_are_spread_and_what_looks_across_groups_stays_whole() -> None:
    assert _shares(Singles(PAIRS, 4), "a") == {0, 1, 2, 3}
    assert len(_shares(Singles([pair for pair in PAIRS if pair[1].id in ("rule-c", "new")], 4), "c")) == 1
