"""`soc sources replay-dead-letters`: dead letters that parse now, because a parser was mended, become events."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, show, table
from soc.errors import EXIT_OK


@click.command("replay-dead-letters")
@click.option("--source", default="", help="Only of this source.")
@click.option("--dry-run", is_flag=True, help="Only count what would parse now.")
@actor_option
@config_option
@json_option
def command(source: str, dry_run: bool, actor: str, config_path: Path, as_json: bool) -> int:
    """Parse dead letters again, in the format that their source has today; those that parse become events, each once, the others stay.

    The events have `log.flags: replayed` and the time that their record says. Where soc run is at work it does it, with the parsers that
    it was started with, and detects on them; else the next one does. The ledger keeps who asked, and which letters were taken.
    """
    from soc.app.desk import actor_name
    from soc.app.replay_requests import replayed
    from soc.app.replaying import rows

    with open_site(config_path) as site:
        result = replayed(site, actor_name(actor), source, dry_run=dry_run)
        show(rows(result), ["source", "replayed", "stayed"], as_json=as_json)
        if result.reasons and not as_json:
            click.echo()
            cells = [[f"{count:,}", source, reason] for (source, reason), count in result.reasons.most_common(10)]
            table(["STAYED", "SOURCE", "REASON"], cells)
        verb = "would be replayed" if dry_run else "replayed"
        before = f", {result.before:,} were replayed before" if result.before else ""
        click.echo(f"{result.looked:,} dead letters, {result.replayed.total():,} {verb}{before}", err=True)
    return EXIT_OK
