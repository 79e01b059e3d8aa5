"""`soc intel list`: the site's feeds, or their indicators."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, show


@click.command()
@click.option("--feed", default="", help="Only of this feed.")
@click.option("--values", is_flag=True, help="Each indicator instead of the feeds.")
@click.option("--limit", default=1_000, show_default=True, type=click.IntRange(1), help="Of --values, at most so many.")
@config_option
@json_option
def command(feed: str, values: bool, limit: int, config_path: Path, as_json: bool) -> None:
    """Feeds with how many indicators of each kind they gave and how many have ended; with --values the indicators themselves."""
    import msgspec

    from soc.app.intel import indicator_store

    with open_site(config_path) as site:
        store, now, zone = indicator_store(site), site.clock(), site.config.site.zone
        if values:
            rows = (
                {
                    **msgspec.to_builtins(known.indicator),
                    "feed": known.feed,
                    "imported": known.imported,
                    "valid": known.indicator.valid(now),
                }
                for known in store.indicators(feed, limit=limit)
            )
            show(
                rows,
                ["kind", "value", "feed", "confidence", "tlp", "valid", "name"],
                as_json=as_json,
                empty="no indicators",
            )
            return
        feeds = [each for each in store.feeds(now) if feed in ("", each.feed)]
        show(
            (
                {
                    "feed": each.feed,
                    "indicators": each.total,
                    "ended": each.expired,
                    "last_import": each.last_imported if as_json else local(each.last_imported, zone),
                    "kinds": each.kinds if as_json else ", ".join(f"{n:,} {kind}" for kind, n in each.kinds.items()),
                }
                for each in feeds
            ),
            ["feed", "indicators", "ended", "last_import", "kinds"],
            as_json=as_json,
            empty="no feed was imported; `soc intel import FILE --feed NAME` takes one",
        )
