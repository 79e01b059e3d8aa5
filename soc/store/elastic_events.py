"""Events in, documents out: the `EventStore` in data streams `logs-<dataset>-<namespace>` of Elasticsearch.

What is found is what the local store finds: the server narrows, soc.store.matching decides. A repeated event is refused by its `_id` (409),
but only inside the current write index of a data stream (measured). So each document carries its offset in the journal; the highest that
was ever sent is the mark, and of what stands at or below it those ids are asked for, in all indices, before they are sent.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from functools import lru_cache
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from collectors.event import Event, Value
from soc.errors import SocError
from soc.store import EventQuery, Indexed
from soc.store.columns import micros
from soc.store.elastic import answering
from soc.store.elastic_bulk import bulk
from soc.store.elastic_document import UnfitError, packed, restored
from soc.store.elastic_mappings import (
    MAX_KEYWORD,
    OFFSET,
    OURS,
    TEXT_FIELDS,
    TIME_US,
    dataset_in,
    events_pattern,
    events_stream,
)
from soc.store.elastic_templates import install, streams
from soc.store.matching import holds, text_of

MAX_STREAMS = 200
"""Data streams of a namespace. The dataset is an event's own word: one who invents names fills `generic`, not the cluster's state."""

GENERIC = "generic"
CLASS = "@"
"""Between a dataset and the class of systems of one of its streams: no dataset has it (`logs-sshd@level_3-soc`)."""

PAGE = 1_000

_log = logging.getLogger(__name__)
_WHOLE = re.compile(r"-?[0-9]{1,300}")
_STRANGE = re.compile(r"[^a-z0-9._]+")
_ORDER = [{"@timestamp": "desc"}, {TIME_US: "desc"}, {OFFSET: "desc"}, {"event.id": "desc"}]


def dataset_of(event: Event) -> str:
    """The dataset part of the data stream's name: a-z, 0-9, "." and "_" only, whatever the event says of itself."""
    said = event.fields.get("event.dataset")
    return _safe(said) if isinstance(said, str) else GENERIC


@lru_cache(4_096)
def _safe(dataset: str) -> str:
    return _STRANGE.sub("_", dataset.lower()).strip("._")[:100] or GENERIC


def class_part(name: str) -> str:
    """A class of systems as the name of a stream has it."""
    return _safe(name)


class ElasticEventStore:
    """`EventStore` on Elasticsearch. What this object wrote, it reads at once; others read it after the refresh interval (1 s)."""

    def __init__(self, client: Elasticsearch, namespace: str, class_of: Callable[[str], str] | None = None) -> None:
        """`class_of`: the class of a system (`service.name`) whose events have streams of their own; "": none. Asks nothing yet."""
        self.client = client
        self._namespace = namespace
        self._class_of = lru_cache(1_024)(class_of) if class_of else None
        self._pattern = events_pattern(namespace)
        self._streams: dict[str, bytes] | None = None  # dataset -> what its action lines begin with
        self._mark = -1
        self._unrefreshed = True  # a process that was killed may have left what no search shows yet
        self._refreshing = threading.Lock()

    def index(self, events: Sequence[Event], first_offset: int) -> Indexed:
        """See EventStore. An event that a lost answer made us send twice counts as a duplicate."""
        self._prepare()
        known = self._stored_before(events, first_offset)
        sent: list[Event] = []
        refused: list[tuple[Event, str]] = []
        self._mark = max(self._mark, first_offset + len(events) - 1)
        try:
            outcomes = bulk(self.client, self._actions(events, first_offset, known, sent, refused))
        finally:
            self._unrefreshed = True  # some may be stored even where it broke off
        stored, duplicates = 0, len(events) - len(sent) - len(refused)
        for event, outcome in zip(sent, outcomes, strict=True):
            if outcome.status == 409:
                duplicates += 1
            elif outcome.status in (400, 413) and not outcome.reason.startswith("validation_exception"):
                refused.append((event, outcome.reason))
            elif outcome.status >= 300:
                raise SocError(f"Elasticsearch refuses events ({outcome.status}): {outcome.reason}")
            else:
                stored += 1
        return Indexed(stored, duplicates, tuple(refused))

    def event(self, event_id: str) -> dict[str, Value] | None:
        """See EventStore."""
        hits = self._hits({"ids": {"values": [event_id]}}, size=1)
        return hits[0]["_source"] if hits else None

    def events(self, event_ids: Sequence[str]) -> list[Event]:
        """See EventStore; the stream of an event is not told, and bytes that were no UTF-8 stand as `event.original` has them."""
        return [restored(document) for document in self.documents(event_ids).values()]

    def held(self, event_ids: Sequence[str]) -> set[str]:
        """See EventStore."""
        found: set[str] = set()
        for at in range(0, len(event_ids), PAGE):
            asked = list(event_ids[at : at + PAGE])
            found.update(hit["_id"] for hit in self._hits({"ids": {"values": asked}}, size=2 * PAGE))
        return found

    def documents(self, event_ids: Sequence[str]) -> dict[str, dict[str, Value]]:
        """The documents of those of these ids that are stored, by id."""
        found: dict[str, dict[str, Value]] = {}
        for at in range(0, len(event_ids), PAGE):
            asked = list(event_ids[at : at + PAGE])
            found.update((hit["_id"], hit["_source"]) for hit in self._hits({"ids": {"values": asked}}, size=2 * PAGE))
        return found

    def search(self, query: EventQuery) -> list[dict[str, Value]]:
        """See EventStore."""
        matches = holds(query.equals)
        found: list[dict[str, Value]] = []
        last = None
        for document in self._candidates(query):
            if len(found) >= query.limit:
                break
            if document["event.id"] != last and matches(document):  # twice while soc store reindex copies an index
                found.append(document)
            last = document["event.id"]
        return found

    def count(self) -> int:
        """See EventStore."""
        self._refresh()
        with answering():
            return int(self.client.count(index=self._pattern, ignore_unavailable=True, allow_no_indices=True)["count"])

    def close(self) -> None:
        """See EventStore."""
        if self._streams is not None:
            with suppress(SocError):  # what is indexed is durable; the refresh only makes it visible sooner
                self._refresh()
        self.client.close()

    def _stored_before(self, events: Sequence[Event], first_offset: int) -> set[str]:
        """Which of the events an earlier attempt, of this process or another, has stored, in whichever index."""
        if first_offset > self._mark:
            return set()
        self._unrefreshed = True
        return self.held([event.id for event in events])

    def _actions(
        self,
        events: Sequence[Event],
        first_offset: int,
        known: AbstractSet[str],
        sent: list[Event],
        refused: list[tuple[Event, str]],
    ) -> Iterator[bytes]:
        """The lines of a bulk request for each event that is not `known`; `sent` gets those events, `refused` those that have none."""
        for offset, event in enumerate(events, first_offset):
            if event.id in known:
                continue
            try:
                source = packed(event, offset)
            except UnfitError as error:
                refused.append((event, str(error)))
                continue
            sent.append(event)
            yield b'%b"_id":"%b"}}\n%b\n' % (self._action(self._dataset(event)), event.id.encode(), source)

    def _dataset(self, event: Event) -> str:
        dataset = dataset_of(event)
        if self._class_of is None:
            return dataset
        system = event.fields.get("service.name")
        kept_as = self._class_of(system) if isinstance(system, str) else ""
        return f"{dataset}{CLASS}{class_part(kept_as)}" if kept_as else dataset

    def _action(self, dataset: str) -> bytes:
        """What the action lines of a dataset begin with."""
        assert self._streams is not None
        if action := self._streams.get(dataset):
            return action
        if len(self._streams) >= MAX_STREAMS:
            return self._begin(GENERIC)
        action = self._streams[dataset] = self._begin(dataset)
        if len(self._streams) == MAX_STREAMS:
            _log.warning(
                "no further data streams are made: events of new datasets go to the generic one",
                extra={"streams": MAX_STREAMS},
            )
        return action

    def _begin(self, dataset: str) -> bytes:
        return b'{"create":{"_index":"%b",' % events_stream(dataset, self._namespace).encode()

    def _prepare(self) -> None:
        """Once before the first write: the templates that this version needs, and the data streams that exist."""
        if self._streams is not None:
            return
        install(self.client, self._namespace)
        existing = [dataset_in(stream.name) for stream in streams(self.client, self._namespace)]
        self._mark = self._highest_offset()
        self._streams = {dataset: self._begin(dataset) for dataset in existing}

    def _highest_offset(self) -> int:
        self._refresh()
        with answering():
            answer = self.client.search(
                index=self._pattern,
                size=0,
                aggregations={"highest": {"max": {"field": OFFSET}}},
                track_total_hits=False,
                ignore_unavailable=True,
                allow_no_indices=True,
                allow_partial_search_results=False,
            )
        highest = answer.get("aggregations", {}).get("highest", {}).get("value")  # no index, no aggregations
        return -1 if highest is None else int(highest)

    def _candidates(self, query: EventQuery) -> Iterator[dict[str, Value]]:
        """Documents, newest first, page by page and never by `from` (which ends at 10,000)."""
        after: list[Any] | None = None
        condition = _condition(query)
        while True:
            hits = self._hits(condition, size=min(PAGE, max(query.limit, 1)), after=after)
            yield from (hit["_source"] for hit in hits)
            if len(hits) < min(PAGE, max(query.limit, 1)):
                return
            after = hits[-1]["sort"]

    def _hits(self, condition: dict[str, Any], *, size: int, after: list[Any] | None = None) -> list[dict[str, Any]]:
        self._refresh()
        with answering():
            answer = self.client.search(
                index=self._pattern,
                query=condition,
                sort=_ORDER,
                size=size,
                search_after=after,
                source={"excludes": list(OURS)},
                track_total_hits=False,
                ignore_unavailable=True,
                allow_no_indices=True,
                allow_partial_search_results=False,
            )
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    def _refresh(self) -> None:
        with self._refreshing:  # a second thread waits for the refresh that shows it what was indexed
            if not self._unrefreshed:
                return
            self._unrefreshed = False  # before the call: what is indexed meanwhile asks for the next one
            try:
                with answering():
                    self.client.indices.refresh(index=self._pattern, ignore_unavailable=True, allow_no_indices=True)
            except SocError:
                self._unrefreshed = True
                raise


def _condition(query: EventQuery) -> dict[str, Any]:
    filters: list[dict[str, Any]] = []
    absent: list[dict[str, Any]] = []
    bounds = {"gte": query.since, "lt": query.until}
    span = {operator: micros(moment) for operator, moment in bounds.items() if moment is not None}
    if span:
        filters.append({"range": {TIME_US: span}})
        filters.append({"range": {"@timestamp": _milliseconds(span)}})  # lets the server skip whole backing indices
    for field, wanted in query.equals.items():
        if wanted is None:
            absent.append({"exists": {"field": field}})
        for element in wanted if isinstance(wanted, list) else [wanted]:
            if element is not None:
                filters += _equal(field, element)
    return {"bool": {"filter": filters, "must_not": absent}}


def _equal(field: str, wanted: str | float) -> list[dict[str, Any]]:
    """Conditions that every document fulfils in which the field equals; `lenient`: a word asked of a number is no error, it equals none."""
    text = text_of(wanted)
    if len(text) > MAX_KEYWORD:  # no longer value is indexed
        return []
    name = f"{field}.keyword" if field in TEXT_FIELDS else field
    each = [{"match": {name: {"query": spelling, "lenient": True}}} for spelling in _spellings(text)]
    return each if len(each) == 1 else [{"bool": {"should": each}}]


def _spellings(text: str) -> list[str]:
    """The text, and of a whole number how JSON writes it where it is kept as a fraction."""
    if not _WHOLE.fullmatch(text):
        return [text]
    return list(dict.fromkeys((text, f"{text}.0", orjson.dumps(float(text)).decode())))


def _milliseconds(span: dict[str, int]) -> dict[str, Any]:
    rounded = {"gte": span["gte"] // 1000} if "gte" in span else {}
    return {**rounded, **({"lt": -(-span["lt"] // 1000)} if "lt" in span else {}), "format": "epoch_millis"}
