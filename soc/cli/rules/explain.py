"""`soc rules explain`: why a rule fires or does not."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text


@click.command()
@click.argument("rule_id")
@click.option("--alert", "alert_id", required=True, help="An alert whose events to explain the rule on.")
@config_option
@json_option
def command(rule_id: str, alert_id: str, config_path: Path, as_json: bool) -> None:
    """Why a rule fires, or does not, on the events of an alert: every leaf with its verdict and the value."""
    from soc.app.desk import SiteDesk, actor_name
    from soc.app.explaining import explanations

    with open_site(config_path) as site:
        site.catch_up()
        alert = SiteDesk(site, actor_name()).alert(alert_id)
        for original, explanation in explanations(site, rule_id, alert):
            if as_json:
                print_json({"event.original": original, "fires": explanation.fires, "tree": explanation.tree})
                continue
            print_text(f"{original}\n{explanation}")
            click.echo()
