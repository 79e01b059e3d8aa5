"""A search in the language of `soc search` in, documents and counts of a namespace of Elasticsearch out.

The node narrows and soc.store.meaning decides. Counts are the node's where its answer is the meaning (values, wildcards and ranges that it
knows exactly); else what it finds is read and counted here. Counting on the node folds case and shows a value as one of the events writes
it; values of more than MAX_KEYWORD characters are not counted there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from elasticsearch import Elasticsearch

from collectors.event import Value
from soc.store.columns import micros
from soc.store.elastic import answering
from soc.store.elastic_copy import pages
from soc.store.elastic_mappings import DATES, LONGS, OFFSET, OURS, TEXT_FIELDS, TIME_US, UNSEARCHABLE, events_pattern
from soc.store.language import All, Compares, Equals, Exists, Not, Query, Text
from soc.store.language import Any as Some
from soc.store.matching import is_address, text_of
from soc.store.meaning import TIMES, elements, holds, moment

_EVERYTHING: dict[str, Any] = {"match_all": {}}
_TYPED = LONGS | DATES | {"@timestamp", TIME_US, OFFSET}
"""Fields that are no text to the node."""

_MOST_VALUES = 10_000
_RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ASCII = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class Narrowed:
    """A condition that holds of every document that is meant, leaving aside `UNSEARCHABLE`; `exact`: and of no other."""

    condition: dict[str, Any]
    exact: bool


class ElasticSearch:
    """One search over a span of time: `since` (inclusive) to `until` (exclusive)."""

    def __init__(
        self,
        client: Elasticsearch,
        namespace: str,
        query: Query,
        since: datetime,
        until: datetime,
        zone: tzinfo,
        index: str = "",
    ) -> None:
        """`index`: one of the namespace, alone. Raises: SocError for values that cannot be compared. Asks nothing of the server yet."""
        self._client = client
        self._index = index or events_pattern(namespace)
        self._holds = holds(query, zone)
        self._narrowed = narrowed(query, zone)
        low, high = micros(since), micros(until)
        self._span = [
            {"range": {TIME_US: {"gte": low, "lt": high}}},
            # lets the server skip whole backing indices
            {"range": {"@timestamp": {"gte": low // 1000, "lt": -(-high // 1000), "format": "epoch_millis"}}},
        ]

    def events(self, limit: int, fields: Sequence[str] = ()) -> Iterator[dict[str, Value]]:
        """Documents, newest first, at most so many, from one point in time; whole ones, whichever `fields` are looked at."""
        del fields
        if limit:
            for number, document in enumerate(self._documents(min(limit, 1_000)), 1):
                yield document
                if number == limit:
                    return

    def histogram(self, every: timedelta, by: str) -> dict[datetime, Counter[str]]:
        """Events of each stretch of time that has some, by its begin: a count for each value of the field `by` ("": none, or no field)."""
        found: dict[datetime, Counter[str]] = {}
        if self._narrowed.exact and not by and every >= timedelta(milliseconds=1):
            interval = f"{every // timedelta(milliseconds=1)}ms"
            asked = {"date_histogram": {"field": "@timestamp", "fixed_interval": interval, "min_doc_count": 1}}
            for bucket in self._counted(asked)["buckets"]:
                begin = _EPOCH + timedelta(milliseconds=bucket["key"])
                found[begin] = Counter({"": bucket["doc_count"]})
            return found
        for document in self._documents():
            time = datetime.fromisoformat(str(document["@timestamp"]))
            begin = _EPOCH + (time - _EPOCH) // every * every
            for value in _values(document, by) or [""]:
                found.setdefault(begin, Counter())[value] += 1
        return dict(sorted(found.items()))

    def top(self, field: str, limit: int) -> list[tuple[str, int]]:
        """The most frequent values of a field and how many events have them."""
        if self._narrowed.exact and field not in TEXT_FIELDS:
            asked = {
                "terms": {"field": field, "size": min(limit, _MOST_VALUES)},
                "aggregations": {"as_written": {"top_hits": {"size": 1, "_source": [field]}}},
            }
            return [(_written(bucket, field), bucket["doc_count"]) for bucket in self._counted(asked)["buckets"]]
        counted: Counter[str] = Counter()
        for document in self._documents():
            counted.update(set(_values(document, field)))
        return counted.most_common(limit)

    def explain(self) -> dict[str, Any]:
        """The condition that the node narrows by, and whether counts are left to it."""
        return {"index": self._index, "counted_by_the_node": self._narrowed.exact, "condition": self._condition()}

    def _condition(self, *, exact: bool = False) -> dict[str, Any]:
        inner = self._narrowed.condition
        if not exact and inner != _EVERYTHING:
            inner = {"bool": {"should": [inner, UNSEARCHABLE]}}
        return {"bool": {"filter": [*self._span, inner]}}

    def _counted(self, aggregation: dict[str, Any]) -> dict[str, Any]:
        with answering():
            self._client.indices.refresh(index=self._index, ignore_unavailable=True, allow_no_indices=True)
            answer = self._client.search(
                index=self._index,
                query=self._condition(exact=True),
                aggregations={"asked": aggregation},
                size=0,
                track_total_hits=False,
                allow_partial_search_results=False,
                ignore_unavailable=True,
                allow_no_indices=True,
            )
        found: dict[str, Any] = answer.get("aggregations", {}).get("asked", {"buckets": []})  # no index, no answer
        return found

    def _documents(self, page: int = 1_000) -> Iterator[dict[str, Value]]:
        last = None
        for hits in pages(self._client, self._index, self._condition(), "desc", page):
            for hit in hits:
                document = {name: value for name, value in hit["_source"].items() if name not in OURS}
                if hit["_id"] != last and self._holds(document):  # twice while soc store reindex copies an index
                    yield document
                last = hit["_id"]


def narrowed(query: Query, zone: tzinfo = UTC) -> Narrowed:
    """What the node can say of a search."""
    match query:
        case All(parts):
            each = [narrowed(part, zone) for part in parts]
            conditions = [one.condition for one in each if one.condition != _EVERYTHING]
            return Narrowed(
                {"bool": {"filter": conditions}} if conditions else _EVERYTHING, all(one.exact for one in each)
            )
        case Some(parts):
            each = [narrowed(part, zone) for part in parts]
            if any(one.condition == _EVERYTHING for one in each):
                return Narrowed(_EVERYTHING, exact=any(one.exact and one.condition == _EVERYTHING for one in each))
            return Narrowed({"bool": {"should": [one.condition for one in each]}}, all(one.exact for one in each))
        case Not(part):
            inner = narrowed(part, zone)
            return (
                Narrowed({"bool": {"must_not": [inner.condition]}}, exact=True)
                if inner.exact
                else Narrowed(_EVERYTHING, exact=False)
            )
        case Exists(field):
            return Narrowed({"exists": {"field": field}}, exact=True)
        case Text():
            return _text(query)
        case Compares():
            return _compares(query, zone)
        case Equals():
            return _equals(query)


def _text(leaf: Text) -> Narrowed:
    """Words have borders that only soc.store.meaning knows: the node looks for their characters in order."""
    fields = [_whole(leaf.field)] if leaf.field else [_whole("message"), "event.original"]
    runs = [run for part in leaf.parts for run in _ASCII.findall(part)]
    if not runs:
        return Narrowed(_EVERYTHING, exact=False)
    value = "*" + "*".join(map(_literal, runs)) + "*"
    each = [{"wildcard": {field: {"value": value}}} for field in fields]
    return Narrowed({"bool": {"should": each}}, exact=False)


def _equals(leaf: Equals) -> Narrowed:
    field, plain = _whole(leaf.field), all(part.isascii() for part in leaf.parts)
    if leaf.field in LONGS and not leaf.wild:
        return Narrowed({"match": {field: {"query": leaf.parts[0], "lenient": True}}}, exact=leaf.parts[0].isdigit())
    if not plain or leaf.field in _TYPED or is_address(leaf.field):
        if is_address(leaf.field) and not leaf.wild:  # what is no address is in _ignored
            return Narrowed({"match": {field: {"query": leaf.parts[0], "lenient": True}}}, exact=False)
        return Narrowed(_EVERYTHING, exact=False)
    if not leaf.wild and _is_number(leaf.parts[0]):  # 1 is written 1.0 too
        return Narrowed({"exists": {"field": field}}, exact=False)
    if not leaf.wild:
        return Narrowed({"term": {field: {"value": leaf.parts[0]}}}, exact=True)
    pattern = "".join(_literal(part) + wild for part, wild in zip(leaf.parts, (*leaf.wild, ""), strict=True))
    return Narrowed({"wildcard": {field: {"value": pattern}}}, exact=True)


def _compares(leaf: Compares, zone: tzinfo) -> Narrowed:
    if leaf.field == "@timestamp":
        return Narrowed({"range": {TIME_US: {_RANGES[leaf.sign]: micros(moment(leaf.value, zone))}}}, exact=True)
    if leaf.field in TIMES:
        return _came_in(leaf, micros(moment(leaf.value, zone)))
    if leaf.field in LONGS:
        return Narrowed({"range": {leaf.field: {_RANGES[leaf.sign]: float(leaf.value)}}}, exact=False)
    return Narrowed({"exists": {"field": _whole(leaf.field)}}, exact=False)


def _came_in(leaf: Compares, limit: int) -> Narrowed:
    """When it came in, which a date of the server has to the millisecond."""
    whole = limit % 1000 == 0 and leaf.sign in (">=", "<")
    edge = limit // 1000 if whole or leaf.sign[0] == ">" else -(-limit // 1000)
    sign = _RANGES[leaf.sign] if whole else _RANGES[leaf.sign[0] + "="]
    return Narrowed({"range": {leaf.field: {sign: edge, "format": "epoch_millis"}}}, exact=whole)


def _whole(field: str) -> str:
    return f"{field}.keyword" if field in TEXT_FIELDS else field


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _literal(text: str) -> str:
    return "".join(f"\\{c}" if c in "*?\\" else c for c in text)


def _values(document: dict[str, Value], field: str) -> list[str]:
    return [text_of(value) for value in elements(document.get(field))] if field else []


def _written(bucket: dict[str, Any], field: str) -> str:
    """A value as an event has it: the index folds case."""
    key = str(bucket["key_as_string"] if "key_as_string" in bucket else bucket["key"])
    hits = bucket["as_written"]["hits"]["hits"]
    values = _values(hits[0]["_source"], field) if hits else []
    return next((value for value in values if value.lower() == key.lower()), key)
