"""`soc intel import`: take what a feed says now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, print_text
from soc.cli._span import duration
from soc.errors import EXIT_FINDINGS, EXIT_OK

if TYPE_CHECKING:
    from soc.app.intel import Import

SHOWN = 20
"""Faults and reasons that are printed; --json has all."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--feed", required=True, help="Whose indicators these are; alerts name it.")
@click.option("--confidence", type=click.IntRange(0, 100), default=None, help="Of those that say none.")
@click.option("--tlp", default="", help="Marking of those that have none: clear, green, amber, amber+strict or red.")
@click.option("--valid-for", callback=duration, default=None, metavar="TIME", help="Of those without an end: 90d.")
@click.option("--subdomains", is_flag=True, help="Domains match the names below them too.")
@click.option("--replace", is_flag=True, help="What the feed gave before and does not give now goes.")
@click.option("--without-faulty", is_flag=True, help="Take the others where some cannot be read.")
@click.option("--dry-run", is_flag=True, help="Show what it changes, and write nothing.")
@actor_option
@config_option
@json_option
def command(
    paths: tuple[Path, ...],
    feed: str,
    confidence: int | None,
    tlp: str,
    valid_for: timedelta | None,
    subdomains: bool,
    replace: bool,
    without_faulty: bool,
    dry_run: bool,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Take the indicators of files or folders (STIX 2.1 bundles, MISP JSON, CSV, lists of values), told apart by their content.

    All of them or, where one cannot be read, none (exit code 1). A running SOC matches the new set at once.
    """
    import msgspec

    from collectors.enrich.intel.indicator import tlp_of
    from collectors.enrich.intel.reading import Defaults
    from soc.app.desk import actor_name
    from soc.app.intel import import_feed

    if not feed.strip() or not feed.isprintable():
        raise click.UsageError("--feed needs a name")
    try:
        marking = tlp_of(tlp) if tlp else ""
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with open_site(config_path) as site:
        end = site.clock() + valid_for if valid_for else None
        found = import_feed(
            site,
            paths,
            feed.strip(),
            Defaults(confidence, marking, end, subdomains),
            actor_name(actor),
            replace=replace,
            without_faulty=without_faulty,
            dry_run=dry_run,
        )
    if as_json:
        told = {"skipped": dict(found.told.skipped), "faulty": found.told.faulty, "faults": found.told.faults}
        print_json(
            {
                "feed": found.feed,
                "files": [str(file) for file in found.files],
                "written": found.written,
                "warned": found.warned,
                **msgspec.to_builtins(found.merged),
                **told,
            }
        )
    else:
        _print(found)
    refused = found.told.faulty and not without_faulty
    if refused:
        click.echo("refused: nothing was changed; --without-faulty takes the others", err=True)
    return EXIT_FINDINGS if refused else EXIT_OK


def _print(found: Import) -> None:
    merged, told = found.merged, found.told
    print_text(
        f"{found.feed}: {len(found.files):,} files, {merged.added:,} new, {merged.changed:,} changed, {merged.unchanged:,} as they were, "
        f"{merged.removed:,} removed; {merged.total:,} indicators {'now' if found.written else 'it would be'}"
    )
    if found.warned:
        click.echo(f"{found.warned:,} are on a warning list and will not match")
    for reason, count in told.skipped.most_common(SHOWN):
        print_text(f"skipped {count:,}: {reason}")
    for fault in told.faults[:SHOWN]:
        print_text(f"FAULT  {fault}")
    if told.faulty > SHOWN:
        click.echo(f"and {told.faulty - SHOWN:,} more faults")
