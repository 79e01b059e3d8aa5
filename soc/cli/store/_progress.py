"""How far a long copy is, on one line of a terminal; nothing where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from soc.cli._shared import on_terminal


@contextmanager
def telling(what: str) -> Iterator[Callable[[int], None]]:
    """A function that is told how many are done."""
    shown = on_terminal()

    def tell(done: int) -> None:
        if shown:
            click.echo(f"\r{done:,} {what}", nl=False, err=True)

    yield tell
    if shown:
        click.echo(err=True)
