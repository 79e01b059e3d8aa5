"""Events in, Events out: what a site knows of the system, the people and the addresses that an event names. Tables are passed in.

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
    """The events in their order, with what each table adds to their fields, one after the other: for events that nobody else holds yet."""
    for table in tables:
        adds = table.adds
        for event in events:
            if added := adds(event.fields, event.time):
                event.fields.update(added)
    return list(events)
