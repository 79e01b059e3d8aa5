"""Queries that rules were converted to in, the stored events that the rules may fire on out: the node narrows, the engine decides.

Where a query is not the rule (`Query.inexact`, `Query.problem`), or the node does not take it, every event is a candidate that the rule
could read (`Query.covers`); so is each with a value that no index holds. None that the rule fires on is left out, and what the node
refuses is told (`Refusals`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from elasticsearch import Elasticsearch

from collectors.event import Event
from soc.detect.sigma.convert import Query
from soc.errors import SocError, UnreachableError
from soc.store.columns import micros
from soc.store.elastic import answering, reason_of
from soc.store.elastic_copy import PAGE, pages
from soc.store.elastic_document import restored
from soc.store.elastic_mappings import TIME_US, UNSEARCHABLE, events_pattern

AT_ONCE = 20
"""Queries in a request; each is a search of its own."""

NEWEST = 100
"""Events among which the newest is looked for: a clock that is fast makes an event look newer than it is."""


@dataclass(slots=True)
class Refusals:
    """What the node does not take, by the title of the rule, with its reason. `queries`: all events that the rule could read were read
    instead; `rules`: not even these, so that the rule was not hunted."""

    queries: dict[str, str] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)


def candidates(
    client: Elasticsearch,
    namespace: str,
    queries: Sequence[Query],
    since: datetime,
    until: datetime,
    refusals: Refusals,
) -> Iterator[list[Event]]:
    """Events that happened from `since` (inclusive) to `until` (exclusive), each once, some at a time, in no order.

    `refusals` is filled meanwhile. Raises: SocError.
    """
    index = events_pattern(namespace)
    span = _span(since, until)
    with answering():
        client.indices.refresh(index=index, ignore_unavailable=True, allow_no_indices=True)
    seen: set[str] = set()
    titles: dict[tuple[str, str], list[str]] = {}
    for each in queries:
        titles.setdefault((each.covers, "" if each.problem or each.inexact else each.query), []).append(each.title)
    wanted = {(covers, query) for covers, query in titles if not query or (covers, "") not in titles}
    for first in range(0, len(asked := sorted(wanted)), AT_ONCE):
        part = asked[first : first + AT_ONCE]
        bodies: list[dict[str, Any]] = []
        for covers, query in part:
            bodies += [
                {
                    "index": index,
                    "ignore_unavailable": True,
                    "allow_no_indices": True,
                    "allow_partial_search_results": False,
                },
                {"query": _condition(span, covers, query), "size": PAGE, "track_total_hits": False},
            ]
        with answering():
            answers = client.msearch(searches=bodies, max_concurrent_searches=2)["responses"]
        for (covers, query), answer in zip(part, answers, strict=True):
            if "error" in answer and query:
                refusals.queries |= dict.fromkeys(titles[covers, query], reason_of(answer))
                found = pages(client, index, _condition(span, covers, ""))
            elif "error" in answer or len(answer["hits"]["hits"]) == PAGE:
                found = pages(client, index, _condition(span, covers, query))
            else:
                found = iter([answer["hits"]["hits"]])
            while (hits := _taken(found, refusals, _of(titles, covers, query))) is not None:
                events = [restored(hit["_source"]) for hit in hits if hit["_id"] not in seen]
                seen.update(event.id for event in events)
                if events:
                    yield events


def _of(titles: Mapping[tuple[str, str], list[str]], covers: str, query: str) -> list[str]:
    """Titles of the rules that hear nothing where this is refused: those of all queries of the kind, where all of it was asked for."""
    if query:
        return titles[covers, query]
    return [title for (kind, _), each in titles.items() if kind == covers for title in each]


def _taken(
    pages_found: Iterator[list[dict[str, Any]]], refusals: Refusals, titles: Sequence[str]
) -> list[dict[str, Any]] | None:
    """The next page; None after the last, also where the node refuses it, which is told. Raises: UnreachableError."""
    try:
        return next(pages_found, None)
    except UnreachableError:
        raise
    except SocError as error:
        refusals.rules |= dict.fromkeys(titles, str(error))
        return None


def newest(client: Elasticsearch, namespace: str, since: datetime, until: datetime) -> datetime | None:
    """When the newest event of a span happened, of the last by their own word; none counts as later than its receipt."""
    for hits in pages(client, events_pattern(namespace), {"bool": {"filter": [_span(since, until)]}}, "desc", NEWEST):
        return max(min(event.time, event.ingested) for event in (restored(hit["_source"]) for hit in hits))
    return None


def _span(since: datetime, until: datetime) -> dict[str, Any]:
    return {"range": {TIME_US: {"gte": micros(since), "lt": micros(until)}}}


def _condition(span: dict[str, Any], covers: str, query: str) -> dict[str, Any]:
    reads = {"query_string": {"query": covers}} if covers else {"match_all": {}}
    if not query:
        return {"bool": {"filter": [span, reads]}}
    unsearchable = {"bool": {"filter": [reads, UNSEARCHABLE]}}
    fires = {
        "query_string": {"query": query, "analyze_wildcard": True, "lenient": False}
    }  # else part of it may fail unsaid
    return {"bool": {"filter": [span, {"bool": {"should": [fires, unsearchable]}}]}}
