"""Rules that did not run for a while in, ledger facts out, and back: "rule R did not see the events from offset a to b, because ...".

Two facts a gap: one when it begins, which stands also if the program dies, and one when it ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from iso27001.ledger import Entry, Fact

KIND = "rule.gap"


class Gap(NamedTuple):
    """`rule` in `version` saw no event from offset `start` to `end` (exclusive; None while it lasts). `until`: when it is tried again.

    `partition`: those of one partition of the journal, which a process evaluates apart; None for all.
    """

    rule: str
    version: str
    start: int
    end: int | None
    why: str
    until: datetime
    partition: int | None = None

    @property
    def key(self) -> tuple[str, int, int | None]:
        """What it is known by."""
        return self.rule, self.start, self.partition

    def overlaps(self, start: int, end: int) -> bool:
        """Whether any of these offsets is in it; not where it has not begun, or ended at once."""
        return self.start < end and (self.end is None or max(start, self.start) < self.end)


def begun(gap: Gap, now: datetime) -> Fact:
    """The fact that a gap begins."""
    return Fact(f"{KIND}:{gap.rule}:{gap.start}{_of(gap)}", KIND, now, "engine", _body(gap))


def ended(gap: Gap, now: datetime) -> Fact:
    """The fact that a gap is over; `gap` has its end."""
    return Fact(f"{KIND}:{gap.rule}:{gap.start}:{gap.end}{_of(gap)}", KIND, now, "engine", _body(gap))


def _of(gap: Gap) -> str:
    return "" if gap.partition is None else f":p{gap.partition}"


def _body(gap: Gap) -> dict[str, object]:
    return {
        "rule": gap.rule,
        "version": gap.version,
        "from": gap.start,
        "to": gap.end,
        "why": gap.why,
        "until": gap.until.isoformat(),
    } | ({} if gap.partition is None else {"partition": gap.partition})


def gaps(entries: Iterable[Entry]) -> list[Gap]:
    """All gaps as the ledger's entries of this kind tell them, in the order in which they began."""
    found: dict[tuple[str, int, int | None], Gap] = {}
    for entry in entries:
        body = entry.fact.body
        until = datetime.fromisoformat(body["until"])
        gap = Gap(body["rule"], body["version"], body["from"], body["to"], body["why"], until, body.get("partition"))
        found[gap.key] = gap
    return list(found.values())


def spans(all_gaps: Sequence[Gap], start: int, end: int) -> Iterator[tuple[int, int, frozenset[str]]]:
    """The offsets from `start` to `end` in parts (from, to, rules that do not see them)."""
    edges = {edge for gap in all_gaps for edge in (gap.start, gap.end) if edge is not None and start < edge < end}
    at = start
    for edge in sorted({*edges, end}):
        if at < edge:
            yield at, edge, frozenset(gap.rule for gap in all_gaps if gap.overlaps(at, edge))
            at = edge
