"""`soc rules list`: the rules of the site."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, open_site, show


@click.command()
@click.option("--text", default="", help="Words that title, id or tags contain.")
@config_option
@json_option
def command(text: str, config_path: Path, as_json: bool) -> None:
    """The rules of the site."""
    import msgspec

    with open_site(config_path) as site:
        words = text.casefold().split()
        rows = []
        for rule in site.rules().rules:
            about = f"{rule.title} {rule.id} {' '.join(rule.tags)} {rule.logsource}".casefold()
            if all(word in about for word in words):
                rows.append(msgspec.to_builtins(rule))
        show(rows, ["id", "level", "logsource", "title"], as_json=as_json, empty="no rule matches")
