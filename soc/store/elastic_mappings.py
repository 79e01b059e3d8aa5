"""Namespace in, the templates and mappings that the server gets out. Data only.

Source of truth: Elastic Common Schema 8.17 (field types), Elasticsearch reference "Data streams", "subobjects". Only field types that
every distribution has, so that the template of the tests is the one that ships: no `wildcard`, `constant_keyword`, no ILM, no scripts.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import orjson

from soc.store.matching import is_address

TIME_US = "soc.time_us"
"""Ours in each document: the time in microseconds. `@timestamp` as `date` keeps milliseconds, and `date_nanos` ends in 2262."""

OFFSET = "soc.offset"
"""Ours in each document: the place in the journal, which orders events of the same microsecond."""

LARGE = "soc.large"
"""Ours in a document that may hold a value of more than MAX_KEYWORD characters: OpenSearch does not tell it in `_ignored`."""

OURS = (TIME_US, OFFSET, LARGE)

UNSEARCHABLE: dict[str, Any] = {"bool": {"should": [{"exists": {"field": field}} for field in ("_ignored", LARGE)]}}
"""Holds of each document with a value that no query of its field finds: too long, or not of the field's type."""

TEXT_FIELDS = frozenset({"message"})
"""Fields that are searched by words, and whole as `<field>.keyword`; all other strings are keywords."""

MAX_KEYWORD = 8_191
"""Characters of a string that is indexed: a term has at most 32,766 bytes. A longer one is kept in the document, which `_ignored` tells."""

MAX_FIELDS = 4_000
"""Of one data stream; further ones are kept in the document and are not searchable, instead of the event being refused."""

LONGS = frozenset(
    {
        "client.port",
        "destination.port",
        "source.port",
        "server.port",
        "process.pid",
        "process.ppid",
        "process.parent.pid",
        "process.thread.id",
        "process.exit_code",
        "http.response.status_code",
        "http.response.bytes",
        "http.response.body.bytes",
        "http.request.bytes",
        "http.request.body.bytes",
        "log.offset",
        "event.index",
        "event.severity",
        "event.sequence",
        "event.duration",
        "log.syslog.facility.code",
        "log.syslog.severity.code",
        "log.syslog.priority",
        "source.bytes",
        "source.packets",
        "destination.bytes",
        "destination.packets",
        "network.bytes",
        "network.packets",
        "file.size",
        "winlog.record_id",
        "egov.records.count",
        "egov.amount",
    }
)
"""Whole numbers of 64 bits."""

DATES = frozenset({"event.ingested", "event.created", "event.start", "event.end"})

_KEYWORD = {"type": "keyword", "ignore_above": MAX_KEYWORD}

_FOLDED = {**_KEYWORD, "normalizer": "lowercase"}
"""Sigma's values know no case, and so the queries that rules are converted to find what the rules find."""

_WHOLE = {**_FOLDED, "doc_values": False}
"""Looked into, never sorted or counted by."""


_PROPERTIES: dict[str, Any] = {
    "@timestamp": {"type": "date"},
    **{field: {"type": "long"} for field in (TIME_US, OFFSET, *sorted(LONGS))},
    **{field: {"type": "date", "ignore_malformed": True} for field in sorted(DATES)},
    **{field: {"type": "text", "fields": {"keyword": _WHOLE}} for field in sorted(TEXT_FIELDS)},
    "event.id": {"type": "keyword"},
    LARGE: {"type": "boolean"},
    "event.original": _WHOLE,
}

_ADDRESS = {"type": "ip", "ignore_malformed": True}


def wanted(field: str) -> dict[str, Any]:
    """How the templates map a field."""
    return _PROPERTIES.get(field) or (_ADDRESS if is_address(field) else _FOLDED)


def component(namespace: str) -> tuple[str, dict[str, Any]]:
    """Name and body of the component template with the ECS fields."""
    dynamic = [
        {"producers_own": {"path_match": ["winlog.event_data.*", "winlog.user_data.*"], "mapping": _FOLDED}},
        {
            "addresses": {
                "match_mapping_type": "string",
                "path_match": ["ip", "*.ip", "*_ip"],
                "path_unmatch": "winlog.*",
                "mapping": _ADDRESS,
            }
        },
        {"others": {"match_mapping_type": ["string", "boolean", "long", "double"], "mapping": _FOLDED}},
    ]
    mappings = {
        "subobjects": False,  # documents are flat: "user" and "user.name" are two fields, not a conflict
        "date_detection": False,
        "numeric_detection": False,
        "dynamic_templates": dynamic,
        "properties": _PROPERTIES,
    }
    settings = {
        "auto_expand_replicas": "0-1",
        "codec": "best_compression",
        "mapping": {"total_fields": {"limit": MAX_FIELDS, "ignore_dynamic_beyond_limit": True}},
    }
    return f"{namespace}-ecs", _signed({"template": {"settings": {"index": settings}, "mappings": mappings}})


def index_template(namespace: str) -> tuple[str, dict[str, Any]]:
    """Name and body of the template that makes `logs-<dataset>-<namespace>` data streams.

    The lifecycle begins new indices and merges old ones; it drops none: that is done with a fact of the ledger (soc.app.index_retention).
    """
    name, _ = component(namespace)
    body = {
        "index_patterns": [events_pattern(namespace)],
        "data_stream": {},
        "composed_of": [name],
        "priority": 500,  # over the server's own logs-*-* (100) and those of Elastic's integrations (200)
        "template": {"lifecycle": {}},
    }
    return f"{namespace}-events", _signed(body)


def events_pattern(namespace: str) -> str:
    """All data streams of the namespace; it holds no "-", so the pattern meets no other's."""
    return events_stream("*", namespace)


def events_stream(dataset: str, namespace: str) -> str:
    """The data stream of a dataset."""
    return f"logs-{dataset}-{namespace}"


def dataset_in(stream: str) -> str:
    """The dataset that the name of a data stream holds. Raises: IndexError where it is not such a name."""
    return stream.split("-", 1)[1].rsplit("-", 1)[0]


def _signed(body: dict[str, Any]) -> dict[str, Any]:
    """With the digest of the body in `_meta`, so that one look tells whether the server has this version."""
    digest = blake2b(orjson.dumps(body, option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()
    return {**body, "_meta": {"managed_by": "soc", "digest": digest}}


_ALERTS = {
    "status": _KEYWORD,
    "level": _KEYWORD,
    "risk": {"type": "integer"},
    "last_seen": {"type": "date"},
    "last_seen_us": {"type": "long"},
    "incident_id": _KEYWORD,
    "search": {"type": "keyword", "ignore_above": 8191},
    "title": _KEYWORD,
    "rule_id": _KEYWORD,
    "system": _KEYWORD,
    "entity": _KEYWORD,
    "assignee": _KEYWORD,
    "reason": _KEYWORD,
    "opened_us": {"type": "long"},
    "due_us": {"type": "long"},
    "snoozed_us": {"type": "long"},
    "suppressed": {"type": "boolean"},
}

_INCIDENTS = {
    "closed": {"type": "boolean"},
    "risk": {"type": "integer"},
    "last_seen": {"type": "date"},
    "last_seen_us": {"type": "long"},
    "title": _KEYWORD,
}

_NOUN = {
    "id": {"type": "keyword"},
    "applied_seq": {"type": "long"},
    "noun": {"type": "object", "enabled": False},
}

PROJECTIONS: dict[str, dict[str, Any]] = {
    "alerts": {**_ALERTS, **_NOUN},
    "incidents": {**_INCIDENTS, **_NOUN},
    "ledger": {
        "seq": {"type": "long"},
        "id": _KEYWORD,
        "kind": _KEYWORD,
        "time": {"type": "date"},
        "actor": _KEYWORD,
        "sha256": _KEYWORD,
        "body": {"type": "object", "enabled": False},
    },
    "state": {"applied": {"type": "long"}, "version": {"type": "integer"}},
}
"""Name of the index after "<namespace>-" -> the fields that it finds and sorts by; `noun` and `body` hold the whole."""
