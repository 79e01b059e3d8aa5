"""`soc iso risk list|show|record|accept|close`: the risk register, light."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site
from soc.cli.iso._acts import Acts, show_record, show_records


@click.group(cls=Acts, noun="risk", short_help="The risk register: assets, threats, treatment, what remains.")
def command() -> None:
    """Risks that the statement of applicability points at, and what remains of them."""


@command.command("list")
@config_option
@json_option
def list_(config_path: Path, as_json: bool) -> None:
    """Risks, the gravest of what remains first."""
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        now = site.clock()
        risks = sorted(read_register(site.ledger).risks.values(), key=lambda risk: -risk.text.residual.level)
        rows = (
            (
                {
                    "id": risk.id,
                    "state": "closed" if risk.closed else "accepted" if risk.accepted_by else "not accepted",
                    "level": risk.text.rating.level,
                    "residual": risk.text.residual.level,
                    "treatment": risk.text.treatment.value,
                    "owner": risk.text.owner,
                    "review": "overdue" if risk.review_overdue(now) else risk.text.review_due,
                    "controls": list(risk.text.controls),
                    "title": risk.text.title,
                },
                risk,
            )
            for risk in risks
        )
        columns = ["id", "state", "level", "residual", "treatment", "owner", "review", "controls", "title"]
        show_records(rows, columns, as_json=as_json, site=site, empty="no risk is recorded; `soc iso risk record`")


@command.command("show")
@click.argument("risk_id")
@config_option
@json_option
def show_(risk_id: str, config_path: Path, as_json: bool) -> None:
    """One risk whole."""
    from iso27001.register import get
    from iso27001.register.reading import read_register

    with open_site(config_path) as site:
        show_record(get(read_register(site.ledger).risks, risk_id, "risk"), as_json=as_json, site=site)
