"""What the commands share: the options that all have, and printing rows as a table for people or as JSON lines for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from soc.app.site import Site

_MEASURED = 1_000

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path, dir_okay=False),
    default="soc.yaml",
    show_default=True,
    envvar="SOC_CONFIG",
    help="The site's configuration file.",
)
paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
actor_option = click.option("--as", "actor", default="", help="Who acts (default: the operating system's user).")


def open_site(config_path: Path) -> Site:
    """The site of --config, to be used with `with`."""
    from soc.app.site import Site

    return Site.load(config_path)


def show(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str = "") -> int:
    """Print rows; with `as_json` whole, else `columns` as a table, and `empty` on stderr where there are none. How many there were."""
    if as_json:
        count = 0
        for row in rows:
            print_json(row)
            count += 1
        return count
    cells = [[_text(row.get(column)) for column in columns] for row in rows]
    if not cells:
        if empty:
            click.echo(empty, err=True)
        return 0
    table([column.replace("_", " ").upper() for column in columns], cells)
    return len(cells)


def table(header: Sequence[str], cells: Iterable[Sequence[str]], stream: IO[str] | None = None) -> int:
    """Print a table whose last column may run on; what cells say is shown, never obeyed by the terminal. How many rows there were.

    Columns are as wide as the first rows need; rows beyond those are printed as they come.
    """
    from soc.display import fit, sanitise, width

    rows = ([sanitise(cell) for cell in row] for row in cells)
    first = [list(header), *islice(rows, _MEASURED)]
    widths = [min(60, max(width(row[i]) for row in first)) for i in range(len(header))]
    count = -1
    for row in chain(first, rows):
        line = "  ".join(fit(cell, w) for cell, w in zip(row[:-1], widths, strict=False))
        click.echo(f"{line}  {row[-1]}".strip() if len(row) > 1 else row[0], file=stream)
        count += 1
    return count


def print_json(row: Mapping[str, Any]) -> None:
    """One JSON object on one line."""
    click.echo(json.dumps(row, ensure_ascii=False, default=_plain))


def print_text(text: str) -> None:
    """Text that came from events or files: line by line, every control character shown by name."""
    from soc.display import sanitise

    for line in text.splitlines():
        click.echo(sanitise(line.replace("\t", "    ")))


def local(moment: datetime, zone: tzinfo) -> str:
    """A time as people of the site read it: 2026-10-14 02:13:05."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def on_terminal() -> bool:
    """Whether a person looks at stderr, so that a progress bar makes sense."""
    return sys.stderr.isatty()


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value)


def _plain(value: Any) -> Any:
    import msgspec

    return msgspec.to_builtins(value)
