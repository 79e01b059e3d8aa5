"""The sources of a site as a board: heard or silent, what came of them, how far they are read, and what goes dark without them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from soc.app.silence import Rhythm, controls_of, rules_that_need, techniques_of
from soc.app.site import Site
from soc.app.sources import Standing, standings
from soc.tui import Cell, Item, Section, Tone

MOST_NAMED = 200
"""Rules on a page that need the source."""


class SourcesBoard:
    """Rows in the order of soc.yaml."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._rhythm = Rhythm()

    def items(self) -> Sequence[Item]:
        """One row a source."""
        self._rhythm.catch_up(self._site.ledger, self._site.clock())
        return [self._item(each) for each in standings(self._site)]

    def _item(self, each: Standing) -> Item:
        flow, source = each.flow, each.source
        silent = self._silent(source.id) is not None
        state = "silent" if silent else "heard" if flow.last else "unheard"
        tone = Tone.WARN if silent else Tone.PLAIN if flow.last else Tone.DIM
        cells: dict[str, Cell] = {
            "state": state,
            "id": source.id,
            "format": source.format,
            "received": flow.received,
            "dead": flow.dead,
            "dropped": flow.dropped,
            "last": flow.last,
            "place": each.where,
        }
        return Item(source.id, cells, tone)

    def sections(self, item_id: str) -> Sequence[Section]:
        """All that is known of one source."""
        each = next((one for one in standings(self._site) if one.source.id == item_id), None)
        if each is None:
            return ()
        flow, source = each.flow, each.source
        self._rhythm.catch_up(self._site.ledger, self._site.clock())
        dark = rules_that_need(self._site, source)
        return (
            Section(
                "source",
                (
                    ("kind", source.kind),
                    ("format", source.format),
                    ("place", each.where),
                    ("delivery", each.delivery),
                    ("silent_since", self._silent(source.id)),
                ),
            ),
            Section(
                "flow",
                (
                    ("received", flow.received),
                    ("parsed", flow.parsed),
                    ("dead", flow.dead),
                    ("dropped", flow.dropped),
                    ("last_seen", flow.last),
                ),
            ),
            Section("marks", lines=[f"{m.path or m.stream}: {m.offset:,} ({m.index:,} records)" for m in each.marks]),
            Section(
                "dark",
                (
                    ("rules", len(dark)),
                    ("techniques", ", ".join(techniques_of(dark))),
                    ("controls", ", ".join(controls_of(dark))),
                ),
                [rule.title for rule in dark[:MOST_NAMED]],
            ),
        )

    def _silent(self, source: str) -> datetime | None:
        """Since when, as of when the SOC last ran."""
        run = self._rhythm.last_run()
        return self._rhythm.silent(source, run[1], run[0]) if run else None
