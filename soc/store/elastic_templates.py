"""The templates of this version put to a server, and what its indices hold otherwise: up to date, drifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from soc.store.elastic import answering
from soc.store.elastic_mappings import component, events_pattern, index_template, wanted


@dataclass(frozen=True, slots=True)
class Drift:
    """A field of a backing index that is not mapped as the templates map it."""

    stream: str
    index: str
    field: str
    has: str
    wants: str


@dataclass(frozen=True, slots=True)
class Stream:
    """A data stream and its backing indices, the one that is written last."""

    name: str
    indices: tuple[str, ...]


def outdated(client: Elasticsearch, namespace: str) -> list[str]:
    """Names of the templates that the server has not, or of another version."""
    with answering():
        return [name for _, name, body in _templates(namespace) if _digest(client, name) != _signature(body)]


def install(client: Elasticsearch, namespace: str) -> list[str]:
    """Put the templates that are outdated; their names."""
    late = outdated(client, namespace)
    with answering():
        for kind, name, body in _templates(namespace):
            if name in late:
                put = (
                    client.cluster.put_component_template if kind == "component" else client.indices.put_index_template
                )
                put(name=name, **{"meta" if key == "_meta" else key: value for key, value in body.items()})
    return late


def streams(client: Elasticsearch, namespace: str) -> list[Stream]:
    """The data streams of the namespace."""
    with answering():
        found = client.indices.resolve_index(name=events_pattern(namespace))["data_streams"]
    return [Stream(stream["name"], tuple(_list(stream["backing_indices"]))) for stream in found]


def drift(client: Elasticsearch, namespace: str) -> list[Drift]:
    """What the mappings of the backing indices differ in: indices keep what their first events and older templates gave them."""
    return [each for stream in streams(client, namespace) for each in _drifted(client, stream)]


def ended(client: Elasticsearch, namespace: str) -> dict[str, str]:
    """Data streams whose lifecycle on the server drops events by itself, and after which time; made by an older version, or by hand."""
    wanted = "metadata.data_stream.data_stream.*.lifecycle.data_retention"
    with answering():
        found = client.cluster.state(metric="metadata", filter_path=wanted).body
    held: dict[str, Any] = found.get("metadata", {}).get("data_stream", {}).get("data_stream", {})
    ours = {stream.name for stream in streams(client, namespace)}
    return {name: each["lifecycle"]["data_retention"] for name, each in sorted(held.items()) if name in ours}


def _drifted(client: Elasticsearch, stream: Stream) -> Iterator[Drift]:
    with answering():
        mappings = client.indices.get_mapping(index=list(stream.indices)).body
    for index in stream.indices:
        for field, has in mappings[index]["mappings"].get("properties", {}).items():
            wants = wanted(field)
            if _told(has) != _told(wants):
                yield Drift(stream.name, index, field, _told(has), _told(wants))


def _told(field: dict[str, Any]) -> str:
    """A mapping in words: what decides how a field is searched."""
    told = f"{field.get('type', 'object')}{', case folded' if field.get('normalizer') else ''}"
    if "ignore_above" in field:
        told += f", to {field['ignore_above']:,} characters"
    return told + "".join(f"; {name}: {_told(part)}" for name, part in sorted(field.get("fields", {}).items()))


def _templates(namespace: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [("component", *component(namespace)), ("index", *index_template(namespace))]


def _signature(body: dict[str, Any]) -> str:
    return str(body["_meta"]["digest"])


def _digest(client: Elasticsearch, name: str) -> str | None:
    """The digest of a template on the server; no component template and index template have one name."""
    found: dict[str, Any] = {}
    try:
        if name.endswith("-ecs"):
            found = client.cluster.get_component_template(name=name)["component_templates"][0]["component_template"]
        else:
            found = client.indices.get_index_template(name=name)["index_templates"][0]["index_template"]
    except NotFoundError:
        return None
    digest = found.get("_meta", {}).get("digest")
    return str(digest) if digest else None


def _list(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
