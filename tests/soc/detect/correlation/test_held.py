"""Beyond the bound of hits that wait the earlier half is let go: which, and what is late by then, depends on no batch."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from soc.detect.correlation import ENDLESS, Lateness
from soc.detect.correlation.correlator import Correlator, Finding
from soc.detect.correlation.network import Network
from tests.soc.detect.correlation.material import base, event, over

NETWORK = Network([("r.yml", base("a")), ("c.yml", over("event_count", "a", 20, gte=2))])


def correlated(lateness: Lateness, size: int) -> tuple[list[Finding], dict[str, int], int, int]:
    """400 events within 100 s, each up to 9 s late, of which 30 at most may wait: findings, late and early hits, how many wait then."""
    draw = Random(4)
    times = [(at / 4, at / 4 - draw.random() * 9) for at in range(400)]
    events = [event(time, received=at, user=draw.choice("uvwx"), n=at) for at, time in times]
    running = Correlator(NETWORK, lateness, ["rule-a"], lambda number, route, field: (field,), max_held=30)
    found: list[Finding] = []
    for first in range(0, len(events), size):
        batch = events[first : first + size]
        hits = [(place, (0,), {0: 0}) for place in range(len(batch))]
        told = running.correlate(batch.__getitem__, hits, first, running.observe(batch))
        assert [place for place, _ in told] == sorted(place for place, _ in told)
        found += [finding for _, findings in told for finding in findings]
        assert running.waiting.held <= 30
    held = running.waiting.held
    return found + running.finish(), dict(running.late), running.early, held


@pytest.mark.parametrize("lateness", [Lateness(timedelta(seconds=10)), ENDLESS], ids=["ten seconds", "endless"])
@pytest.mark.parametrize("size", [1, 7, 50])
def test_a_full_waiting_room_gives_the_same_in_any_batches(lateness: Lateness, size: int) -> None:
    expected = correlated(lateness, 400)
    assert expected[0]
    assert expected[1]["s"] > 1, "the bound lets hits go that others come before"
    assert 15 <= expected[2] <= 400 - expected[1]["s"]
    assert correlated(lateness, size) == expected
