"""What people decide of the tracker, as ledger facts and back: one decision is one fact, and a record is the fold of its facts.

A fact's id names the record and how many of its facts the writer had seen: of two decisions on the same state the ledger takes the first,
and whoever was slower is told (`write`). Nothing is overwritten; a record's `version` is the number of its facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from iso27001.catalogue import Catalogue
from iso27001.errors import CatalogueError, IsoError, RecordError
from iso27001.ledger import Entry, Fact
from iso27001.ledger.store import Ledger

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,63}")


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, and when."""

    actor: str
    time: datetime

    def __post_init__(self) -> None:
        """Raises: RecordError without a name or a time zone."""
        if not self.actor.strip():
            raise RecordError("a decision has a name to it")
        if self.time.tzinfo is None:
            raise RecordError(f"the moment {self.time.isoformat()} has no time zone")


class Record(Protocol):
    """What all records have."""

    @property
    def id(self) -> str:
        """Its name, unique among its kind."""

    @property
    def version(self) -> int:
        """How many facts it is the fold of."""


R = TypeVar("R", bound=Any)
T = TypeVar("T")
Fold = Callable[[R | None, Entry], R]


def decision(kind: str, record_id: str, seen: int, by: By, body: Mapping[str, Any]) -> Fact:
    """The fact of one decision on a record of which the writer had seen `seen` facts. Raises: RecordError for an id that is none."""
    if not _ID.fullmatch(record_id):
        raise RecordError(f'"{record_id}" is no id: letters, digits, dots, dashes, underscores and slashes, 64 at most')
    plain = msgspec.to_builtins(body, builtin_types=(datetime,))
    return Fact(f"{_noun(kind)}/{record_id}/{seen}", kind, by.time, by.actor, {"id": record_id, **plain})


def write(ledger: Ledger, fact: Fact) -> Entry:
    """Append one decision. Raises: RecordError where somebody decided first, LedgerError; then nothing was written."""
    taken = ledger.append([fact])
    if not taken:
        first = ledger.by_id(fact.id)
        who = f" ({first.fact.actor}: {first.fact.kind})" if first else ""
        raise RecordError(
            f"{_noun(fact.kind)} {fact.body['id']}: somebody was faster{who}; look again, your decision was not recorded"
        )
    return taken[0]


def folded(entries: Iterable[Entry], fold: Fold[R]) -> dict[str, R]:
    """The records of these entries by id, in the order in which each was begun.

    Raises: RecordError for an entry that is not of this kind of record.
    """
    found: dict[str, R] = {}
    for entry in entries:
        try:
            name = entry.fact.body["id"]
            before = found.get(name)
            found[name] = replace(fold(before, entry), version=1 if before is None else before.version + 1)
        except (KeyError, TypeError, ValueError, AttributeError) as error:  # msgspec's ValidationError is a ValueError
            raise RecordError(f"entry {entry.seq} is no {_noun(entry.fact.kind)}: {error}") from error
    return found


def begun(record: R | None) -> R:
    """The record that a later fact changes. Raises: ValueError where it never began (a cut ledger)."""
    if record is None:
        raise ValueError("it changes what never began")
    return record


def read(cls: type[T], plain: Any) -> T:
    """The dataclass of a fact's values. Raises: ValueError."""
    return msgspec.convert(plain, cls)


def whole(name: str, **texts: str) -> None:
    """Refuse a record without one of these texts. Raises: RecordError naming each that is empty."""
    missing = [key for key, text in texts.items() if not text.strip()]
    if missing:
        raise RecordError(f"{name}: {' and '.join(missing)} must be said")


def new(name: str, known: Iterable[str]) -> None:
    """Refuse an id that is taken. Raises: RecordError."""
    if name in set(known):
        raise RecordError(f"there is a {name} already; give another id, or change that one")


def next_id(prefix: str, known: Iterable[str]) -> str:
    """The first free id of a row: R-1, R-2, …"""
    numbers = [int(name[len(prefix) + 1 :]) for name in known if re.fullmatch(rf"{re.escape(prefix)}-\d{{1,9}}", name)]
    return f"{prefix}-{max(numbers, default=0) + 1}"


def get(records: Mapping[str, R], name: str, what: str) -> R:
    """The record of an id. Raises: RecordError naming the nearest known one."""
    found = records.get(name)
    if found is None:
        raise RecordError(f"there is no {what} {name}{_nearest(name, records)}")
    return found


def resolved(written: Sequence[str], catalogue: Catalogue, name: str) -> tuple[str, ...]:
    """Ids of controls and clauses as the catalogue has them, each once; those of 2013 become those of 2022. Raises: RecordError."""
    found: dict[str, None] = {}
    for each in written:
        try:
            found |= dict.fromkeys((each,) if each in catalogue.clauses else catalogue.resolve(each))
        except CatalogueError as error:
            raise RecordError(f"{name}: {error}") from error
    return tuple(found)


def checked(check: Callable[[], T], name: str) -> T:
    """What `check` gives, its error said of a record. Raises: RecordError."""
    try:
        return check()
    except IsoError as error:
        raise RecordError(f"{name}: {error}") from error


def utc(moment: datetime, name: str, what: str) -> datetime:
    """A moment in UTC. Raises: RecordError where it names no time zone."""
    if moment.tzinfo is None:
        raise RecordError(f"{name}: {what} {moment.isoformat()} has no time zone")
    return moment.astimezone(UTC)


def _noun(kind: str) -> str:
    return kind.partition(".")[0]


def _nearest(name: str, known: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, list(known), 1, 0.6)
    return f'; did you mean "{near[0]}"?' if near else ""
