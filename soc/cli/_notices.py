"""`soc incidents clocks|notice`: which legal notices are due by when, and one of them as a file."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, local, open_site, show


@click.command("clocks")
@click.argument("incident_ids", nargs=-1)
@config_option
@json_option
def list_clocks(incident_ids: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """Legal notices of these incidents (default: all that are open), the most urgent first."""
    import msgspec

    from soc.app.desk import SiteDesk, actor_name
    from soc.app.notice_clocks import clocks_at

    with open_site(config_path) as site:
        site.catch_up()
        desk = SiteDesk(site, actor_name())
        named = [desk.incident(each) for each in incident_ids]
        incidents = named or [each for each in desk.incidents(desk.incident_ids()) if each.closed is None]
        rows = []
        for incident in incidents:
            found = clocks_at(site, incident, desk.now())
            for gap in found.gaps:
                click.echo(f"soc: {incident.id}: {gap}", err=True)
            for clock in found.notices:
                row = {"incident": incident.id, "id": clock.rule.id, **msgspec.to_builtins(clock)}
                if not as_json:
                    row |= {"due": local(clock.due, site.config.site.zone), "ref": clock.rule.ref, "to": clock.rule.to}
                rows.append(row)
        rows.sort(key=lambda row: str(row["due"]))
        columns = ["incident", "id", "state", "due", "ref", "to", "why"]
        show(rows, columns, as_json=as_json, empty="no incident is open, so no notice is due")


@click.command("notice")
@click.argument("incident_id")
@click.argument("rule")
@click.option("--format", "form", type=click.Choice(["json", "html", "pdf", "docx"]), default="html", show_default=True)
@click.option("--language", type=click.Choice(["en", "vi"]), help="Default: the site's.")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@config_option
@json_option
def write_notice(
    incident_id: str, rule: str, form: str, language: str | None, output: Path, config_path: Path, as_json: bool
) -> None:
    """Write the legal notice RULE (an id of `clocks`) of an incident, made from the facts of the ledger."""
    from iso27001.language import Language
    from soc.app.desk import SiteDesk, actor_name
    from soc.app.notices import notice_of, rendered
    from soc.cli._output import write_whole

    with open_site(config_path) as site:
        site.catch_up()
        incident = SiteDesk(site, actor_name()).incident(incident_id)
        told = Language(language or site.config.site.language)
        content = rendered(notice_of(site, incident, rule, told), form, told, site.config.site.zone)
    write_whole(output, content, as_json=as_json)
