"""`soc iso controls`: the controls of Annex A, or some of them whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, open_site, print_json, print_text, show

if TYPE_CHECKING:
    from iso27001.catalogue import Control


@click.command()
@click.argument("control_ids", nargs=-1)
@config_option
@json_option
def command(control_ids: tuple[str, ...], config_path: Path, as_json: bool) -> None:
    """The 93 controls of Annex A in English and Vietnamese; with ids (of 2022 or 2013) those whole, with the site's text of them."""
    from iso27001.catalogue import load

    catalogue = load()
    if control_ids:
        _whole([name for each in control_ids for name in catalogue.resolve(each)], config_path, as_json=as_json)
        return
    rows = [
        {
            "control": c.id,
            "theme": c.theme.value,
            "mode": c.evidence_mode.value,
            "title_en": c.title_en,
            "title_vi": c.title_vi,
        }
        for c in catalogue.controls.values()
    ]
    show(rows, ["control", "theme", "mode", "title_en", "title_vi"], as_json=as_json)


def _whole(control_ids: list[str], config_path: Path, *, as_json: bool) -> None:
    from iso27001.catalogue import load
    from iso27001.catalogue.texts import read_texts
    from iso27001.measures import measures

    catalogue = load()
    with open_site(config_path) as site:
        texts = read_texts(site.config.iso.texts, catalogue) if site.config.iso.texts else {}
    for control_id in dict.fromkeys(control_ids):
        control = catalogue.controls[control_id]
        measured = [of.id for of in measures().values() if control_id in of.controls]
        row = _row(control, measured, texts.get(control_id, ""))
        if as_json:
            print_json(row)
            continue
        for name, value in row.items():
            if value not in ("", [], None):
                print_text(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


def _row(control: Control, measured: list[str], text: str) -> dict[str, Any]:
    return {
        "control": control.id,
        "theme": control.theme.value,
        "title_en": control.title_en,
        "title_vi": control.title_vi,
        "summary": control.summary_en,
        "mode": control.evidence_mode.value,
        "types": list(control.control_types),
        "properties": list(control.properties),
        "concepts": list(control.concepts),
        "capabilities": list(control.capabilities),
        "domains": list(control.domains),
        "from_2013": list(control.from_2013),
        "new_in_2022": control.new_in_2022,
        "measures": measured,
        "text": text,
    }
