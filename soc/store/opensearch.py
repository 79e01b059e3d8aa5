"""Requests of the Elasticsearch client in, what OpenSearch understands out, and its answers back: all that differs between the two.

Source of truth: OpenSearch documentation ("Point in Time", "Index templates"); what is translated was measured on 3.8, everything else
that this room asks is the same there. A search by a point in time gets no tiebreak of its own, so each of ours ends in an id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from soc.store.elastic_mappings import MAX_FIELDS

_POINT = re.compile(r"/([^/?]+)/_pit(\?.*)?")
_VENDOR = re.compile(r"application/vnd\.elasticsearch\+(json|x-ndjson); *compatible-with=\d+")
_TEMPLATES = ("/_component_template/", "/_index_template/")


def asked(method: str, target: str, headers: Mapping[str, str], body: Any) -> tuple[str, str, dict[str, str], Any]:
    """A request of the Elasticsearch client as OpenSearch takes it."""
    plain = {name: _VENDOR.sub(r"application/\1", value) for name, value in headers.items()}
    if opened := _POINT.fullmatch(target):
        target = f"/{opened[1]}/_search/point_in_time{opened[2] or ''}"
    elif target == "/_pit":
        target, body = "/_search/point_in_time", {"pit_id": [body["id"]]}
    elif method == "PUT" and target.startswith(_TEMPLATES):
        body = {**body, "template": _template(body["template"])}
    return method, target, plain, body


def answered(target: str, body: Any) -> Any:
    """The answer of OpenSearch to a request for `target`, as the Elasticsearch client knows it."""
    if _POINT.fullmatch(target) and isinstance(body, dict) and "pit_id" in body:
        return {"id": body["pit_id"]}
    return body


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template of ours, told in its words: flat names, and lists written out.

    Left out is what it has not: a lifecycle, and fields that a full mapping keeps without an index (there the event is a dead letter).
    """
    found = {name: part for name, part in template.items() if name != "lifecycle"}
    if "mappings" in found:
        mappings = dict(found["mappings"])
        if "subobjects" in mappings:
            mappings["disable_objects"] = not mappings.pop("subobjects")
        mappings["dynamic_templates"] = [one for each in mappings["dynamic_templates"] for one in _each(each)]
        index = found["settings"]["index"]
        found["settings"] = {"index": {**index, "mapping": {"total_fields": {"limit": MAX_FIELDS}}}}
        found["mappings"] = mappings
    return found


def _each(dynamic: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A dynamic template as several of which none has a list."""
    for name, rule in dynamic.items():
        lists = [[(key, one) for one in (value if isinstance(value, list) else [value])] for key, value in rule.items()]
        for number, one in enumerate(product(*lists)):
            yield {f"{name}_{number}": dict(one)}
