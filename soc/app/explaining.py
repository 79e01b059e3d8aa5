"""A rule and what a person names as an event in, the account of the event's whole path out.

received -> read by a parser -> enriched -> taken by the rule's source -> its leaves -> its filters -> does it fire.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from soc.app.received import Received
from soc.detect.account import Account, Accountant
from soc.detect.sigma import ir
from soc.detect.sigma.references import Loaded
from soc.errors import SocError

_START = 4
"""Digits of an id that are enough to look for it."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One event's path. `account` is None where the record is no event."""

    received: Received
    account: Account | None

    @property
    def fires(self) -> bool:
        """Whether the rule fires."""
        return self.account is not None and self.account.fires


def find_rule(content: Sequence[Loaded], named: str) -> Loaded:
    """The rule or correlation that a person means by its id, the start of it, its name, its title or its file. Raises: SocError."""
    low, rules = named.lower(), [pair for pair in content if not isinstance(pair[1], ir.Filter)]
    file = Path(named).resolve() if Path(named).is_file() else None
    fits: list[Callable[[Loaded], bool]] = [
        lambda pair: pair[1].id == low or pair[1].name == named,
        lambda pair: file is not None and Path(pair[0]).resolve() == file,
        lambda pair: len(low) >= _START and pair[1].id.startswith(low),
        lambda pair: pair[1].title.lower() == low,
    ]
    for fit in fits:
        found = [pair for pair in rules if fit(pair)]
        meant = [pair for pair in found if isinstance(pair[1], ir.Correlation)] or found
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise SocError(f'"{named}" means {len(meant)} rules: {", ".join(each.id for _, each in meant[:5])}')
    raise SocError(f"there is no rule {named}; `soc rules list` lists them")


def explain(content: Sequence[Loaded], rule: Loaded, records: Sequence[Received]) -> Iterator[Explained]:
    """What becomes of each record at a detection rule."""
    path, found = rule
    assert isinstance(found, ir.Rule)
    accountant = Accountant(path, found, content)
    for received in records:
        yield Explained(received, accountant.of(received.event) if received.event else None)
