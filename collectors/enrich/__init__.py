"""Events in, Events out: what a site knows of the system, the people and the addresses that an event names. Pure; tables are passed in.

Doors: `enrich` for a batch; tables that add: `AssetTable` (systems), `IdentityTable` (people), `GeoTable` (countries and networks),
`IndicatorMatcher` (threat intelligence). Names as in ECS 8.17 (`service.*`, `user.*`, `*.geo.*`, `*.as.*`, `threat.*`, `labels.*`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from collectors.enrich.assets import Asset, AssetTable
from collectors.event import Event, Value

__all__ = ["Asset", "AssetTable", "Table", "enrich"]


class Table(Protocol):
    """What knows something of events."""

    def adds(self, fields: Mapping[str, Value], time: datetime) -> Mapping[str, Value] | None:
        """The fields that an event of these fields and this time gets, in place of what it has by their names; None for nothing."""
        ...


def enrich(events: Sequence[Event], *tables: Table) -> list[Event]:
    """The events in their order, with what each table adds, one after the other; none given is changed."""
    asked = [table.adds for table in tables]
    enriched = []
    for event in events:
        fields = given = event.fields
        for adds in asked:
            added = adds(fields, event.time)
            if added:
                if fields is given:
                    fields = given.copy()
                fields.update(added)
        if fields is given:
            enriched.append(event)
            continue
        enriched.append(
            Event(event.id, event.time, fields, event.raw, event.source, event.position, event.ingested, event.peer)
        )
    return enriched
