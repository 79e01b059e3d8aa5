"""Ledger entries in, alerts and incidents out: the projections as indices `<namespace>-alerts`, `-incidents` and `-state` of Elasticsearch.

`<namespace>-ledger` holds a copy of the entries, each under its sequence number, which only one can take (`op_type=create`): two ledgers
that write to one namespace are told apart there. The ledger itself, with its tree and signatures, stays where it was signed.

Effectively once: a document carries the sequence number of the last ledger entry that it has folded and is changed only while nobody else
changed it (`if_seq_no`, `if_primary_term`). A crash between the documents and `applied` is harmless: what is folded already is skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic

import msgspec
import orjson
from elasticsearch import BadRequestError, ConflictError, Elasticsearch, NotFoundError

from iso27001.ledger import Entry, canonical
from soc.alert import Alert
from soc.alert.scoring import RuleRecord
from soc.errors import SocError, UnreachableError
from soc.incident import Incident
from soc.store import AlertQuery, Facet
from soc.store.columns import COLUMN_OF, alert_columns, incident_columns, micros, rule_records, words
from soc.store.elastic import answering
from soc.store.elastic_bulk import bulk
from soc.store.elastic_mappings import PROJECTIONS
from soc.store.folding import ALERTS, INCIDENTS, N, Standing, View, batches, folded, touched_ids

VERSION = 4
"""Of the mappings and of what the fold writes: a state of another one counts as nothing applied, and the next `apply` begins anew."""

PAGE = 5_000
STATE = "projections"

MAX_ATTEMPTS = 10
"""Rounds in which another writer may be faster with the same alert before this one gives up."""


@dataclass(frozen=True, slots=True)
class _Held(Generic[N]):
    """A document with what must not have changed when it is written."""

    standing: Standing[N]
    seq_no: int
    primary_term: int


class ElasticProjections:
    """`Projections` on Elasticsearch. Readers may see a document of a batch before the batch is done; none twice, none half."""

    def __init__(self, client: Elasticsearch, namespace: str) -> None:
        """Asks nothing of the server yet."""
        self._client = client
        self._indices = {name: f"{namespace}-{name}" for name in PROJECTIONS}
        self._made = False

    def applied(self) -> int:
        """See Projections."""
        return self._state()[0]

    def apply(self, entries: Iterable[Entry]) -> None:
        """See Projections."""
        self._make()
        wrote = False
        for batch in batches(entries, self.applied()):
            self._copy(batch)
            self._write(ALERTS, "alerts", batch, _alert_fields)
            self._write(INCIDENTS, "incidents", batch, _incident_fields)
            self._advance(batch[-1].seq + 1)
            wrote = True
        if wrote:
            with answering():
                self._client.indices.refresh(index=list(self._indices.values()))

    def alert_ids(self, query: AlertQuery) -> Sequence[str]:
        """See Projections."""
        order = [{"risk": "desc"}, {"last_seen_us": "desc"}, {"id": "asc"}]
        return self._ids("alerts", _condition(query), order, query.limit)

    def alert_count(self, query: AlertQuery) -> int:
        """See Projections."""
        with answering():
            try:
                return int(self._client.count(index=self._indices["alerts"], query=_condition(query))["count"])
            except NotFoundError:
                return 0

    def facets(self, query: AlertQuery, facet: Facet, limit: int) -> list[tuple[str, int]]:
        """See Projections."""
        order = [{"_count": "desc"}, {"_key": "asc"}]
        terms = {"terms": {"field": COLUMN_OF[facet], "size": limit, "order": order}}
        with answering():
            try:
                answer = self._client.search(
                    index=self._indices["alerts"], size=0, query=_condition(query), aggs={"values": terms}
                )
            except NotFoundError:
                return []
        return [(bucket["key"], bucket["doc_count"]) for bucket in answer["aggregations"]["values"]["buckets"]]

    def alerts(self, ids: Sequence[str]) -> list[Alert]:
        """See Projections."""
        found = self._get(ALERTS, "alerts", ids)
        return [found[alert_id].standing.noun for alert_id in ids if alert_id in found]

    def rule_records(self, since: datetime) -> dict[str, RuleRecord]:
        """See Projections."""
        sources = [{name: {"terms": {"field": name}}} for name in ("rule_id", "reason")]
        counts: list[tuple[str, str, int]] = []
        after: dict[str, Any] | None = None
        while True:
            composite = {"size": PAGE, "sources": sources} | ({"after": after} if after else {})
            with answering():
                try:
                    answer = self._client.search(
                        index=self._indices["alerts"],
                        size=0,
                        query={"range": {"opened_us": {"gte": micros(since)}}},
                        aggs={"rules": {"composite": composite}},
                    )
                except NotFoundError:
                    return {}
            rules = answer["aggregations"]["rules"]
            counts += ((b["key"]["rule_id"], b["key"]["reason"], b["doc_count"]) for b in rules["buckets"])
            after = rules.get("after_key")
            if after is None:
                return rule_records(counts)

    def incident_ids(self) -> Sequence[str]:
        """See Projections."""
        order = [{"closed": "asc"}, {"risk": "desc"}, {"last_seen_us": "desc"}, {"id": "asc"}]
        return self._ids("incidents", {"match_all": {}}, order)

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """See Projections."""
        found = self._get(INCIDENTS, "incidents", ids)
        return [found[incident_id].standing.noun for incident_id in ids if incident_id in found]

    def reset(self) -> None:
        """See Projections."""
        with answering():
            self._client.indices.delete(index=list(self._indices.values()), ignore_unavailable=True)
        self._made = False

    def close(self) -> None:
        """See Projections."""
        self._client.close()

    def _make(self) -> None:
        """The indices, once; those of another version are thrown away."""
        if self._made:
            return
        if self._state()[1] not in (None, VERSION):
            self.reset()
        for name, fields in PROJECTIONS.items():
            with answering():
                try:
                    if not self._client.indices.exists(index=self._indices[name]):
                        self._client.indices.create(
                            index=self._indices[name],
                            mappings={"dynamic": False, "properties": fields},
                            settings={"index": {"number_of_shards": 1, "auto_expand_replicas": "0-1"}},
                        )
                except BadRequestError as error:
                    if error.error != "resource_already_exists_exception":  # another process was faster
                        raise
        self._made = True

    def _state(self) -> tuple[int, int | None, tuple[int, int] | None]:
        """What is applied, by which version, and the `_seq_no` and `_primary_term` that a change presupposes; None: nothing yet."""
        with answering():
            try:
                found = self._client.get(index=self._indices["state"], id=STATE)
            except NotFoundError:
                return 0, None, None
        source = found["_source"]
        version = int(source["version"])
        return int(source["applied"]) if version == VERSION else 0, version, (found["_seq_no"], found["_primary_term"])

    def _advance(self, applied: int) -> None:
        """`applied` moves forward only, whoever else moves it."""
        for _ in range(MAX_ATTEMPTS):
            found, _, found_at = self._state()
            if found >= applied:
                return
            with answering():
                try:
                    self._client.index(
                        index=self._indices["state"],
                        id=STATE,
                        document={"applied": applied, "version": VERSION},
                        op_type="index" if found_at else "create",
                        if_seq_no=found_at[0] if found_at else None,
                        if_primary_term=found_at[1] if found_at else None,
                    )
                except ConflictError:
                    continue
            return
        raise UnreachableError("Elasticsearch: other writers of the projections were faster each time")

    def _copy(self, batch: Sequence[Entry]) -> None:
        """Raises: SocError where another ledger has taken a sequence number."""
        documents = [_entry(entry) for entry in batch]
        actions = [
            b'{"create":{"_index":"%b","_id":"%d"}}\n%b\n'
            % (self._indices["ledger"].encode(), entry.seq, orjson.dumps(document))
            for entry, document in zip(batch, documents, strict=True)
        ]
        taken: list[dict[str, Any]] = []
        for document, outcome in zip(documents, bulk(self._client, actions), strict=True):
            if outcome.status == 409:
                taken.append(document)
            elif outcome.status >= 300:
                raise SocError(
                    f"Elasticsearch refuses ledger entry {document['seq']} ({outcome.status}): {outcome.reason}"
                )
        if not taken:
            return
        with answering():
            ids = [str(document["seq"]) for document in taken]
            found = self._client.mget(index=self._indices["ledger"], ids=ids, source_includes=["sha256"])["docs"]
        for document, held in zip(taken, found, strict=True):
            if held["_source"]["sha256"] != document["sha256"]:
                raise SocError(
                    f"{self._indices['ledger']} holds another entry {document['seq']}: another site writes to this namespace, or the "
                    "ledger was replaced; take another namespace, or rebuild the projections"
                )

    def _write(
        self, view: View[N], name: str, entries: Sequence[Entry], fields: Callable[[N], Mapping[str, Any]]
    ) -> None:
        ids = touched_ids(view, entries)
        for _ in range(MAX_ATTEMPTS):
            held = self._get(view, name, ids)
            after = folded(view, entries, {noun_id: one.standing for noun_id, one in held.items()})
            actions = [
                self._action(name, noun_id, standing, held.get(noun_id), fields) for noun_id, standing in after.items()
            ]
            outcomes = dict(zip(after, bulk(self._client, actions), strict=True))
            for noun_id, outcome in outcomes.items():
                if outcome.status >= 300 and outcome.status != 409:
                    raise SocError(f"Elasticsearch refuses {name} {noun_id} ({outcome.status}): {outcome.reason}")
            if all(outcome.status < 300 for outcome in outcomes.values()):
                return  # else another was faster: look again what is folded in and what is not
        raise UnreachableError(f"Elasticsearch: other writers of the {name} were faster each time")

    def _action(
        self,
        name: str,
        noun_id: str,
        after: Standing[N],
        held: _Held[N] | None,
        fields: Callable[[N], Mapping[str, Any]],
    ) -> bytes:
        target: dict[str, Any] = {"_index": self._indices[name], "_id": noun_id}
        if held is None:
            action = {"create": target}
        else:
            action = {"index": {**target, "if_seq_no": held.seq_no, "if_primary_term": held.primary_term}}
        noun = msgspec.to_builtins(after.noun)
        document = {**fields(after.noun), "id": noun_id, "applied_seq": after.seq, "noun": noun}
        return orjson.dumps(action) + b"\n" + orjson.dumps(document) + b"\n"

    def _get(self, view: View[N], name: str, ids: Sequence[str]) -> dict[str, _Held[N]]:
        """The documents as they are now (mget sees what no refresh has made searchable yet)."""
        found: dict[str, _Held[N]] = {}
        for start in range(0, len(ids), PAGE):
            with answering():
                try:
                    answer = self._client.mget(
                        index=self._indices[name],
                        ids=ids[start : start + PAGE],
                        source_includes=["noun", "applied_seq"],
                    )
                except NotFoundError:
                    return found
            for document in answer["docs"]:
                if document.get("found"):
                    source = document["_source"]
                    noun = msgspec.convert(source["noun"], view.noun)
                    standing = Standing(noun, source["applied_seq"])
                    found[document["_id"]] = _Held(standing, document["_seq_no"], document["_primary_term"])
        return found

    def _ids(
        self, name: str, condition: dict[str, Any], order: list[dict[str, str]], limit: int | None = None
    ) -> list[str]:
        """Every id in order (or the first so many), from one point in time: what moves meanwhile is neither lost nor doubled."""
        ids: list[str] = []
        after: list[Any] | None = None
        with self._point_in_time(self._indices[name]) as point:
            while point is not None:
                with answering():
                    hits = self._client.search(
                        pit={"id": point, "keep_alive": "1m"},
                        query=condition,
                        sort=order,
                        size=PAGE,
                        search_after=after,
                        source=False,
                        track_total_hits=False,
                        allow_partial_search_results=False,
                    )["hits"]["hits"]
                ids += (hit["_id"] for hit in hits)
                if len(hits) < PAGE or (limit is not None and len(ids) >= limit):
                    break
                after = hits[-1]["sort"]
        return ids[:limit]

    @contextmanager
    def _point_in_time(self, index: str) -> Iterator[str | None]:
        with answering():
            try:
                point = self._client.open_point_in_time(index=index, keep_alive="1m")["id"]
            except NotFoundError:
                point = None
        yield point
        if point is not None:
            with answering():
                self._client.close_point_in_time(id=point)


def _entry(entry: Entry) -> dict[str, Any]:
    fact = entry.fact
    document = {
        "seq": entry.seq,
        "id": fact.id,
        "kind": fact.kind,
        "time": fact.time,
        "actor": fact.actor,
        "body": fact.body,
    }
    return {**document, "sha256": sha256(canonical(document)).hexdigest()}


def _alert_fields(alert: Alert) -> dict[str, Any]:
    columns = asdict(alert_columns(alert))
    return {
        **columns,
        "last_seen": alert.last_seen,
        "title": alert.title,
        "system": alert.system,
    }


def _incident_fields(incident: Incident) -> dict[str, Any]:
    return {**asdict(incident_columns(incident)), "last_seen": incident.last_seen, "title": incident.title}


def _condition(query: AlertQuery) -> dict[str, Any]:
    filters: list[dict[str, Any]] = []
    if query.statuses:
        filters.append({"terms": {"status": sorted(query.statuses)}})
    if query.levels:
        filters.append({"terms": {"level": sorted(query.levels)}})
    bounds = {"gte": query.since, "lt": query.until}
    if span := {operator: micros(moment) for operator, moment in bounds.items() if moment is not None}:
        filters.append({"range": {"last_seen_us": span}})
    if query.incident_id:
        filters.append({"term": {"incident_id": query.incident_id}})
    for having in query.having:
        same = {"term": {COLUMN_OF[having.facet]: having.value}}
        filters.append(same if having.wanted else {"bool": {"must_not": same}})
    for field, operator, limit in (
        ("opened_us", "gte", query.opened_since),
        ("due_us", "lt", query.due_before),
        ("snoozed_us", "lte", query.awake_at),
    ):
        if limit is not None:
            filters.append({"range": {field: {operator: micros(limit)}}})
    if query.suppressed is not None:
        filters.append({"term": {"suppressed": query.suppressed}})
    filters += ({"wildcard": {"search": {"value": f"*{_literal(word)}*"}}} for word in words(query.text))
    return {"bool": {"filter": filters}}


def _literal(word: str) -> str:
    return "".join(f"\\{c}" if c in "*?\\" else c for c in word)
