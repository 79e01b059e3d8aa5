"""`python -m bench.elastic URL [EVENTS]`: indexing into a real Elasticsearch node beside a bulk body made by hand; CPU of a document.

`bash tests/servers/elasticsearch/esnode.sh run FOLDER PORT` starts a node (tests/servers/README.md). The body by hand holds the same
documents under other ids, made before the clock starts, one request after the other: it has no work but sending. Rounds alternate.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any, cast
from uuid import uuid4

from bench.journal import sshd_events
from collectors.event import Event
from soc.store.config import StoreConfig, StoreKind
from soc.store.elastic import Client, connect
from soc.store.elastic_events import ElasticEventStore

ROUNDS = 5
BATCH = 10_000
"""Events a step of soc.app.indexing."""

REQUEST = 2_000


def main() -> None:
    if len(sys.argv) < 2:
        print("skipped: name the URL of a node: python -m bench.elastic http://127.0.0.1:9200")
        return
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    config = StoreConfig(
        kind=StoreKind.ELASTICSEARCH,
        hosts=(sys.argv[1],),
        namespace=f"b{uuid4().hex[:8]}",
        timeout=timedelta(minutes=2),
    )
    client = connect(config)
    store = ElasticEventStore(client, config.namespace)
    events = sshd_events(count * ROUNDS + BATCH)
    store.index(events[:BATCH], 0)  # templates, the stream, a warm node
    rates: dict[str, list[float]] = {"soc": [], "by hand": []}
    cpu: list[float] = []
    for number in range(ROUNDS):
        first = BATCH + number * count
        part = events[first : first + count]
        bodies = _bodies(config.namespace, part, first)

        def index(part: list[Event] = part, first: int = first) -> None:
            for at in range(0, len(part), BATCH):
                assert store.index(part[at : at + BATCH], first + at).duplicates == 0

        rates["by hand"].append(count / _timed(lambda bodies=bodies: _send(client, bodies))[0])  # type: ignore[misc]
        wall, used = _timed(index)
        rates["soc"].append(count / wall)
        cpu.append(used / count * 1e6)
    soc, hand = (median(rates[name]) for name in ("soc", "by hand"))
    print(f"by hand: {hand:,.0f} documents/s ({len(b''.join(bodies)) // count} B each with the action)")
    print(
        f"soc:     {soc:,.0f} documents/s ({soc / hand:.0%}), client {min(cpu):.1f} to {max(cpu):.1f}, median {median(cpu):.1f} "
        "microseconds of CPU a document"
    )
    client.close()


def _bodies(namespace: str, events: list[Event], first: int) -> list[bytes]:
    import orjson

    lines = []
    for offset, event in enumerate(events, first):
        event_id = event.id[::-1]  # as random as ours: a node works longer on those than on ascending ones
        document = {**event.document(), "event.id": event_id, "soc.offset": offset}
        action = {"create": {"_index": f"logs-sshd-{namespace}", "_id": event_id}}
        lines.append(orjson.dumps(action) + b"\n" + orjson.dumps(document) + b"\n")
    return [b"".join(lines[at : at + REQUEST]) for at in range(0, len(lines), REQUEST)]


def _send(client: Client, bodies: list[bytes]) -> None:
    for body in bodies:
        answer = client.bulk(operations=cast("Any", [body]), filter_path=("errors",))
        assert not answer["errors"]


def _timed(call: Callable[[], None]) -> tuple[float, float]:
    wall, used = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - used


if __name__ == "__main__":
    main()
