"""`python -m bench.store [ALERTS]`: how fast the local projections fold and find, in items a CPU second (events: bench.search)."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from iso27001.ledger import Entry
from soc.alert import Alert, Entity
from soc.alert import facts as alert_facts
from soc.detect import Level
from soc.store import AlertQuery
from soc.store.config import StoreConfig
from soc.store.opening import open_projections

DAY = datetime(2026, 10, 14, tzinfo=UTC)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    with TemporaryDirectory() as folder:
        bench_alerts(Path(folder), count)


def bench_alerts(folder: Path, count: int) -> None:
    random = Random(2)
    projections = open_projections(StoreConfig(), folder / "projections.db")
    alerts = [_alert(n, random) for n in range(count)]
    facts = [alert_facts.opened(one, DAY) for one in alerts]
    for n in range(3 * count):
        one = random.choice(alerts)
        facts.append(alert_facts.repeated(replace(one, risk=random.randrange(100)), [f"{n}"], [f"{n:032x}"], DAY))
    entries = [Entry(seq, fact) for seq, fact in enumerate(facts)]
    begun = time.process_time()
    projections.apply(entries)
    print(f"fold: {len(entries) / (time.process_time() - begun):,.0f} facts/CPU-s")
    _timed(f"ids of {count:,} alerts", lambda: projections.alert_ids(AlertQuery()))
    _timed(
        "ids by level and text",
        lambda: projections.alert_ids(AlertQuery(levels=frozenset({Level.HIGH}), text="192.0.2.7")),
    )
    page = list(projections.alert_ids(AlertQuery()))[:256]
    _timed("a page of 256 alerts", lambda: projections.alerts(page))
    projections.close()


def _timed(name: str, call: Callable[[], object]) -> None:
    call()
    begun = time.process_time()
    call()
    print(f"{name}: {(time.process_time() - begun) * 1000:.1f} ms CPU")


def _alert(n: int, random: Random) -> Alert:
    entity = Entity("source.ip", f"192.0.2.{n % 250}")
    return Alert(
        id=f"{n:032x}",
        rule_id="rule",
        rule_version="0" * 64,
        title="Log-on guessed",
        level=random.choice(list(Level)),
        tags=("attack.t1110",),
        logsource="product:linux/service:sshd",
        entity=entity,
        entities=(entity,),
        system="",
        first_seen=DAY,
        last_seen=DAY + timedelta(seconds=n),
        count=1,
        risk=random.randrange(100),
        risk_why=("level",),
        due=DAY,
        event_ids=(f"{n:032x}",),
        matched=(),
    )


if __name__ == "__main__":
    main()
