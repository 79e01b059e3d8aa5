"""Ledger entries and what stood before in, what stands now out: the one fold that every implementation of the projections applies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from iso27001.ledger import Entry, Fact
from soc.alert import Alert
from soc.alert import facts as alert_facts
from soc.errors import SocError
from soc.incident import Incident
from soc.incident import facts as incident_facts

N = TypeVar("N", Alert, Incident)

BATCH = 2000
"""Entries folded in one go: a rebuild of a long ledger holds no more than what these touch in memory."""


@dataclass(frozen=True, slots=True)
class View(Generic[N]):
    """One kind of noun that is a fold of facts."""

    noun: type[N]
    touched: Callable[[Fact], tuple[str, ...]]
    fold: Callable[[N | None, str, Fact], N | None]


@dataclass(frozen=True, slots=True)
class Standing(Generic[N]):
    """A noun as it stands after ledger entry `seq`."""

    noun: N
    seq: int


ALERTS = View(Alert, alert_facts.touched, alert_facts.fold)
INCIDENTS = View(Incident, incident_facts.touched, incident_facts.fold)


def touched_ids(view: View[N], entries: Iterable[Entry]) -> list[str]:
    """Ids of the nouns that the entries change, each once, in order."""
    return list(dict.fromkeys(noun_id for entry in entries for noun_id in view.touched(entry.fact)))


def folded(view: View[N], entries: Iterable[Entry], before: Mapping[str, Standing[N]]) -> dict[str, Standing[N]]:
    """The nouns that the entries change, as they stand after them. An entry that a noun has folded already changes it no more."""
    after: dict[str, Standing[N]] = {}
    for entry in entries:
        for noun_id in view.touched(entry.fact):
            standing = after.get(noun_id) or before.get(noun_id)
            if standing is not None and entry.seq <= standing.seq:
                continue
            noun = view.fold(standing.noun if standing else None, noun_id, entry.fact)
            if noun is not None:
                after[noun_id] = Standing(noun, entry.seq)
    return after


def batches(entries: Iterable[Entry], applied: int) -> Iterator[Sequence[Entry]]:
    """Batches of the entries from `applied` on. Raises: SocError where one is missing: a fold over a hole would be false for ever."""
    due = _without_holes(entries, applied)
    while batch := list(islice(due, BATCH)):
        yield batch


def _without_holes(entries: Iterable[Entry], applied: int) -> Iterator[Entry]:
    for entry in entries:
        if entry.seq < applied:
            continue
        if entry.seq > applied:
            raise SocError(
                f"ledger entry {applied} is missing: entry {entry.seq} came instead; rebuild the projections"
            )
        yield entry
        applied += 1
