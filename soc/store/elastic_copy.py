"""Documents of a namespace in and out: `export`, `load`, and `reindex`, which gives old backing indices the mappings of today.

Every copy is counted and hashed on both sides before anything is told or deleted. An interrupted one begins again: what is there is 409.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import Any, Literal

import orjson
from elasticsearch import Elasticsearch, NotFoundError

from soc.errors import SocError
from soc.store.elastic import answering
from soc.store.elastic_bulk import bulk
from soc.store.elastic_mappings import OFFSET, TIME_US, dataset_in, events_stream
from soc.store.elastic_templates import Stream, drift, streams

PAGE = 1_000
_KEPT = "5m"
"""How long a point in time outlives its last page."""

Tell = Callable[[int], None]
"""Is told how many documents are done."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How many documents, how many of them stood there before, and the SHA-256 over all, in their order."""

    documents: int
    present: int
    sha256: str


def pages(
    client: Elasticsearch,
    index: str,
    condition: Mapping[str, Any] | None = None,
    order: Literal["asc", "desc"] = "asc",
    size: int = PAGE,
) -> Iterator[list[dict[str, Any]]]:
    """The documents that fulfil a condition (default: all) as hits, by their time, from one point in time: nothing that comes meanwhile."""
    by = [{field: {"order": order, "unmapped_type": "long"}} for field in ("@timestamp", TIME_US, OFFSET, "event.id")]
    with answering():
        client.indices.refresh(index=index, ignore_unavailable=True, allow_no_indices=True)
        try:
            point = client.open_point_in_time(index=index, keep_alive=_KEPT)["id"]
        except NotFoundError:  # no event was ever stored
            return
    try:
        after: list[Any] | None = None
        while True:
            with answering():
                answer = client.search(
                    pit={"id": point, "keep_alive": _KEPT},
                    query=condition,
                    sort=by,
                    size=size,
                    search_after=after,
                    track_total_hits=False,
                    allow_partial_search_results=False,
                )
            point = answer["pit_id"]
            hits: list[dict[str, Any]] = answer["hits"]["hits"]
            if hits:
                yield hits
            if len(hits) < size:
                return
            after = hits[-1]["sort"]
    finally:
        with answering():
            client.close_point_in_time(id=point)


def export(client: Elasticsearch, namespace: str, write: Callable[[bytes], object], tell: Tell) -> Copied:
    """Every event as one JSON line `{"stream", "document"}`; the last line says how many there are and their hash."""
    digest, count = sha256(), 0
    for stream in streams(client, namespace):
        for hits in pages(client, stream.name):
            for hit in hits:
                line = orjson.dumps({"stream": stream.name, "document": hit["_source"]}) + b"\n"
                digest.update(line)
                write(line)
            count += len(hits)
            tell(count)
    write(orjson.dumps({"documents": count, "sha256": digest.hexdigest()}) + b"\n")
    return Copied(count, 0, digest.hexdigest())


def load(client: Elasticsearch, namespace: str, lines: Iterable[bytes], tell: Tell) -> Copied:
    """What `export` wrote, into the data streams of this namespace. Raises: SocError where lines are missing, changed or refused."""
    digest, count, present = sha256(), 0, 0
    end: dict[str, Any] = {}

    def documents() -> Iterator[tuple[str, dict[str, Any]]]:
        nonlocal end
        for number, line in enumerate(lines, 1):
            try:
                row = orjson.loads(line)
                if "sha256" in row:
                    end = row
                    return
                digest.update(line)
                yield events_stream(dataset_in(str(row["stream"])), namespace), row["document"]
            except (ValueError, KeyError, TypeError, IndexError) as error:
                raise SocError(f"line {number} is not one that soc store export wrote: {error}") from error

    waiting = documents()
    while batch := list(islice(waiting, PAGE)):
        present += create(client, batch)
        count += len(batch)
        tell(count)
    if not end:
        raise SocError(f"the file ends after {count:,} documents without the line that says how many there are")
    if (end["documents"], end["sha256"]) != (count, digest.hexdigest()):
        raise SocError(
            f"the file is not as it was written: it says {end['documents']:,} documents, {count:,} were read"
        )
    return Copied(count, present, digest.hexdigest())


def reindex(client: Elasticsearch, namespace: str, tell: Tell) -> list[tuple[str, Copied]]:
    """Gives the events of backing indices that have drifted the mappings of today; each such index and what was copied.

    While it runs, events stand twice for a while: searches show them once, counts do not. Raises: SocError where a copy is not the same as
    what it was made of; then the old index stays.
    """
    old = {each.index for each in drift(client, namespace)}
    copied: list[tuple[str, Copied]] = []
    for stream in streams(client, namespace):
        if stream.indices[-1] in old:
            with answering():
                client.indices.rollover(alias=stream.name)
        drifted = [index for index in stream.indices if index in old]
        copied += [(index, _moved(client, stream, index, tell)) for index in drifted]
    return copied


def _moved(client: Elasticsearch, stream: Stream, index: str, tell: Tell) -> Copied:
    count = present = 0
    before, after = sha256(), sha256()
    with answering():
        target = next(
            each
            for each in client.indices.resolve_index(name=stream.name)["data_streams"]
            if each["name"] == stream.name
        )["backing_indices"][-1]
    for hits in pages(client, index):
        present += create(client, [(stream.name, hit["_source"]) for hit in hits])
        with answering():
            found = client.mget(index=target, ids=[hit["_id"] for hit in hits])["docs"]
        for hit, copy in zip(hits, found, strict=True):
            before.update(_canonical(hit["_source"]))
            after.update(_canonical(copy.get("_source", {})))
        count += len(hits)
        tell(count)
    if before.digest() != after.digest():
        raise SocError(f"{index}: the copy in {target} is not the same; the index stays as it is")
    with answering():
        client.indices.delete(index=index)
    return Copied(count, present, after.hexdigest())


def create(client: Elasticsearch, documents: list[tuple[str, dict[str, Any]]]) -> int:
    """Create documents by their events' ids; how many of them stood there. Raises: SocError where one is refused."""
    actions = [
        orjson.dumps({"create": {"_index": stream, "_id": document["event.id"]}})
        + b"\n"
        + orjson.dumps(document)
        + b"\n"
        for stream, document in documents
    ]
    present = 0
    for (stream, document), outcome in zip(documents, bulk(client, actions), strict=True):
        present += outcome.status == 409
        if outcome.status >= 300 and outcome.status != 409:
            raise SocError(f"{stream} refuses event {document['event.id']} ({outcome.status}): {outcome.reason}")
    return present


def _canonical(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
