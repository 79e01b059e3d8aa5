"""A rule's YAML document in, every fault with its place out: what `soc rules check` prints and what stops a start.

Source of truth: Sigma specification 2.1 (rules). Bound: no false fault on any live SigmaHQ rule, so keys that are merely unknown pass and
only near misses of known ones are faults. What needs pySigma (modifier chains, value types) is checked where the rule is built, with
the same places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any

from soc.detect.sigma.check_detection import detection_faults, logsource_faults
from soc.detect.sigma.check_filter import filter_faults
from soc.errors import Fault
from soc.yaml_file import Document, described, nearest

KEYS = frozenset(
    [
        "title",
        "id",
        "related",
        "name",
        "taxonomy",
        "status",
        "description",
        "license",
        "author",
        "references",
        "date",
        "modified",
        "logsource",
        "detection",
        "fields",
        "falsepositives",
        "level",
        "tags",
        "scope",
        "correlation",
        "filter",
        "tuning",
        "action",
        "regression_tests_path",
        "simulation",
    ]
)
KINDS = ("detection", "correlation", "filter")
LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("stable", "test", "experimental", "deprecated", "unsupported")
RELATIONS = ("derived", "obsolete", "merged", "renamed", "similar", "correlation")
_TEXTS = ("title", "name", "taxonomy", "description", "author", "license")
_LISTS = ("references", "fields", "falsepositives", "tags", "scope", "related")
_DATE = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
MAX_FAULTS = 100
"""Faults of one document that are told; each is looked for in its nodes, and nobody reads more at once."""
MAX_KEYS = 200
"""Keys of a document; Sigma knows some twenty."""
MAX_TITLE = 256
"""Sigma specification 2.1, "Title"."""


def check(document: Document) -> list[Fault]:
    """All faults of one document that need no values' meaning, but no more than MAX_FAULTS; empty where it has none."""
    return list(islice(_faults(document), MAX_FAULTS))


def _faults(document: Document) -> Iterator[Fault]:
    data = document.data
    yield from document.duplicates
    if not isinstance(data, dict):
        yield document.fault([], f"a Sigma rule is a map of keys, not {described(data)}", length=1)
        return
    if len(data) > MAX_KEYS:
        yield document.fault([], f"the document has {len(data):,} keys; at most {MAX_KEYS} are read", length=1)
        return
    for key in data:
        if key not in KEYS and (near := nearest(str(key), KEYS)):
            yield document.fault([str(key)], f'unknown key "{key}"{near}', on_key=True)
    yield from _metadata(document, data)
    kinds = [kind for kind in KINDS if kind in data]
    if len(kinds) > 1:
        yield document.fault([kinds[1]], f'a document is one rule: it has "{kinds[0]}" and "{kinds[1]}"', on_key=True)
    elif kinds == ["filter"]:
        yield from logsource_faults(document, data, "filter")
        yield from filter_faults(document, data)
    elif kinds != ["correlation"]:  # whose faults are found where it is read (.correlation_parse)
        yield from logsource_faults(document, data, "rule")
        yield from detection_faults(document, data)


def _metadata(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if "title" not in data:
        yield document.fault([], 'the rule has no "title"', length=1)
    for key in _TEXTS:
        value = data.get(key, "")
        if value is not None and not isinstance(value, str):
            yield document.fault([key], f'"{key}" is text, not {described(value)}')
        elif key in ("title", "name") and key in data and not value:
            yield document.fault([key], f'"{key}" is empty')
    if len(str(data.get("title", ""))) > MAX_TITLE:
        yield document.fault(["title"], f"the title has more than {MAX_TITLE} characters")
    for key in _LISTS:
        value = data.get(key)
        if value is not None and not isinstance(value, list):
            yield document.fault([key], f'"{key}" is a list, not {described(value)}')
    for key, known in (("level", LEVELS), ("status", STATUSES)):
        value = data.get(key)
        if value is not None and str(value).lower() not in known:
            yield document.fault(
                [key], f'"{value}" is not a {key} (one of {", ".join(known)}){nearest(str(value), known)}'
            )
    yield from _identity(document, data)
    yield from _tags(document, data.get("tags"))
    yield from _related(document, data.get("related"))


def _identity(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if data.get("id") is not None and not _is_uuid(data["id"]):
        yield document.fault(["id"], f'"{data["id"]}" is not a UUID (8-4-4-4-12 hexadecimal digits)')
    for key in ("date", "modified"):
        value = data.get(key)
        if value is not None and not _is_date(str(value)):
            yield document.fault([key], f'"{value}" is not a date: write it as YYYY-MM-DD')


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    try:
        return match is not None and date(int(match[1]), int(match[2]), int(match[3])).year >= 1000
    except ValueError:
        return False


def _tags(document: Document, tags: object) -> Iterator[Fault]:
    for index, tag in enumerate(tags if isinstance(tags, list) else ()):
        if not isinstance(tag, str) or "." not in tag:
            yield document.fault(["tags", index], f'"{tag}" is not a tag: write namespace.name ("attack.t1110")')


def _related(document: Document, related: object) -> Iterator[Fault]:
    for index, each in enumerate(related if isinstance(related, list) else ()):
        if not isinstance(each, dict) or "id" not in each or "type" not in each:
            yield document.fault(["related", index], "a relation is a map of id and type")
            continue
        if not _is_uuid(each["id"]):
            yield document.fault(
                ["related", index, "id"], f'"{each["id"]}" is not a UUID (8-4-4-4-12 hexadecimal digits)'
            )
        if str(each["type"]).lower() not in RELATIONS:
            words = f'"{each["type"]}" is not a relation (one of {", ".join(RELATIONS)})'
            yield document.fault(["related", index, "type"], f"{words}{nearest(str(each['type']), RELATIONS)}")


def _is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None
