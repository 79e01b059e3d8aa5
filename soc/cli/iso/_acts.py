"""A table of soc.app.tracking.acts in, one command for each act out: an option for each argument, --as, --json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from soc.cli._shared import local, open_site, print_json, print_text, show
from soc.cli._table import TableGroup, values_of, with_options

if TYPE_CHECKING:
    from soc.app.site import Site
    from soc.app.tracking import Act


class Acts(TableGroup):
    """One command for each act on a kind of record (soc.app.tracking.acts)."""

    def table(self) -> Mapping[str, Act]:
        """See TableGroup."""
        from soc.app.tracking.acts import ACTS

        return ACTS[self.noun]

    def made(self, row: Act) -> click.Command:
        """See TableGroup."""

        def run(record_id: str, actor: str, config_path: Path, as_json: bool, **given: Any) -> None:
            from soc.app.desk import actor_name
            from soc.app.tracking import Tracking

            with open_site(config_path) as site:
                values = values_of(row.arguments, given)
                entry = Tracking(site, actor_name(actor)).act(row, record_id or "", values)
                fact = entry.fact
                told = {"id": fact.body["id"], "kind": fact.kind, "seq": entry.seq, "actor": fact.actor}
                if as_json:
                    print_json(told)
                else:
                    print_text(f"{told['id']}: {row.name}, entry {entry.seq} of the ledger")

        new = click.option("--id", "record_id", help="Its id (default: the next free one).")
        named = new if row.new else click.argument("record_id", metavar="ID")
        return click.command(row.name, help=f"{row.about} Takes {row.takes}.")(named(with_options(run, row.arguments)))


def show_record(record: Any, *, as_json: bool, site: Site) -> None:
    """One record whole: as JSON, or its fields a line each."""
    import msgspec

    plain = msgspec.to_builtins(record, builtin_types=(datetime,))
    if as_json:
        print_json(plain)
        return
    for line in _lines(plain, site):
        print_text(line)


def show_records(
    records: Iterable[tuple[Mapping[str, Any], Any]], columns: Sequence[str], *, as_json: bool, site: Site, empty: str
) -> None:
    """Records as a table of their rows, or whole as JSON lines with the row's columns beside them."""
    import msgspec

    if as_json:
        for row, record in records:
            print_json({**msgspec.to_builtins(record), **row})
        return
    zone = site.config.site.zone
    rows = ({k: local(v, zone)[:10] if isinstance(v, datetime) else v for k, v in row.items()} for row, _ in records)
    show(rows, columns, as_json=False, empty=empty)


def _lines(plain: Any, site: Site, depth: int = 0) -> Iterable[str]:
    pad = "  " * depth
    for name, value in plain.items() if isinstance(plain, dict) else enumerate(plain, 1):
        if isinstance(value, dict | list | tuple):
            if value:
                yield f"{pad}{name}:"
                yield from _lines(value, site, depth + 1)
        elif value not in (None, ""):
            said = local(value, site.config.site.zone) if isinstance(value, datetime) else value
            yield f"{pad}{name}: {said}"
