"""`soc scan PATH...`: hunt offline in event files and logs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from soc.cli._shared import config_option, on_terminal, table
from soc.errors import EXIT_FINDINGS, EXIT_OK, SocError

if TYPE_CHECKING:
    from soc.app.scan import Summary
    from soc.detect import Detection

CSV_COLUMNS = (
    "@timestamp",
    "rule.level",
    "rule.title",
    "rule.id",
    "event.id",
    "host.name",
    "user.name",
    "source.ip",
    "log.file.path",
    "event.index",
)

INDICATORS_TOLD = 10


@click.command(short_help="Hunt offline in event files and logs.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, readable=False))
@click.option(
    "--rules",
    "rule_folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Rules (default: the site's).",
)
@click.option(
    "--format", "output_format", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json: one object a line.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write there instead of to standard output."
)
@click.option(
    "--log-format", default="auto", show_default=True, help="Format of the text logs (`soc check` lists them)."
)
@click.option(
    "--level",
    type=click.Choice(["informational", "low", "medium", "high", "critical"]),
    default="informational",
    help="At least this level.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes (default: one a core where there is much to read). The output is the same for any number.",
)
@click.option(
    "--memory",
    "memory_mb",
    type=click.IntRange(min=128),
    metavar="MB",
    help="Memory that all processes may take together (default: soc.yaml's detect.memory_mb, 512).",
)
@config_option
def command(
    paths: tuple[Path, ...],
    rule_folders: tuple[Path, ...],
    output_format: str,
    as_json: bool,
    output: Path | None,
    log_format: str,
    level: str,
    jobs: int | None,
    memory_mb: int | None,
    config_path: Path,
) -> int:
    """Hunt in EVTX files, JSON lines and text logs, with the same engine as `soc run`, and the site's indicators (`soc intel`).

    Events that hold an indicator are counted on standard error, also where no rule shows them (those of rules/intel do); the start of its
    validity does not count. Exit code 1 where something was found, 2 where not one event could be read. Files that cannot be read and
    records that cannot be parsed are counted and named on standard error; the rest goes on.
    """
    from soc.app.hunting import open_hunt
    from soc.app.scan import files_under, total_bytes
    from soc.app.scan_jobs import hunt
    from soc.detect import Level

    output_format = "json" if as_json else output_format
    show, write = _OUTPUTS[output_format]
    reasons = output_format == "json"
    least = Level(level)
    scan, now = open_hunt(config_path, rule_folders, log_format, show, memory_mb, reasons=reasons, least=least)
    files = files_under(paths)
    total = total_bytes(files)
    with _progress(total) as progress, _writer(output) as stream:
        count = write(hunt(scan, files, now, progress, total, jobs), stream)
    _tell(scan.summary, output)
    if scan.summary.files and not scan.summary.events:
        raise SocError("no event could be read, so nothing was looked at")
    return EXIT_FINDINGS if count or scan.summary.matched else EXIT_OK


def _json_cells(detection: Detection) -> list[str]:
    """A detection as one flat object: the rule, why it matched, and the event's document; what a record says in our names is put aside."""
    import msgspec

    rule, event = detection.rule, detection.events[-1]
    ours = {
        "rule.id": rule.id,
        "rule.title": rule.title,
        "rule.level": rule.level.value,
        "rule.tags": rule.tags,
        "matched": [f"{match.where}: {match.subject or 'text'}={match.value}" for match in detection.matched],
        **event.envelope(),
    }
    fields = event.fields
    if not ours.keys().isdisjoint(fields):
        fields = {f"producer.{name}" if name in ours else name: value for name, value in fields.items()}
    encode = msgspec.json.encode
    return [b",".join((encode(ours)[:-1], encode(fields)[1:])).decode() if fields else encode(ours).decode()]


def _write_json(found: Iterable[Sequence[str]], stream: IO[str]) -> int:
    count = 0
    for (line,) in found:
        stream.write(line + "\n")
        count += 1
    return count


def _csv_cells(detection: Detection) -> list[str]:
    rule, event = detection.rule, detection.events[-1]
    values = [event.get("@timestamp"), rule.level.value, rule.title, rule.id]
    return [_cell(value) for value in (*values, *map(event.get, CSV_COLUMNS[4:]))]


def _write_csv(found: Iterable[Sequence[str]], stream: IO[str]) -> int:
    import csv

    writer = csv.writer(stream)
    writer.writerow(CSV_COLUMNS)
    count = 0
    for cells in found:
        writer.writerow(cells)
        count += 1
    return count


def _cell(value: Any) -> str:
    """A value as a spreadsheet must take it: text that looks like a formula is quoted (OWASP ASVS 1.2.10)."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else str(value)


def _table_cells(detection: Detection) -> list[str]:
    event = detection.events[-1]
    place = f"{Path(event.position.path).name}:{event.position.index}"
    who = str(event.fields.get("user.name") or event.fields.get("source.ip") or "")
    host = str(event.fields.get("host.name") or "")
    time = event.time.isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
    return [time, detection.rule.level.value, detection.rule.title, host, who, place]


def _write_table(found: Iterable[Sequence[str]], stream: IO[str]) -> int:
    rows = iter(found)
    first = next(rows, None)
    if first is None:
        return 0
    return table(["TIME (UTC)", "LEVEL", "RULE", "HOST", "WHO", "PLACE"], chain([first], rows), stream=stream)


_OUTPUTS: dict[str, tuple[Callable[[Detection], list[str]], Callable[[Iterable[Sequence[str]], IO[str]], int]]] = {
    "table": (_table_cells, _write_table),
    "json": (_json_cells, _write_json),
    "csv": (_csv_cells, _write_csv),
}
"""What each format keeps of a detection, made where it was found, and how that is written."""


@contextmanager
def _writer(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    partial = output.with_name(output.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        partial.replace(output)
    except OSError as error:
        raise SocError(f"{output} cannot be written: {error.strerror}") from error


def _tell_matched(summary: Summary) -> None:
    """The indicators of threat intelligence that events hold, those of the most events first."""
    from soc.display import sanitise

    if summary.matched:
        click.echo(f"  {summary.matched.total():,} events hold indicators, {len(summary.matched):,} of them:", err=True)
    for (value, feed), events in summary.matched.most_common(INDICATORS_TOLD):
        click.echo(f"    {events:,} events: {sanitise(value or 'others')} ({sanitise(feed)})", err=True)
    if len(summary.matched) > INDICATORS_TOLD:
        click.echo(f"    and {len(summary.matched) - INDICATORS_TOLD} more", err=True)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    if not on_terminal() or not total:
        yield lambda _: None
        return
    with click.progressbar(length=total, label="scanning", file=sys.stderr, show_pos=False) as bar:
        yield bar.update


def _tell(summary: Summary, output: Path | None) -> None:
    from soc.display import sanitise

    refused = sum(summary.refused.values())
    levels = ", ".join(f"{n} {level}" for level, n in summary.detections.most_common()) or "none"
    click.echo(
        f"{summary.files} files, {summary.events:,} events, {refused:,} dead letters; detections: {levels}", err=True
    )
    example = {letter.reason: letter.record.position for letter in reversed(summary.dead)}
    for reason, count in summary.refused.most_common(10):
        place = f" (first: {example[reason].path}:{example[reason].index})" if reason in example else ""
        click.echo(f"  {count:,} records: {sanitise(reason + place)}", err=True)
    if len(summary.refused) > 10:
        click.echo(f"  and {len(summary.refused) - 10} more reasons", err=True)
    _tell_matched(summary)
    for count, what in (
        (summary.hidden, "hits were hidden by filters"),
        (summary.late, "hits were too many to keep until the end: correlations took them apart from the others"),
        (summary.forgotten, "events of hits were too many to keep: detections of correlations may show fewer"),
    ):
        if count:
            click.echo(f"  {count:,} {what}", err=True)
    for path, why in summary.unreadable:
        click.echo(f"  not read: {sanitise(path)}: {sanitise(why)}", err=True)
    if output:
        click.echo(f"written to {output}", err=True)
