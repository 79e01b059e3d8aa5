"""`soc rules coverage`: which of ATT&CK the rules of the site can see with what it collects."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import config_option, json_option, local, open_site, print_json, table
from soc.cli._span import journal_span_of, span_options
from soc.errors import SocError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soc.detect.coverage import Coverage, Technique

GAPS = 15
"""Lines of gaps that are printed; --json has all."""


@click.command()
@click.option(
    "--navigator",
    "layer",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a layer for ATT&CK Navigator (layer format 4.5) to this file.",
)
@span_options
@config_option
@json_option
def command(
    layer: Path | None,
    last: timedelta,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
    as_json: bool,
) -> None:
    """By tactic: techniques that have rules, that can fire on what was collected in the span, and that did. Gaps are named.

    Old and new names of ATT&CK (defense-evasion; stealth and defense-impairment; T1562; T1685 and T1686) are counted as one.
    """
    import msgspec

    from soc.app.covering import covered
    from soc.detect.coverage import navigator

    with open_site(config_path) as site:
        span = journal_span_of(site, last, since, until)
        found = covered(site, span)
        zone = site.config.site.zone
        when = f"{local(span.since, zone)} to {local(span.until, zone)}"
        if layer is not None:
            data = navigator(found, f"{site.config.site.name}: detection", f"Rules that can fire on events of {when}.")
            try:
                layer.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
            except OSError as error:
                raise SocError(f"{layer} cannot be written: {error.strerror}") from error
            click.echo(f"{len(data['techniques'])} techniques in {layer}", err=True)
        if as_json:
            print_json(msgspec.to_builtins(found))
        else:
            _print(found, when)


def _print(found: Coverage, when: str) -> None:
    click.echo(f"{found.able:,} of {found.rules:,} rules can fire on what was collected from {when}\n")
    table(
        ["TACTIC", "TECHNIQUES WITH RULES", "THAT CAN FIRE", "THAT FIRED"],
        [[t.name, str(t.techniques), str(t.able), str(t.fired)] for t in found.tactics],
    )
    if found.untagged:
        click.echo(f"\n{found.untagged:,} rules name no technique and are counted under none")
    blind = [tactic.name for tactic in found.tactics if not tactic.able]
    if blind:
        click.echo(f"\nnothing can fire for: {', '.join(blind)}")
    if found.gaps:
        click.echo(f"\n{len(found.gaps)} techniques have rules of which none can fire: {_some(found.gaps)}")
        click.echo("\nwhat to collect, most techniques first")
        cells = [[w.logsource, str(w.rules), str(len(w.techniques)), " ".join(w.techniques[:8])] for w in found.wanted]
        table(["LOGSOURCE", "RULES", "TECHNIQUES", ""], [row for row in cells if row[2] != "0"][:GAPS])


def _some(gaps: Sequence[Technique]) -> str:
    names = [gap.id for gap in gaps]
    return " ".join(names[:GAPS]) + (f" and {len(names) - GAPS} more" if len(names) > GAPS else "")
