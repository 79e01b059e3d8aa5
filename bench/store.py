"""`python -m bench.store [EVENTS]`: how fast the local stores index, find and fold, in items a CPU second of this process."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from collectors.event import Event, make_event
from collectors.journal import JournalConfig, open_journal
from collectors.record import Position, RawRecord
from iso27001.ledger import Entry
from soc.alert import Alert, Entity
from soc.alert import facts as alert_facts
from soc.detect import Level
from soc.store import AlertQuery, EventQuery
from soc.store.config import StoreConfig
from soc.store.opening import open_events, open_projections

DAY = datetime(2026, 10, 14, tzinfo=UTC)
BATCH = 2000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with TemporaryDirectory() as folder:
        bench_events(Path(folder), count)
        bench_alerts(Path(folder), 5_000)


def bench_events(folder: Path, count: int) -> None:
    random = Random(1)
    hosts = [f"srv-{n:03}" for n in range(200)]
    journal = open_journal(JournalConfig(folder / "journal"))
    store = open_events(StoreConfig(), journal, folder / "events.db")
    spent = 0.0
    for first in range(0, count, BATCH):
        batch = [_event(n, random, hosts) for n in range(first, min(first + BATCH, count))]
        journal.append(batch, {}, ())
        begun = time.process_time()
        store.index(batch, first)
        spent += time.process_time() - begun
    store.close()  # what a checkpoint leaves is what an event costs
    size = (folder / "events.db").stat().st_size
    store = open_events(StoreConfig(), journal, folder / "events.db")
    print(f"index: {count / spent:,.0f} events/CPU-s, {size / count:.0f} bytes an event")
    middle = DAY + timedelta(seconds=count / 2)
    _timed("newest 100", lambda: store.search(EventQuery()))
    _timed(
        "100 of one host in the past", lambda: store.search(EventQuery(until=middle, equals={"host.name": hosts[7]}))
    )
    _timed("100 of one user (not indexed)", lambda: store.search(EventQuery(equals={"user.name": "u17"})))
    _timed("no event of an unknown user", lambda: store.search(EventQuery(equals={"user.name": "nobody"})))
    _timed("one by id", lambda: store.event(_event(count // 2, random, hosts).id))
    _timed("count", store.count)
    store.close()
    journal.close()


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


def _event(n: int, random: Random, hosts: list[str]) -> Event:
    when = DAY + timedelta(seconds=n)
    text = b"sshd[%d]: Failed password for u%d from 192.0.2.%d port 40022 ssh2" % (n, n % 1000, n % 250)
    fields = {"event.dataset": "sshd", "host.name": random.choice(hosts), "user.name": f"u{n % 1000}", "process.pid": n}
    return make_event(RawRecord(text, "auth", Position("auth.log", "s", n, n + 1), when), when, fields)


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
