"""`soc iso controls`: the controls of Annex A."""

from __future__ import annotations

from pathlib import Path

import click

from soc.cli._shared import config_option, json_option, show


@click.command()
@config_option
@json_option
def command(config_path: Path, as_json: bool) -> None:
    """The 93 controls of Annex A, in English and Vietnamese."""
    from iso27001.catalogue import load

    del config_path
    rows = [
        {
            "control": c.id,
            "theme": c.theme.value,
            "mode": c.evidence_mode.value,
            "title_en": c.title_en,
            "title_vi": c.title_vi,
        }
        for c in load().controls.values()
    ]
    show(rows, ["control", "theme", "mode", "title_en", "title_vi"], as_json=as_json)
