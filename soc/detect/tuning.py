"""A rule and what of an event was benign in, the text of a filter that hides exactly that out; and how tuning stands on a day.

Source of truth: Sigma specification 2.1, filters and escaping; `tuning` is ours (soc.detect.sigma.check_filter). What an event says is
data: a value is written so that it matches itself and nothing that a wildcard in it would.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

from collectors.event import ENVELOPE, Event, Value
from soc.detect.sigma import ir
from soc.errors import SocError

MAX_CASES = 20
"""Different combinations of values that one filter may hide; more is no case, it is a rule that wants another condition."""

SOON = timedelta(days=14)
"""How long before its end a tuning is told as ending soon."""

TELLING = (
    "process.command_line",
    "process.executable",
    "process.name",
    "process.parent.executable",
    "file.path",
    "url.path",
    "url.original",
    "user_agent.original",
    "user.name",
    "user.effective.name",
    "source.ip",
    "destination.ip",
    "host.name",
    "winlog.event_data.CommandLine",
    "winlog.event_data.Image",
    "winlog.event_data.ParentImage",
    "winlog.event_data.User",
    "winlog.event_data.TargetFilename",
    "winlog.computer_name",
    "postgresql.log.database",
    "event.action",
    "message",
)
"""Fields that tell one case from another, the narrowest first, after those that the rule itself looks at."""

_HALF = "a value holds half a character (a lone surrogate), which no YAML file can hold: choose another field"

_FIELD = re.compile(r"[^|%\s][^|%]*")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What is to be hidden: hits of `rule` on events that have all values of one of the `cases`, until `expires`.

    `reason`, `owner`: who answers for it and why.
    """

    title: str
    rule: ir.Rule
    cases: tuple[Mapping[str, Value], ...]
    reason: str
    owner: str
    expires: date
    made: date

    @property
    def id(self) -> str:
        """The same for the same rule and cases."""
        cases = sorted(repr(sorted(case.items())) for case in self.cases)
        return str(uuid5(NAMESPACE_URL, f"tuning:{self.rule.id}:{cases}"))


def filter_text(tuning: Tuning) -> str:
    """The filter as a YAML document. Raises: SocError for a value that Sigma cannot match literally."""
    source = tuning.rule.logsource
    logsource = {"category": source.category, "product": source.product, "service": source.service}
    benign = [dict(_items(case)) for case in tuning.cases]
    return written(
        {
            "title": tuning.title,
            "id": tuning.id,
            "description": tuning.reason,
            "date": tuning.made.isoformat(),
            "logsource": {key: value for key, value in logsource.items() if value},
            "filter": {
                "rules": [tuning.rule.id],
                "benign": benign[0] if len(benign) == 1 else benign,
                "condition": "not benign",
            },
            "tuning": {"reason": tuning.reason, "owner": tuning.owner, "expires": tuning.expires.isoformat()},
        }
    )


class _Dumper(yaml.SafeDumper):
    """Text with a line break of Unicode's own is quoted with escapes: PyYAML would write the character, and read a line feed or a blank."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if _BREAK.search(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_BREAK = re.compile("[\x85\u2028\u2029]")
_Dumper.add_representer(str, _text)


def written(data: Mapping[str, Any]) -> str:
    """The data as YAML text. Raises: SocError for text that no file can hold."""
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, indent=4, width=10_000)
    try:
        text.encode()
    except UnicodeError as error:
        raise SocError(_HALF) from error
    return text


def escaped(text: str) -> str:
    """A text as a Sigma value that matches it literally: backslash, asterisk and question mark stand for themselves."""
    return re.sub(r"([\\*?])", r"\\\1", text)


def _items(case: Mapping[str, Value]) -> Iterator[tuple[str, Any]]:
    for name, value in case.items():
        if not _FIELD.fullmatch(name):
            raise SocError(f'the field name "{name}" cannot stand in a Sigma rule: choose another field')
        if isinstance(value, list):
            if not value:
                raise SocError(f"{name} is an empty list, which no filter can ask for: choose another field")
            yield (f"{name}|all" if len(value) > 1 else name), [_literal(item) for item in value]
        else:
            yield name, _literal(value)


def _literal(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise SocError(_HALF)
    return escaped(value)


def cases_of(events: Sequence[Event], fields: Sequence[str]) -> tuple[dict[str, Value], ...]:
    """The different combinations of values that the events have in these fields, in their order.

    Raises: SocError for a field that an event lacks or that is no content of it, and for too many combinations.
    """
    found: dict[str, dict[str, Value]] = {}
    for event in events:
        case = {name: event.fields.get(name) for name in fields}
        missing = next((name for name, value in case.items() if value is None), None)
        if missing is not None:
            there = ", ".join(name for name, _ in choices([event]))
            reason = (
                "says when and where it was received" if missing in ENVELOPE else "is not in every event of the alert"
            )
            raise SocError(f"{missing} {reason}; there are: {there}")
        found.setdefault(repr(case), case)
    if len(found) > MAX_CASES:
        raise SocError(
            f"the events of the alert have {len(found)} combinations of {', '.join(fields)}; at most {MAX_CASES} make a case"
        )
    return tuple(found.values())


def choices(events: Sequence[Event], looked_at: Iterable[str] = ()) -> list[tuple[str, tuple[Value, ...]]]:
    """Fields that every event has, with their different values: those that the rule looked at, then those that tell cases apart."""
    order = dict.fromkeys((*looked_at, *TELLING))
    shared = [name for name in order if all(event.fields.get(name) is not None for event in events)]
    return [(name, _different(event.fields[name] for event in events)) for name in shared]


def _different(values: Iterable[Value]) -> tuple[Value, ...]:
    return tuple({repr(value): value for value in values}.values())


class Standing(StrEnum):
    """How a tuning stands on a day."""

    ACTIVE = "active"
    SOON = "ends soon"
    EXPIRED = "expired"
    ENDLESS = "no end"


def standing(each: ir.Filter, now: datetime) -> Standing:
    """How the filter stands: it acts on what happened before the first moment (UTC) of the day on which it expires."""
    if not each.expires:
        return Standing.ENDLESS
    end = datetime.combine(date.fromisoformat(each.expires), time(), UTC)
    if now >= end:
        return Standing.EXPIRED
    return Standing.SOON if now >= end - SOON else Standing.ACTIVE


def expired(content: Iterable[tuple[str, ir.Content]], now: datetime) -> list[str]:
    """A sentence for each tuning that has ended and still stands in its file."""
    return [
        f'{path}: "{each.title}" of {each.owner} has expired on {each.expires} and hides nothing any more: renew it or delete the file'
        for path, each in content
        if isinstance(each, ir.Filter) and standing(each, now) is Standing.EXPIRED
    ]
