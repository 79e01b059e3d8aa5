"""`soc incidents share|answer`: an incident or its indicators for others, and what they answer."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._output import write_whole
from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, print_text


@click.command("share")
@click.argument("incident_id")
@click.option("--format", "form", type=click.Choice(["stix", "misp"]), default="stix", show_default=True)
@click.option(
    "--audience",
    required=True,
    type=click.Choice(["clear", "green", "amber", "amber+strict", "red"]),
    help="The strictest label that they may see (TLP 2.0); what is marked stricter stays here.",
)
@click.option("--to", required=True, help="Who gets it, for the record.")
@click.option("--indicators", is_flag=True, help="Only indicators and techniques, nothing of the story.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@actor_option
@config_option
@json_option
def share(
    incident_id: str,
    form: str,
    audience: str,
    to: str,
    indicators: bool,
    output: Path,
    actor: str,
    config_path: Path,
    as_json: bool,
) -> None:
    """Write an incident for others, as STIX 2.1 or MISP, without personal data. Takes the role lead."""
    from soc.alert import Tlp
    from soc.app import sharing
    from soc.app.desk import SiteDesk, actor_name

    with open_site(config_path) as site:
        site.catch_up()
        name = actor_name(actor)
        incident = SiteDesk(site, name).incident(incident_id)
        content, found = sharing.share(site, incident, form, Tlp(audience), to, name, indicators=indicators)
    write_whole(output, content, as_json=as_json)
    replaced = ", ".join(f"{count} of {what}" for what, count in found.redacted.items()) or "nothing"
    click.echo(f"{len(found.indicators)} indicators; alerts left out: {found.left_out}; replaced: {replaced}", err=True)


@click.command("answer")
@click.argument("incident_id")
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@actor_option
@config_option
@json_option
def answer(incident_id: str, path: Path, actor: str, config_path: Path, as_json: bool) -> None:
    """Take in what others answered (STIX 2.1, MISP): kept whole, its words in the story. Takes the role analyst.

    Its indicators are matched once `soc intel import` took the same file.
    """
    import msgspec

    from soc.app.desk import SiteDesk, actor_name
    from soc.app.sharing import take_answer
    from soc.share.answer import lines

    with open_site(config_path) as site:
        site.catch_up()
        name = actor_name(actor)
        taken = take_answer(site, SiteDesk(site, name).incident(incident_id), path, name)
    if as_json:
        print_json(msgspec.to_builtins(taken))
    else:
        for line in lines(taken):
            print_text(line)
        if taken.indicators:
            print_text(f"soc intel import {path} --feed NAME matches its {taken.indicators} indicators from then on")
