"""The `filter` and `tuning` sections of a filter document in, every fault with its place out.

Source of truth: Sigma specification 2.1, filters; `tuning` (who answers for a filter, why, and until when) is ours. Whether the condition
hides what it should is decided where the filter is built (.parse), whether its rules are there when all files are read (.references).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any

from soc.detect.sigma.check_detection import selection_faults
from soc.errors import Fault
from soc.yaml_file import Document, Key, described, nearest

TUNING_KEYS = ("reason", "owner", "expires")
TUNING_FOLDER = "tuning"
"""A filter in a folder of this name hides what the site found benign: it must say who answers for it."""
MAX_RULES = 1_000
"""Names that one filter or correlation may give; more is a generated list, and `any` with a logsource says it better."""


def filter_faults(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    """Of a filter's own sections."""
    section = data["filter"]
    if not isinstance(section, dict):
        yield document.fault(
            ["filter"], f'"filter" is a map of rules, selections and a condition, not {described(section)}'
        )
    else:
        yield from _rules(document, section)
        if isinstance(section.get("condition"), list):
            yield document.fault(["filter", "condition"], "a filter has one condition, as text")
        else:
            yield from selection_faults(document, "filter", section, ("rules", "condition"))
    yield from _tuning(document, data)


def name_faults(document: Document, place: tuple[str, ...], names: object) -> Iterator[Fault]:
    """Of a list of rules' names or ids (or one of them)."""
    if isinstance(names, str):
        names = [names]
    elif not isinstance(names, list):
        yield document.fault(place, f'"rules" is a list of names or ids of rules, not {described(names)}')
        return
    elif not names:
        yield document.fault(place, "the list of rules is empty", on_key=True)
    elif len(names) > MAX_RULES:
        yield document.fault(place, f"{len(names):,} rules; at most {MAX_RULES:,} can be named", on_key=True)
        return
    seen: set[str] = set()
    for index, name in enumerate(names):
        at: tuple[Key, ...] = (*place, index)
        if not isinstance(name, str):
            yield document.fault(at, f"a rule's name or id is text, not {described(name)}: quote it")
        elif not name.strip():
            yield document.fault(at, "the name of a rule is empty")
        elif name in seen:
            yield document.fault(at, f'"{name}" is named twice')
        else:
            seen.add(name)


def _rules(document: Document, section: Mapping[str, Any]) -> Iterator[Fault]:
    if "rules" not in section:
        near = next((str(name) for name in section if nearest(str(name), ("rules",))), None)
        yield document.fault(
            ["filter", near] if near else ["filter"],
            'the filter has no "rules": name rules, or write "any" for all of its logsource',
            on_key=True,
        )
    elif section["rules"] != "any":
        yield from name_faults(document, ("filter", "rules"), section["rules"])


def _tuning(document: Document, data: Mapping[str, Any]) -> Iterator[Fault]:
    if "tuning" not in data:
        if TUNING_FOLDER in PurePath(document.path).parts[:-1]:
            words = (
                f'a filter in a folder "{TUNING_FOLDER}" says who answers for it: "tuning" with reason, owner, expires'
            )
            yield document.fault([], words, length=1)
        return
    tuning = data["tuning"]
    if not isinstance(tuning, dict):
        yield document.fault(["tuning"], f'"tuning" is a map of reason, owner and expires, not {described(tuning)}')
        return
    for key in tuning:
        if key not in TUNING_KEYS:
            yield document.fault(
                ["tuning", str(key)], f'unknown key "{key}"{nearest(str(key), TUNING_KEYS)}', on_key=True
            )
    for key in TUNING_KEYS:
        value = tuning.get(key)
        if key not in tuning:
            yield document.fault(["tuning"], f'"tuning" has no "{key}"; all of reason, owner, expires', on_key=True)
        elif not isinstance(value, str):
            yield document.fault(["tuning", key], f'"{key}" is text, not {described(value)}')
        elif not value.strip():
            yield document.fault(["tuning", key], f'"{key}" is empty')
        elif key == "expires" and not is_iso_date(value):
            yield document.fault(["tuning", key], f'"{value}" is not a date: write it as YYYY-MM-DD')


def is_iso_date(text: str) -> bool:
    """Whether a text is a day as YYYY-MM-DD, in ASCII digits."""
    if not (text.isascii() and len(text) == len("YYYY-MM-DD")):
        return False
    try:
        return date.fromisoformat(text).year > 0
    except ValueError:
        return False
