"""`soc iso status`: the controls, each with its indicator, evidence and implementation."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, local, open_site, show
from soc.cli.iso._period import period, since_option, until_option

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from iso27001.status import ControlState

_NOT_MEASURED = {"manual": "no machine can tell", "assisted": "not measured", "automatic": "not measured"}
"""What stands for an indicator of controls without measures, by how evidence for them comes about."""


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also controls that nothing speaks of.")
@since_option
@until_option
@config_option
@json_option
def command(everything: bool, since: datetime | None, until: datetime | None, config_path: Path, as_json: bool) -> None:
    """Controls with their indicator and evidence; three axes that are never mixed: indicator, implementation, conclusion."""
    from iso27001.language import Language
    from soc.app.assurance import current_status

    with open_site(config_path) as site:
        found = current_status(site, *period(site, since, until))
        language = Language(site.config.site.language)
        rows = [
            _row(state, language, site.config.site.zone, as_json=as_json)
            for state in found.controls
            if everything or as_json or state.evidence or state.measures
        ]
        columns = [
            *("control", "indicator", "measures", "stopped", "evidence", "newest_evidence", "mode"),
            *("implementation", "conclusion", "title"),
        ]
        show(
            rows,
            columns,
            as_json=as_json,
            empty="nothing is measured yet; `soc run` measures when each is due, `soc iso measures run` now",
        )
        if not as_json and not everything:
            click.echo(f"{len(rows)} of {len(found.controls)} controls; --all shows every one", err=True)


def _row(state: ControlState, language: Any, zone: ZoneInfo, *, as_json: bool) -> dict[str, Any]:
    applicability = state.applicability
    return {
        "control": state.control.id,
        "indicator": state.indicator.value if state.indicator else _NOT_MEASURED[state.control.evidence_mode.value],
        "measures": [f"{m.measure.id}:{m.indicator.value}" for m in state.measures],
        "stopped": list(state.stopped),
        "evidence": len(state.evidence),
        "newest_evidence": state.newest_evidence
        if as_json or not state.newest_evidence
        else local(state.newest_evidence, zone),
        "mode": state.control.evidence_mode.value,
        "implementation": applicability.status.value if applicability and applicability.status else "not recorded",
        "conclusion": state.conclusion.value if state.conclusion else "not recorded",
        "title": state.control.title(language),
    }
