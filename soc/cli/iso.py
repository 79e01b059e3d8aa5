"""`soc iso status|measure|report|verify|controls`: the ISO/IEC 27001 side: what is counted, shown and provable."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, json_option, local, open_site, print_json, print_text, show
from soc.errors import EXIT_FINDINGS, SocError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from iso27001.status import ControlState
    from soc.app.site import Site

DEFAULT_PERIOD = timedelta(days=90)

since_option = click.option(
    "--since", type=click.DateTime(), help="Start of the period, site time (default: 90 days ago)."
)
until_option = click.option("--until", type=click.DateTime(), help="End of the period, site time (default: now).")


@click.group(short_help="ISO/IEC 27001: indicators, evidence, report, proof.")
def command() -> None:
    """ISO/IEC 27001:2022: indicators, evidence, the auditor's report, and proof that nothing was changed."""


@command.command("status")
@click.option("--all", "everything", is_flag=True, help="Also controls that nothing speaks of.")
@since_option
@until_option
@config_option
@json_option
def status(everything: bool, since: datetime | None, until: datetime | None, config_path: Path, as_json: bool) -> None:
    """Controls with their indicator and evidence; three axes that are never mixed: indicator, implementation, conclusion."""
    from iso27001.language import Language
    from soc.app.assurance import current_status

    with open_site(config_path) as site:
        period = _period(site, since, until)
        found = current_status(site, *period)
        language = Language(site.config.site.language)
        rows = [
            _row(state, language, site.config.site.zone, as_json=as_json)
            for state in found.controls
            if everything or as_json or state.evidence or state.measures
        ]
        columns = ["control", "indicator", "measures", "evidence", "newest_evidence", "mode", "implementation", "title"]
        show(
            rows,
            columns,
            as_json=as_json,
            empty="nothing is measured yet; `soc run` measures every hour, `soc iso measure` now",
        )
        if not as_json and not everything:
            click.echo(f"{len(rows)} of {len(found.controls)} controls; --all shows every one", err=True)


@command.command("measure")
@config_option
def measure(config_path: Path) -> None:
    """Take a sample of every measure that can be counted, and link incidents to their controls. `soc run` does it every hour."""
    from soc.app import assurance
    from soc.app.run import sign

    with open_site(config_path) as site:
        count, _ = assurance.measure(site)
        sign(site)
        click.echo(f"{count} new facts in the ledger")


@command.command("report")
@click.option("--format", "output_format", type=click.Choice(["html", "json"]), default="html", show_default=True)
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@click.option("--language", type=click.Choice(["en", "vi"]), help="Default: the site's.")
@since_option
@until_option
@config_option
def report(
    output_format: str,
    output: Path,
    language: str | None,
    since: datetime | None,
    until: datetime | None,
    config_path: Path,
) -> None:
    """The control report of a period, as one file."""
    with open_site(config_path) as site:
        start, end = _period(site, since, until)
        write_report(site, output, output_format, language or site.config.site.language, start, end)
        click.echo(f"written to {output}", err=True)


@command.command("verify")
@click.option("--events/--no-events", default=True, help="Also hash the raw events behind every detection anew.")
@config_option
@json_option
def verify(events: bool, config_path: Path, as_json: bool) -> int:
    """Check the ledger's tree, heads, signatures and anchor, the raw events behind every detection, and the sealed segments of the store.

    Exit code 1 where something is wrong.
    """
    from soc.app.assurance import check_ledger, check_raw_events
    from soc.app.sealing import altered

    with open_site(config_path) as site:
        verdict = check_ledger(site)
        checked, wrong = check_raw_events(site) if events else (0, [])
        sealed, changed = altered(site) if events else (0, [])
        if as_json:
            print_json(
                {
                    "sound": verdict.sound,
                    "integrity": verdict.integrity.value,
                    "completeness": verdict.completeness.value,
                    "entries": verdict.size,
                    "root": verdict.root.hex(),
                    "signed": verdict.signed,
                    "anchored": verdict.anchored,
                    "heads": verdict.heads,
                    "key": verdict.key,
                    "faults": [{"kind": f.kind.value, "text": f.text, "seq": f.seq} for f in verdict.faults],
                    "events_checked": checked,
                    "events_wrong": wrong,
                    "segments_checked": sealed,
                    "segments_wrong": changed,
                }
            )
        else:
            for line in verdict.lines():
                print_text(line)
            if events:
                click.echo(f"raw events behind detections: {checked} hashed anew, {len(wrong)} wrong")
                click.echo(f"sealed segments of the event store: {sealed} hashed anew, {len(changed)} files wrong")
            for line in (*wrong[:50], *changed[:50]):
                print_text(f"  {line}")
        return 0 if verdict.sound and not (wrong or changed) else EXIT_FINDINGS


@command.command("controls")
@config_option
@json_option
def controls(config_path: Path, as_json: bool) -> None:
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


def write_report(site: Site, output: Path, output_format: str, language: str, since: datetime, until: datetime) -> None:
    """Write the report whole or not at all. Raises: SocError."""
    from iso27001.catalogue import load
    from iso27001.language import Language
    from iso27001.report.data import render_json
    from iso27001.report.html import render_html
    from soc.app.assurance import report_input

    data = report_input(site, since, until, generated=site.clock())
    catalogue = load()
    content = (
        render_json(data, catalogue) if output_format == "json" else render_html(data, catalogue, Language(language))
    )
    partial = output.with_name(output.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as error:
        raise SocError(f"{output} cannot be written: {error.strerror}") from error


def _period(site: Site, since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    zone = site.config.site.zone
    end = until.replace(tzinfo=zone) if until else site.clock()
    start = since.replace(tzinfo=zone) if since else end - DEFAULT_PERIOD
    if start >= end:
        raise SocError(f"the period ends ({local(end, zone)}) before it begins ({local(start, zone)})")
    return start, end


def _row(state: ControlState, language: Any, zone: ZoneInfo, *, as_json: bool) -> dict[str, Any]:
    applicability = state.applicability
    return {
        "control": state.control.id,
        "indicator": state.indicator.value if state.indicator else "not measured",
        "measures": [f"{m.measure.id}:{m.indicator.value}" for m in state.measures],
        "evidence": len(state.evidence),
        "newest_evidence": state.newest_evidence
        if as_json or not state.newest_evidence
        else local(state.newest_evidence, zone),
        "mode": state.control.evidence_mode.value,
        "implementation": applicability.status.value if applicability and applicability.status else "not recorded",
        "conclusion": state.conclusion or "not recorded",
        "title": state.control.title(language),
    }
