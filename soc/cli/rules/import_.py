"""`soc rules import`: take a release of rules, after showing what it changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, print_text
from soc.cli._span import force_options, journal_span_of, reason_of, span_options
from soc.errors import EXIT_FINDINGS

if TYPE_CHECKING:
    from soc.app.backtesting import Backtest
    from soc.app.history import Span
    from soc.app.importing import Import
    from soc.app.site import Site

SHOWN = 20
"""Rules of each kind that are printed; --json has all."""


@click.command()
@click.argument("release", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="The release's own folder (default: sigmahq in the site's first rule folder).",
)
@click.option("--without-faulty", is_flag=True, help="Leave out files that cannot be loaded, instead of refusing all.")
@click.option("--dry-run", is_flag=True, help="Show what it changes, and write nothing.")
@span_options
@force_options
@actor_option
@config_option
@json_option
def command(
    release: Path,
    into: Path | None,
    without_faulty: bool,
    dry_run: bool,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    force: bool,
    reason: str,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> int:
    """Take a RELEASE of rules (a folder or zip, as SigmaHQ publishes): check all of it, show what is new, changed and gone and what that
    would have done on the site's history, then write it as one.

    Refused with exit code 1 as `soc rules backtest` refuses, and over files that were edited by hand; --force --reason goes on.
    """
    import msgspec

    from soc.app import importing
    from soc.app.desk import actor_name
    from soc.app.release import open_release
    from soc.cli.rules._outcome import as_json as whole
    from soc.cli.rules._outcome import print_result

    decided = reason_of(force=force, reason=reason)
    with open_site(config_path) as site:
        folder = into.absolute() if into else site.config.rules[0] / "sigmahq"
        found = importing.prepare(site, open_release(release), folder, without_faulty=without_faulty)
        result, why = _tried(site, found, journal_span_of(site, last, since, until))
        objections = [*_edited(found), *(result.objections() if result else [])]
        written = bool(found.change.differences or not importing.manifest_of(folder)) and not dry_run
        written = written and bool(decided or not objections)
        if as_json:
            print_json(
                {
                    "release": found.release.name,
                    "digest": found.release.digest,
                    "into": str(folder),
                    "written": written,
                    "files": len(found.files),
                    "deprecated": [difference.id for difference in found.deprecated()],
                    "edits": msgspec.to_builtins(found.edits),
                    "left_out": msgspec.to_builtins(found.left_out),
                    "differences": msgspec.to_builtins(found.change.differences),
                    "objections": objections,
                    "backtest": whole(result) if result else None,
                }
            )
        else:
            _print(found)
            if result:
                print_result(result, site.config.site.zone, named=False)
            else:
                click.echo(f"no backtest: {why}")
            for objection in _edited(found):
                print_text(f"\nOBJECTION  {objection}")
        if objections and not decided:
            click.echo(
                "refused; --force --reason TEXT goes on all the same, and the ledger keeps who and why", err=True
            )
            return EXIT_FINDINGS
        if written:
            importing.write(site, found, actor_name(actor), result, forced=decided)
            click.echo(f"written: {len(found.files):,} files in {folder}", err=True)
            if not any(folder.absolute().is_relative_to(each.absolute()) for each in site.config.rules):
                click.echo(f"soc.yaml does not name this folder: add {folder} to `rules` to switch it on", err=True)
        elif not dry_run:
            click.echo("nothing differs from what is there", err=True)
        return 0


def _tried(site: Site, found: Import, span: Span) -> tuple[Backtest | None, str]:
    """The backtest, or why there is none: a new site has no history."""
    from soc.cli.rules._outcome import run_backtest
    from soc.errors import SocError

    if not found.change.differences:
        return None, "nothing differs"
    try:
        return run_backtest(site, found.change, span), ""
    except SocError as error:
        return None, str(error)


def _edited(found: Import) -> list[str]:
    edits = found.edits
    named = [("edited", edits.changed), ("deleted", edits.deleted)]
    return [
        f"{len(names)} files of {found.into} were {what} by hand, and the release would undo that: {', '.join(names[:5])}"
        for what, names in named
        if names
    ]


def _print(found: Import) -> None:
    from soc.detect.backtest import Kind

    deprecated = {difference.id for difference in found.deprecated()}
    click.echo(f"{found.release.name}: {len(found.files):,} files for {found.into}")
    for kind, word in ((Kind.ADDED, "new"), (Kind.CHANGED, "changed"), (Kind.REMOVED, "gone")):
        differences = found.named(kind)
        note = f", {len(deprecated):,} of them deprecated" if kind is Kind.REMOVED and deprecated else ""
        click.echo(f"\n{len(differences):,} {word}{note}")
        for difference in differences[:SHOWN]:
            mark = "  (deprecated)" if difference.id in deprecated else ""
            print_text(f"  {difference.id}  {difference.title}{mark}")
        if len(differences) > SHOWN:
            click.echo(f"  and {len(differences) - SHOWN:,} more; --json has all")
    for fault in found.left_out:
        print_text(f"\nleft out: {fault}")
    if found.edits.added:
        click.echo(f"\n{len(found.edits.added)} files there are your own and stay")
    click.echo()
