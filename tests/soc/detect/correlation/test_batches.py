"""How events are cut into batches changes nothing: what is late is decided by what came before an event, not by what is in its batch."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from collectors.event import Event, make_event
from collectors.record import Position, RawRecord
from soc.detect.rule_tests import RECEIVED
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import load
from tests.soc.detect.test_rule_test_sequences import CORRELATION


def failure(second: float, received: float, number: int) -> Event:
    time = RECEIVED + timedelta(seconds=second)
    record = RawRecord(b"x", "auth", Position("", "s", number, number), RECEIVED + timedelta(seconds=received))
    fields = {
        "event.dataset": "sshd",
        "event.action": "ssh-login",
        "event.outcome": "failure",
        "source.ip": "192.0.2.9",
    }
    return make_event(record, time, fields)


EVENTS = [
    *[failure(n, 100, n) for n in range(10)],  # a spool that is read in one go
    failure(60, 101, 10),  # moves the watermark past all of them
    failure(5, 101, 11),  # late
]


@pytest.mark.parametrize("size", [1, 3, 10, 11, 12])
def test_batches_of_any_size_give_the_same(tmp_path: Path, size: int) -> None:
    (tmp_path / "burst.yml").write_text(CORRELATION.replace("ssh_login", "ssh-login"), encoding="utf-8")
    rules = RuleSet(load([tmp_path]))
    found = [each for at in range(0, len(EVENTS), size) for each in rules.detect(EVENTS[at : at + size])]
    assert [each.numbers for each in [*found, *rules.finish()]] == [tuple(range(10))]
    assert rules.stats().late == {"auth": 1}
