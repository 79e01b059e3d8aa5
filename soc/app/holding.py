"""The ledger in, out which stored events stay whatever their age: those that a detection or an alert names, and those that a person holds.

A hold is a search (soc.store.language) with a span and a reason; its fact stands until one says that it is released.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from iso27001.ledger import Fact
from soc.alert.facts import DETECTION, OPENED, REPEATED
from soc.app.history import Span
from soc.app.site import Site
from soc.errors import SocError
from soc.store.language import parse

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from soc.store.segments.files import Rows
    from soc.store.segments.lines import Mask
    from soc.store.segments.looking import Look
    from soc.store.segments.view import Asked

HELD, RELEASED = "store.held", "store.released"


@dataclass(frozen=True, slots=True)
class Hold:
    """Events that happened in a span and meet a search. `id`: that of its fact, without its kind."""

    id: str
    query: str
    span: Span
    why: str
    actor: str
    time: datetime


def hold(site: Site, query: str, span: Span, why: str, actor: str) -> Hold:
    """Keep what meets a search until it is released. Raises: SocError (QueryError with the place) for what cannot be understood."""
    parse(query)
    now = site.clock()
    made = Hold(f"{now:%Y%m%dT%H%M%S.%f}", query, span, why, actor, now)
    body = {"query": query, "since": span.since.isoformat(), "until": span.until.isoformat(), "why": why}
    site.ledger.append([Fact(f"{HELD}:{made.id}", HELD, now, actor, body)])
    return made


def release(site: Site, hold_id: str, why: str, actor: str) -> None:
    """End a hold. Raises: SocError where there is none of that id."""
    if all(each.id != hold_id for each in holds(site)):
        raise SocError(f'there is no hold "{hold_id}"; `soc store holds` shows them')
    site.ledger.append([Fact(f"{RELEASED}:{hold_id}", RELEASED, site.clock(), actor, {"hold": hold_id, "why": why})])


def holds(site: Site) -> list[Hold]:
    """Those that stand, oldest first."""
    found: dict[str, Hold] = {}
    for entry in site.ledger.entries(kinds=[HELD, RELEASED]):
        fact = entry.fact
        if fact.kind == RELEASED:
            found.pop(fact.body["hold"], None)
            continue
        body: dict[str, Any] = dict(fact.body)
        span = Span(datetime.fromisoformat(body["since"]), datetime.fromisoformat(body["until"]))
        made = Hold(fact.id.removeprefix(f"{HELD}:"), body["query"], span, body["why"], fact.actor, fact.time)
        found[made.id] = made
    return list(found.values())


def named(site: Site) -> set[str]:
    """The ids of the events that detections and alerts name."""
    ids: set[str] = set()
    for entry in site.ledger.entries(kinds=[DETECTION, OPENED, REPEATED]):
        body = entry.fact.body
        if entry.fact.kind == DETECTION:
            ids.update(event["id"] for event in body["events"])
        else:
            ids.update((body["alert"] if entry.fact.kind == OPENED else body)["event_ids"])
    return ids


class Evidence:
    """The rows of stored groups that stay, as the ledger is when the first is asked for."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def mask(self, rows: Rows, starts: NDArray[np.uint32]) -> Mask:
        """Of a group; `starts`: the first four bytes of the id of each row. Raises: DamagedFileError."""
        import numpy as np

        from soc.store.segments.looking import Seen
        from soc.store.segments.view import within

        found: Mask = np.isin(starts, self._named)
        for asked, look in self._holds:
            if asked.overlaps(rows.about):
                seen = Seen(rows, [*look.columns, "@timestamp"])
                found = found | within(look.mask(seen), seen.times, asked)
        return found

    @cached_property
    def _holds(self) -> list[tuple[Asked, Look]]:
        from soc.store.segments.looking import Look
        from soc.store.segments.view import Asked

        zone = self._site.config.site.zone
        asked = [Asked(parse(each.query), each.span.since, each.span.until, zone) for each in holds(self._site)]
        return [(each, Look(each.query, zone)) for each in asked]

    @cached_property
    def _named(self) -> list[int]:
        """The first four bytes of the ids that detections and alerts name: a row more may stay, never one less."""
        return sorted({int(each[:8], 16) for each in named(self._site)})
