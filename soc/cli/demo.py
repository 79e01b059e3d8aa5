"""`soc demo`: the whole product on a recorded day."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from soc.cli._shared import local, on_terminal, print_json, print_text, show
from soc.cli.iso.report import made, write_file
from soc.cli.playbook import print_plan

if TYPE_CHECKING:
    from soc.app.site import Site
    from soc.demo import Played

ALERTS_SHOWN = 15
TIMELINE_SHOWN = 30


@click.command(short_help="Play a recorded day from raw lines to the report.")
@click.option(
    "--keep", type=click.Path(path_type=Path, file_okay=False), help="Leave the whole site in this new folder."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(keep: Path | None, as_json: bool) -> None:
    """Play a recorded day of a data centre: raw lines in; alerts, an incident, a plan and the auditor's report out.

    Needs nothing but this program. Every record was captured from real daemons under a scripted attack.
    """
    from soc.app.clock import now
    from soc.demo import new_site, play, recorded_day

    folder = keep or Path(tempfile.mkdtemp(prefix="soc-demo-")) / "site"
    day = recorded_day()
    with new_site(folder, now) as site:
        played = play(site, day, _step)
        report = folder / "report.html"
        _step("writing the report")
        write_file(report, made(site, day.start, site.clock(), "html", site.config.site.language))
        if as_json:
            _print_json(played, report, site.path)
        else:
            _print(site, played, report, kept=keep is not None)


def _step(text: str) -> None:
    click.echo(click.style("· ", dim=True) + text if on_terminal() else f"- {text}", err=True)


def _print_json(played: Played, report: Path, config: Path) -> None:
    from soc.evidence import controls_of

    in_incidents = [a for a in played.alerts if a.incident_id]
    print_json(
        {
            "records": played.records,
            "events": played.events,
            "dead_letters": played.dead,
            "alerts": played.alerts,
            "incidents": played.incidents,
            "plan": played.plan,
            "model": played.model,
            "controls": controls_of(in_incidents),
            "report": str(report),
            "config": str(config),
        }
    )


def _print(site: Site, played: Played, report: Path, *, kept: bool) -> None:
    zone = site.config.site.zone
    _head(
        f"{played.records:,} records, {played.events:,} events, {played.dead:,} dead letters, {len(played.alerts)} alerts"
    )
    rows = [
        {
            "first_seen": local(a.first_seen, zone),
            "level": a.level.value,
            "risk": a.risk,
            "count": a.count,
            "entity": str(a.entity),
            "title": a.title,
        }
        for a in played.alerts[:ALERTS_SHOWN]
    ]
    show(rows, ["first_seen", "level", "risk", "count", "entity", "title"], as_json=False)
    if len(played.alerts) > ALERTS_SHOWN:
        click.echo(f"… and {len(played.alerts) - ALERTS_SHOWN} more: soc alerts list --config {site.path}")
    for incident in played.incidents[:1]:
        _head(f"Incident {incident.id}: {incident.title}")
        click.echo(
            f"{incident.level.value}, risk {incident.risk}; systems: {', '.join(incident.systems) or 'none named'}"
        )
        story = sorted(incident.timeline, key=lambda e: e.time)
        for entry in story[:TIMELINE_SHOWN]:
            print_text(f"  {local(entry.time, zone)}  {entry.text}")
        if len(story) > TIMELINE_SHOWN:
            click.echo(
                f"  … and {len(story) - TIMELINE_SHOWN} more: soc incidents show {incident.id} --config {site.path}"
            )
    if len(played.incidents) > 1:
        click.echo(f"{len(played.incidents) - 1} more incidents: soc incidents list --config {site.path}")
    if played.plan is not None:
        _head("What the playbook would do (nothing was run; a command needs approval by somebody else)")
        print_plan(played.plan)
    _head("ISO/IEC 27001 controls with evidence")
    show(_controls(site, played), ["control", "indicator", "evidence", "title"], as_json=False)
    _head("Go on")
    soc = _program()
    click.echo(f"  the auditor's report   {report}")
    click.echo(f"  the terminal UI        {soc} tui --config {site.path}")
    click.echo(f"  check the evidence     {soc} iso verify --config {site.path}")
    if not kept:
        click.echo(f"  a site of your own     {soc} init DIR   (`{soc} demo --keep DIR` leaves this one in DIR)")


def _controls(site: Site, played: Played) -> Sequence[dict[str, object]]:
    from iso27001.language import Language
    from soc.app.assurance import current_status

    found = current_status(site, played.since, site.clock())
    language = Language(site.config.site.language)
    return [
        {
            "control": state.control.id,
            "indicator": state.indicator.value if state.indicator else "not measured",
            "evidence": len(state.evidence),
            "title": state.control.title(language),
        }
        for state in found.controls
        if state.evidence
    ]


def _program() -> str:
    """How the program was called, so that what is printed can be typed: ".venv/bin/soc" or "soc"."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "soc" and len(called.parts) > 1 and not shutil.which("soc") else "soc"


def _head(text: str) -> None:
    click.echo()
    click.echo(click.style(text, bold=True))
