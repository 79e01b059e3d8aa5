"""Data streams in; write indices that are old enough followed by new ones, and indices whose time is over (soc.app.keeping) dropped, with a
fact each.

A class of systems has streams of its own, so an index has one period, that begins when the last of its events came in. Evidence
(soc.app.holding) is copied into the stream's write index before. The server's own lifecycle would drop without a fact, and evidence too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from iso27001.ledger import Fact
from soc.app.holding import holds, named
from soc.app.keeping import Keeping, Looked, Plan
from soc.app.sealing import DROPPED
from soc.app.site import Site
from soc.app.store_care import elastic_store
from soc.app.store_retention import OTHERS

if TYPE_CHECKING:
    from soc.store.elastic import Client
    from soc.store.elastic_templates import Stream

WRITTEN_FOR = 12
"""Parts of a period: what is kept a year is in indices of a month, and the last of its events stays a month longer."""

LONGEST = timedelta(days=30)
LARGEST = "50gb"
"""Of a write index, whatever its age."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What an index holds: how many events, which offsets, and when the last came in."""

    events: int
    first: int
    end: int
    received: datetime


def index_plans(site: Site, keep: Keeping, now: datetime) -> Iterator[Plan]:
    """One plan an index, of each stream from the oldest on to the first that is young. Raises: SocError."""
    from soc.store.elastic_events import CLASS, class_part
    from soc.store.elastic_mappings import dataset_in
    from soc.store.elastic_templates import streams

    _, client = elastic_store(site)
    keys = {class_part(key): key for key in sorted(keep.config.retention_of, key=keep.config.retention_of.__getitem__)}
    evidence: set[str] | None = None
    for stream in streams(client, site.config.store.namespace):
        key = keys.get(dataset_in(stream.name).partition(CLASS)[2], "")
        period = keep.config.retention_of.get(key, keep.config.retention)
        for index in stream.indices:
            held = _held(client, index)
            age = now - held.received
            if index == stream.indices[-1]:
                if held.events and now - _made(client, index) >= min(period / WRITTEN_FOR, LONGEST):
                    why = "a new index is written from now on"
                    yield Plan(
                        Looked("store", index, held.events, held.received, 0, why), partial(_roll, client, stream)
                    )
                break
            if age < period:
                break
            evidence = named(site) if evidence is None else evidence
            kept = _evidence(site, client, index, evidence)
            why = f"{len(kept):,} are evidence or on hold" if kept else ""
            looked = Looked("store", index, held.events, held.received, held.events - len(kept), why)
            classes = [{"class": key or OTHERS, "days": period.days, "events": looked.dropped}]
            yield Plan(looked, partial(_drop, site, client, stream, looked, held, kept, classes))


def _held(client: Client, index: str) -> _Held:
    """Evidence that was copied here counts as an event, and not as what came in since; of a migrated index everything does."""
    from soc.store.elastic import answering
    from soc.store.elastic_mappings import OFFSET

    asked = {
        "received": {"max": {"field": "event.ingested"}},
        "first": {"min": {"field": OFFSET}},
        "last": {"max": {"field": OFFSET}},
    }
    made = int(_made(client, index).timestamp() * 1_000) - 3_600_000
    since = {"range": {"event.ingested": {"gte": made, "format": "epoch_millis"}}}
    with answering():
        client.indices.refresh(index=index)
        answer = client.search(
            index=index,
            size=0,
            track_total_hits=True,
            aggregations={**asked, "own": {"filter": since, "aggregations": asked}},
        )
    whole: dict[str, Any] = answer["aggregations"]
    found = whole["own"] if whole["own"]["doc_count"] else whole
    events = int(answer["hits"]["total"]["value"])
    if not events:
        return _Held(0, 0, 0, _made(client, index))
    first, last = int(found["first"]["value"] or 0), int(found["last"]["value"] or 0)
    return _Held(events, first, last + 1, datetime.fromtimestamp(found["received"]["value"] / 1_000, UTC))


def _made(client: Client, index: str) -> datetime:
    from soc.store.elastic import answering

    with answering():
        found = client.indices.get_settings(index=index, name="index.creation_date").body
    return datetime.fromtimestamp(int(found[index]["settings"]["index"]["creation_date"]) / 1_000, UTC)


def _evidence(site: Site, client: Client, index: str, ids: set[str]) -> dict[str, dict[str, Any]]:
    """The documents of an index that stay, by their id."""
    from soc.store.elastic import answering
    from soc.store.elastic_copy import PAGE
    from soc.store.elastic_search import ElasticSearch
    from soc.store.language import parse

    found: dict[str, dict[str, Any]] = {}
    namespace, zone = site.config.store.namespace, site.config.site.zone
    for each in holds(site):
        search = ElasticSearch(client, namespace, parse(each.query), each.span.since, each.span.until, zone, index)
        ids = ids.union(str(document["event.id"]) for document in search.events(sys.maxsize))
    asked = sorted(ids)
    for at in range(0, len(asked), PAGE):
        with answering():
            documents = client.mget(index=index, ids=asked[at : at + PAGE])["docs"]
        found.update((each["_id"], each["_source"]) for each in documents if each.get("found"))
    return found


def _roll(client: Client, stream: Stream) -> None:
    from soc.store.elastic import answering

    with answering():
        client.indices.rollover(alias=stream.name)


def _drop(
    site: Site,
    client: Client,
    stream: Stream,
    looked: Looked,
    held: _Held,
    kept: dict[str, dict[str, Any]],
    classes: list[dict[str, Any]],
) -> None:
    """Evidence first, then the fact, then the index; a run that died between is done again to the same end."""
    from soc.store.elastic import answering
    from soc.store.elastic_copy import PAGE, create

    ids = sorted(kept)
    for at in range(0, len(ids), PAGE):
        part = ids[at : at + PAGE]
        elsewhere = {"bool": {"filter": [{"ids": {"values": part}}], "must_not": [{"term": {"_index": looked.file}}]}}
        with answering():
            client.indices.refresh(index=stream.name)
            hits = client.search(index=stream.name, query=elsewhere, size=2 * PAGE, source=False)["hits"]["hits"]
        moved = {hit["_id"] for hit in hits}
        create(client, [(stream.name, kept[each]) for each in part if each not in moved])
    body = {
        "segment": looked.file,
        "from": held.first,
        "to": held.end,
        "events": looked.events,
        "dropped": looked.dropped,
        "left": len(kept),
        "received": looked.received.isoformat(),
        "sha256": {},
        "classes": classes,
        "held": len(kept),
    }
    site.ledger.append([Fact(f"{DROPPED}:{looked.file}:{len(kept)}", DROPPED, site.clock(), "engine", body)])
    with answering():
        client.indices.delete(index=looked.file)
