"""A rule set with many open groups in; what saving its state costs and how long detection pauses for it out.

.venv/bin/python -m bench.state [--groups 200000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collectors.event import Event
from collectors.record import Position
from soc.app.correlation_state import StateFile
from soc.app.memory import settle
from soc.detect.ruleset import RuleSet, load

RULES = """\
title: Log-in failed
id: 00000000-0000-4000-8000-000000000001
name: failed
logsource: {product: linux}
detection: {s: {message: failed}, condition: s}
level: low
---
title: Passwords guessed
id: 00000000-0000-4000-8000-000000000002
correlation:
    type: event_count
    rules: [failed]
    group-by: [user.name]
    timespan: 30d
    condition: {gte: 5}
level: high
"""
START = datetime(2026, 1, 1, tzinfo=UTC)
BATCH = 5_000


def filled(rules: RuleSet, groups: int) -> None:
    """One failed log-in of each of so many users, a millisecond apart."""
    place = Position("", "s", 0, 0)
    for first in range(0, groups, BATCH):
        batch = [
            Event(
                f"{n:032x}",
                when,
                {"host.os.type": "linux", "message": "failed", "user.name": f"user{n}"},
                b"",
                "bench",
                place,
                when,
            )
            for n in range(first, min(groups, first + BATCH))
            for when in [START + timedelta(milliseconds=n)]
        ]
        rules.detect(batch, first)


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--groups", type=int, default=200_000)
    groups = arguments.parse_args().groups
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yml"
        path.write_text(RULES, encoding="utf-8")
        rules = load([path])
        filled(rules, groups)
        settle()
        began = time.process_time()
        state = rules.state()
        encoded = time.process_time() - began
        file = StateFile(Path(folder) / "state")
        pauses = []
        for _ in range(5):
            began = time.perf_counter()
            file.save(0, "", rules.state)
            pauses.append(time.perf_counter() - began)
            file.save(0, "", rules.state, wait=True)
        again = load([path])
        began = time.process_time()
        again.restore(state)
        restored = time.process_time() - began
    print(f"{rules.stats().groups:,} open groups, {len(state) / 1e6:.1f} MB")
    print(f"encoding {1000 * encoded:.0f} ms CPU (in a child), restoring {1000 * restored:.0f} ms CPU")
    print(f"detection pauses {1000 * sorted(pauses)[2]:.1f} ms (median of 5, worst {1000 * max(pauses):.1f})")


if __name__ == "__main__":
    main()
