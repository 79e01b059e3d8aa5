"""The end of the journal in, the hosts whose events come hours off the time that they state out: another time zone, or a wrong clock.

RFC 3164 and many files name no zone; their lines are read in that of the source (`timezone`) or of the site. A host that writes in another
one is off by a whole number of quarters of an hour, again and again, while its events come.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from soc.app.audit import is_heartbeat
from soc.app.intakes import context_of
from soc.app.reading import events_of
from soc.app.replaying import is_replayed

if TYPE_CHECKING:
    from collectors.event import Event
    from soc.app.site import Site

LOOKED_AT = 20_000
"""Events at the end of the journal."""

ENOUGH = 10
"""Events of a host."""

FOR = timedelta(minutes=1)
"""So long they must have been coming: what is read of a file at once may be of any age."""

LEAST = timedelta(minutes=30)
NEAR = timedelta(minutes=4)
_QUARTER = timedelta(minutes=15)
_ZONES = range(-12, 15)


@dataclass(frozen=True, slots=True)
class ClockOff:
    """A host of a source (its name, else its address) whose events come so long after the time that they state (below zero: before).

    `zone`: in which they were on time, "" where there is none for whole hours.
    """

    source: str
    host: str
    off: timedelta
    zone: str

    def __str__(self) -> str:
        """In a sentence, with what mends it."""
        hours = f"{abs(self.off) / timedelta(hours=1):g} h"
        mended = f"timezone: {self.zone}" if self.zone else "timezone: ..."
        return (
            f"events of {self.host or 'it'} come {hours} {'after' if self.off > timedelta() else 'before'} the time that they state: "
            f'its clock is wrong, or it writes another time zone and does not say so; then "{mended}" at a source of its own mends it'
        )


def clocks_off(site: Site) -> list[ClockOff]:
    """Those of the sources of soc.yaml, by what came last."""
    journal = site.journal_reader
    came: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for _, event in events_of(journal, max(journal.start(), journal.end() - LOOKED_AT), journal.end()):
        if not is_heartbeat(event) and not is_replayed(event):
            came[event.source, str(event.fields.get("host.name") or event.peer)].append(event)
    sources = {source.id: source for source in site.config.sources}
    found = []
    for (source, host), events in sorted(came.items()):
        off = _off(events)
        if off and source in sources:
            here = context_of(site, sources[source]).timezone.utcoffset(events[-1].ingested) or timedelta()
            found.append(ClockOff(source, host, off, _zone(here - off)))
    return found


def _off(events: Sequence[Event]) -> timedelta:
    """By which whole quarters all of them are off; nothing where they are not, or not for long."""
    if len(events) < ENOUGH or events[-1].ingested - events[0].ingested < FOR:
        return timedelta()
    late = [event.ingested - event.time for event in events]
    off = round(late[-1] / _QUARTER) * _QUARTER
    return off if abs(off) >= LEAST and all(abs(each - off) < NEAR for each in late) else timedelta()


def _zone(offset: timedelta) -> str:
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest or hours not in _ZONES:
        return ""
    return f"Etc/GMT{-hours:+d}" if hours else "UTC"
