"""`soc model train|show`: the log-on model, trained on the site's own journal, and its training record."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from soc.cli._group import Group
from soc.cli._shared import actor_option, config_option, json_option, open_site, print_json, show
from soc.errors import SocError


@click.group(cls=Group, short_help="Train and show the log-on model.")
def command() -> None:
    """Train the log-on model on history, and see what it was trained on."""


@command.command("train")
@click.option("--since", type=click.DateTime(), default=None, help="Events from this time on (site time).")
@click.option("--until", type=click.DateTime(), default=None, help="Events before this time (site time).")
@actor_option
@config_option
@json_option
def train(since: datetime | None, until: datetime | None, actor: str, config_path: Path, as_json: bool) -> None:
    """Train on the journal's log-ons; `soc run` uses the model from its next start on."""
    import msgspec

    from soc.app.desk import actor_name
    from soc.app.models import train_logon_model

    with open_site(config_path) as site:
        zone = site.config.site.zone
        bounds = [moment.replace(tzinfo=zone) if moment else None for moment in (since, until)]
        record = train_logon_model(site, since=bounds[0], until=bounds[1], actor=actor_name(actor))
        if as_json:
            print_json(msgspec.to_builtins(record))
        else:
            click.echo(f"trained on {record.logons} log-ons in {record.cells} account-source-hours: {site.model_path}")


@command.command("show")
@config_option
@json_option
def show_model(config_path: Path, as_json: bool) -> None:
    """The training record of the model in use."""
    import msgspec

    from soc.detect.anomaly import LogonModel

    with open_site(config_path) as site:
        if not site.model_path.exists():
            raise SocError("no model is trained; `soc model train` trains one on the journal's log-ons")
        record = msgspec.to_builtins(LogonModel(site.model_path).record)
        if as_json:
            print_json(record)
        else:
            show([{"what": k, "value": v} for k, v in record.items()], ["what", "value"], as_json=False)
