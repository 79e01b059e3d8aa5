"""A rule's YAML document in, notes on what differs from SigmaHQ's conventions out: matters of taste and order, never faults.

Source of truth: SigmaHQ's rule creation guide and conventions (sigma-specification, sigmahq folder); ATT&CK 18 and 19 for tactics' names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from soc.detect.attack import OF_ANY_AGE
from soc.detect.sigma.check import LEVELS, STATUSES
from soc.detect.sigma.check_filter import is_iso_date
from soc.detect.sigma.windows import KNOWN_CATEGORIES, KNOWN_SERVICES
from soc.errors import Fault
from soc.yaml_file import Document, Key, nearest

MAX_TITLE = 120
MIN_DESCRIPTION = 16
NAME_LENGTH = range(10, 91)
"""Characters of a file's name, its ending included."""

NAMESPACES: dict[str, re.Pattern[str]] = {
    "attack": re.compile(r"[tsgc]\d{4}(\.\d{3})?|ds\d{4}|" + "|".join(sorted(OF_ANY_AGE))),
    "car": re.compile(r"\d{4}-\d{2}-\d{3}"),
    "cve": re.compile(r"\d{4}-\d{4,7}"),
    "d3fend": re.compile(r"d3-\w+(-\w+)*|d3f-\w+(-\w+)*"),
    "detection": re.compile(r"dfir|emerging-threats|threat-hunting"),
    "stp": re.compile(r"\d[a-z]?"),
    "tlp": re.compile(r"red|amber|amber-strict|green|clear|white"),
}
"""Namespaces of tags -> what their names look like."""
PRODUCTS = frozenset(
    {
        *("windows", "linux", "macos", "aws", "azure", "gcp", "m365", "okta", "github", "gitlab", "bitbucket", "kubernetes", "docker"),
        *("zeek", "cisco", "fortigate", "fortios", "paloalto", "juniper", "huawei", "citrix", "vmware", "opencanary", "rpc_firewall"),
        *("apache", "nginx", "iis", "django", "python", "ruby_on_rails", "spring", "jvm", "nodejs", "velocity", "modsecurity"),
        *("sql", "postgresql", "mysql", "mssql", "oracle", "qualys", "qflow", "onelogin", "crowdstrike", "bitdefender", "hashicorp"),
        *("google_workspace", "egov", "soc", "ups", "door", "snmp"),
    }
)  # fmt: skip
"""Products that rules are written for; a name near one of them is a slip."""
_FILE_NAME = re.compile(r"[a-z0-9_]+\.yml")
_SMALL = frozenset(
    {
        *("a", "an", "and", "as", "at", "but", "by", "for", "from", "in", "into", "nor", "of", "off", "on", "onto", "or", "over", "per"),
        *("after", "against", "before", "between", "inside", "its", "not", "outside", "than", "that", "the", "through", "to", "under"),
        *("up", "upon", "via", "vs", "with", "within", "without"),
    }
)  # fmt: skip
"""Words that a title writes small."""
_URL = re.compile(r"https?://[^\s/]+\S*|internal\b.*", re.IGNORECASE)
_LEADS = ("detects ", "detection of ", "detect ")


def notes(document: Document) -> Iterator[Fault]:
    """What differs from the conventions, each with its place; the document has no fault."""
    data = document.data
    yield from _title(document, str(data["title"]))
    yield from _texts(document, data)
    yield from _dates(document, data)
    yield from _references(document, data.get("references") or [])
    yield from _tags(document, data.get("tags") or [])
    if isinstance(data.get("logsource"), dict):
        yield from _logsource(document, data["logsource"])
    name = PurePath(document.path).name
    if not _FILE_NAME.fullmatch(name) or len(name) not in NAME_LENGTH:
        words = f'the file "{name}" is not named in lower_case.yml with {NAME_LENGTH.start} to {NAME_LENGTH.stop - 1} characters'
        yield document.fault([], words, length=1)


def _title(document: Document, title: str) -> Iterator[Fault]:
    if len(title) > MAX_TITLE:
        yield document.fault(["title"], f"the title has {len(title)} characters; at most {MAX_TITLE} are usual")
    if title.endswith("."):
        yield document.fault(["title"], "the title ends with a full stop")
    if title.lower().startswith(_LEADS):
        yield document.fault(
            ["title"], f'the title begins with "{title.split(maxsplit=1)[0]}": that goes without saying'
        )
    small = [word for word in title.split() if word.isalpha() and word.islower() and word not in _SMALL]
    if small:
        at = title.find(small[0])
        yield document.fault(["title"], f'"{small[0]}" is lower case in the title', offset=at, length=len(small[0]))


def _texts(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    for key in ("id", "description", "author", "date", "status", "references"):
        if not data.get(key):
            yield document.fault([], f'the rule has no "{key}"', length=1)
    if "filter" not in data and not data.get("level"):
        yield document.fault([], 'the rule has no "level"', length=1)
    description = data.get("description") or ""
    if description and len(description) < MIN_DESCRIPTION:
        yield document.fault(
            ["description"],
            f"the description has {len(description)} characters; at least {MIN_DESCRIPTION} say something",
        )
    for key, known in (("level", LEVELS), ("status", STATUSES)):
        value = data.get(key)
        if value is not None and value not in known:
            yield document.fault([key], f'"{value}" is not lower case')
    name = data.get("author")
    if name is not None and not str(name).strip():
        yield document.fault(["author"], "the author is empty")


def _dates(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    for key in ("date", "modified"):
        if data.get(key) is not None and not is_iso_date(str(data[key])):
            yield document.fault([key], f'"{data[key]}" is not written as YYYY-MM-DD')
    made, changed = data.get("date"), data.get("modified")
    if made and changed and is_iso_date(str(made)) and is_iso_date(str(changed)) and str(changed) < str(made):
        yield document.fault(["modified"], f"it was modified ({changed}) before it was made ({made})")


def _references(document: Document, references: list[Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, each in enumerate(references):
        if not isinstance(each, str) or not _URL.match(each):
            yield document.fault(["references", index], f'"{each}" is not a URL')
        elif each in seen:
            yield document.fault(["references", index], "this reference stands twice")
        seen.add(str(each))


def _tags(document: Document, tags: list[Any]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, tag in enumerate(tags):
        at: tuple[Key, ...] = ("tags", index)
        space, _, name = tag.partition(".")
        if tag != tag.lower():
            yield document.fault(at, f'the tag "{tag}" is not lower case')
        elif tag in seen:
            yield document.fault(at, f'the tag "{tag}" stands twice')
        elif space not in NAMESPACES:
            yield document.fault(
                at, f'"{space}" is not a namespace of tags{nearest(space, NAMESPACES)}', length=len(space)
            )
        elif not NAMESPACES[space].fullmatch(name):
            hint = nearest(name, OF_ANY_AGE) if space == "attack" else ""
            yield document.fault(
                at, f'"{name}" is not a name in "{space}"{hint}', offset=len(space) + 1, length=len(name)
            )
        seen.add(tag)


def _logsource(document: Document, logsource: Mapping[str, Any]) -> Iterator[Fault]:
    product = logsource.get("product") or ""
    if product and product.lower() not in PRODUCTS and (near := nearest(product.lower(), PRODUCTS)):
        yield document.fault(["logsource", "product"], f'unknown product "{product}"{near}')
    if product == "windows":
        for key, known in (("service", KNOWN_SERVICES), ("category", KNOWN_CATEGORIES)):
            value = logsource.get(key)
            if value and value.lower() not in known:
                yield document.fault(["logsource", key], f'unknown {key} "{value}" of Windows{nearest(value, known)}')
    for key in ("product", "category", "service"):
        value = logsource.get(key)
        if value and value != value.lower():
            yield document.fault(["logsource", key], f'"{value}" is not lower case')
