"""Detections of a hunt in, a table, JSON lines or CSV out; and what was seen, on standard error. What `soc scan` and `soc hunt` share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from soc.cli._shared import local, on_terminal, table
from soc.errors import SocError

if TYPE_CHECKING:
    from soc.app.scan import Summary
    from soc.detect import Detection

F = TypeVar("F", bound=Callable[..., Any])

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
REFUSALS_TOLD = 10


def hunt_options(function: F) -> F:
    """Which rules, which detections and how they are written, and how many processes look for them."""
    for option in (
        click.option(
            "--jobs",
            type=click.IntRange(min=1),
            help="Processes (default: one a core where there is much to read). The output is the same for any number.",
        ),
        click.option(
            "--level",
            type=click.Choice(["informational", "low", "medium", "high", "critical"]),
            default="informational",
            help="At least this level.",
        ),
        click.option(
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write there instead of to standard output.",
        ),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json: one object a line."),
        click.option(
            "--format", "output_format", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True
        ),
        click.option(
            "--rules",
            "rule_folders",
            multiple=True,
            type=click.Path(path_type=Path, exists=True),
            help="Rules (default: the site's).",
        ),
    ):
        function = option(function)
    return function


def json_cells(detection: Detection) -> list[str]:
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


def _write_json(found: Iterable[Sequence[str]], stream: IO[str], zone: tzinfo) -> int:
    del zone  # programs get UTC
    count = 0
    for (line,) in found:
        stream.write(line + "\n")
        count += 1
    return count


def _csv_cells(detection: Detection) -> list[str]:
    rule, event = detection.rule, detection.events[-1]
    values = [event.get("@timestamp"), rule.level.value, rule.title, rule.id]
    return [_cell(value) for value in (*values, *map(event.get, CSV_COLUMNS[4:]))]


def _write_csv(found: Iterable[Sequence[str]], stream: IO[str], zone: tzinfo) -> int:
    import csv

    del zone  # spreadsheets get UTC
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
    return [event.time.isoformat(), detection.rule.level.value, detection.rule.title, host, who, place]


def _write_table(found: Iterable[Sequence[str]], stream: IO[str], zone: tzinfo) -> int:
    rows = ([local(datetime.fromisoformat(time), zone), *cells] for time, *cells in found)
    first = next(rows, None)
    if first is None:
        return 0
    return table([f"TIME ({zone})", "LEVEL", "RULE", "HOST", "WHO", "PLACE"], chain([first], rows), stream=stream)


Show = Callable[["Detection"], list[str]]
Write = Callable[[Iterable[Sequence[str]], IO[str], tzinfo], int]

OUTPUTS: dict[str, tuple[Show, Write]] = {
    "table": (_table_cells, _write_table),
    "json": (json_cells, _write_json),
    "csv": (_csv_cells, _write_csv),
}
"""What each format keeps of a detection, made where it was found, and how that is written; people are shown times of a zone."""


@contextmanager
def writer(output: Path | None) -> Iterator[IO[str]]:
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
def progress(total: int) -> Iterator[Callable[[int], None]]:
    if not on_terminal() or not total:
        yield lambda _: None
        return
    with click.progressbar(length=total, label="scanning", file=sys.stderr, show_pos=False) as bar:
        yield bar.update


def tell(summary: Summary, output: Path | None) -> None:
    from soc.display import counted, sanitise

    refused = sum(summary.refused.values())
    levels = ", ".join(f"{n} {level}" for level, n in summary.detections.most_common()) or "none"
    click.echo(
        f"{counted(summary.files, 'file')}, {counted(summary.events, 'event')}, {counted(refused, 'dead letter')}; detections: {levels}",
        err=True,
    )
    example = {letter.reason: letter.record.position for letter in reversed(summary.dead)}
    for reason, count in summary.refused.most_common(10):
        place = f" (first: {example[reason].path}:{example[reason].index})" if reason in example else ""
        click.echo(f"  {counted(count, 'record')}: {sanitise(reason + place)}", err=True)
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
    for title, why in islice(summary.slow.items(), REFUSALS_TOLD):
        click.echo(
            f"  slow: {sanitise(title)}: all that it could read was read, as the store refuses its query: {sanitise(why)}",
            err=True,
        )
    if len(summary.slow) > REFUSALS_TOLD:
        click.echo(f"  slow: and {len(summary.slow) - REFUSALS_TOLD} more rules", err=True)
    for title, why in summary.left_out.items():
        click.echo(f"  not hunted: {sanitise(title)}: {sanitise(why)}", err=True)
    for path, why in summary.unreadable:
        click.echo(f"  not read: {sanitise(path)}: {sanitise(why)}", err=True)
    if output:
        click.echo(f"written to {output}", err=True)
