"""Events in, Events out: what a site knows of the system that an event comes from. Pure; the table is passed in.

Doors: `enrich` for a batch, `AssetTable` for the look-up. Source of truth: the site's inventory; names as in ECS 8.17 (`service.*`,
`labels.*`).
"""

from collectors.enrich.assets import Asset, AssetTable, enrich

__all__ = ["Asset", "AssetTable", "enrich"]
