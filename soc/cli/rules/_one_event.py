"""The account of one event at a detection rule in, lines for a terminal out: where the rule looks, its leaves, its filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soc.detect.account import Account, FilterAccount, Way
    from soc.detect.sigma import Part

_WRITTEN = 6
"""Patterns of one leaf that are shown."""
_WAYS = 4
"""Routes that are shown where none takes the event; Windows has dozens for one category."""
_VALUES = 8

Line = tuple[bool | None, str, str]
"""Verdict (None: only a fact), stage ("" on its further lines), text."""


def verdict(account: Account) -> str:
    """One sentence: fires, or the first thing that keeps it from firing."""
    title = account.rule.title
    if account.fires:
        return f'"{title}" fires'
    if not account.routed:
        return f'"{title}" does not fire: it does not read events of this kind'
    if account.hidden_by:
        return f'"{title}" would fire, but is hidden by {_titles(account.hidden_by)}'
    return f'"{title}" does not fire: short by {_short(account.short_by)}'


def lines(account: Account) -> Iterator[Line]:
    """What stands below the verdict."""
    yield from _source(account)
    yield from _leaves(account)
    yield from _filters(account)


def _source(account: Account) -> Iterator[Line]:
    yield account.routed, "source", f"the rule reads {account.rule.logsource}"
    taken = [way for way in account.ways if way.takes]
    nearest = taken[:1] or sorted(account.ways, key=_failed)[:_WAYS]
    for way in nearest:
        for claim in way.claims:
            wanted = _several(claim.wanted, _VALUES)
            yield claim.holds, "", f"{claim.field} is {wanted}; the event has {claim.value or 'none'}"
    if not taken and len(account.ways) > len(nearest):
        yield None, "", f"and {len(account.ways) - len(nearest)} more ways, none nearer"


def _failed(way: Way) -> int:
    return sum(not claim.holds for claim in way.claims)


def _leaves(account: Account) -> Iterator[Line]:
    yield (
        account.tree.holds,
        "rule",
        "its condition holds" if account.tree.holds else f"short by {_short(account.short_by)}",
    )
    yield from _tree(account.tree, 0)


def _tree(part: Part, depth: int) -> Iterator[Line]:
    pad = "  " * depth
    if part.kind == "leaf":
        columns = " or ".join(part.columns) or "any text"
        wanted = _several(map(_quoted, part.patterns), _WRITTEN)
        yield part.holds, "", f"{pad}{part.where} wants {wanted}; {columns}: {part.value}"
        return
    words = {"and": "all of", "or": "one of", "not": "not"}[part.kind]
    yield part.holds, "", f"{pad}{words}"
    for each in part.parts:
        yield from _tree(each, depth + 1)


def _filters(account: Account) -> Iterator[Line]:
    if not account.filters:
        yield None, "filters", "none is for this rule"
    for each in account.filters:
        about = ", ".join(
            filter(None, (each.reason, each.owner and f"by {each.owner}", each.expires and f"until {each.expires}"))
        )
        what = (
            "hides it"
            if each.hides
            else "is for such events, but hides nothing here"
            if each.matches
            else "lets it through"
        )
        yield not each.hides, "filters", f'"{each.title}" {what}{f" ({about})" if about else ""}: {each.path}'
        yield from _tree(each.tree, 1)


def _short(parts: Iterable[Part]) -> str:
    return ", ".join(part.where for part in parts) or "nothing that could be named"


def _titles(filters: Iterable[FilterAccount]) -> str:
    return ", ".join(f'the filter "{each.title}"' for each in filters)


def _several(values: Iterable[str], most: int) -> str:
    every = list(values)
    more = f" (and {len(every) - most} more)" if len(every) > most else ""
    return " | ".join(every[:most]) + more


def _quoted(text: str) -> str:
    return f'"{text}"'
