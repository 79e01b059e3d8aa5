"""A rule set at work in two stages: batches in, detections and hits out (`Singles`); hits of some groups in, what correlations find out
(`Correlations`).

So events can be evaluated where they are, by several processes, and each group of a correlation in one of them, which sees all its hits.
Which hits go where, the group says (`Shares`); a correlation that looks across its groups, or is over or under another one, stays whole.
Time goes on for correlations by `Pulse`: what a run of events of one source says of it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from collectors.event import Event, Value, effective
from collectors.record import Position
from soc.detect import Detection
from soc.detect.correlation import Lateness, Recall
from soc.detect.correlation.kind import Kind
from soc.detect.correlation.kinds import KINDS
from soc.detect.correlation.network import Network
from soc.detect.correlation.reading import Item
from soc.detect.correlation.state import dump_items, feeds_of, load_items
from soc.detect.correlation.watermark import OWN_SOURCE, READ_OUT
from soc.detect.ruleset import RuleSet
from soc.detect.sigma import ir
from soc.detect.table import table_of

Content = Sequence[tuple[str, ir.Content]]


class Hit(msgspec.Struct, array_like=True, frozen=True):
    """An event that fires rules under correlations, for some of their groups. `number`: its sequence number; `items`: packed."""

    number: int
    event: Event
    items: bytes


class Pulse(msgspec.Struct, array_like=True, frozen=True):
    """A run of events of one source: up to which sequence number, how many, the latest effective time, and the latest receipt.

    `read_out`: the SOC says in it that every source has said all that it will say.
    """

    following: int
    source: str
    count: int
    newest: datetime
    received: datetime
    read_out: bool = False


def pulse_of(events: Sequence[Event], following: int) -> Pulse:
    """Of events, one at least, of one source."""
    source = events[0].source
    read_out = source == OWN_SOURCE and any(event.fields.get("event.action") == READ_OUT for event in events)
    newest, received = max(map(effective, events)), max(event.ingested for event in events)
    return Pulse(following, source, len(events), newest, received, read_out)


class Shares:
    """Which of `count` shares a group belongs to: the same in every process, for as long as the count stays."""

    def __init__(self, network: Network, count: int) -> None:
        self._count = count
        self._ids = [each.id for each in network.correlations]
        kinds = [KINDS[each.kind] for each in network.correlations]
        linked = {number for number, over in enumerate(network.over) if over}
        linked |= {feed.correlation for number in linked for feed in network.over[number]}
        self._whole = [number in linked or kind.extra is not Kind.extra for number, kind in enumerate(kinds)]
        roots = list(range(len(kinds)))
        for number in sorted(linked, key=lambda each: network.order[each]):
            for feed in network.over[number]:
                before, after = roots[feed.correlation], roots[number]
                roots = [after if root == before else root for root in roots]
        self._roots = roots

    def of(self, item: Item) -> int:
        """The share of an item's group."""
        _, feed, key, _, _ = item
        number = feed.correlation
        if self._whole[number]:
            parts: Iterable[str] = (self._ids[self._roots[number]],)
        else:
            parts = (self._ids[number], *((key,) if isinstance(key, str) else key))
        return zlib.crc32("\0".join(parts).encode("utf-8", "surrogatepass")) % self._count


class Singles(RuleSet):
    """The first stage: what single events give. It remembers nothing of them."""

    def __init__(self, content: Content, shares: int) -> None:
        """`shares`: of correlations. Raises: FaultsError as RuleSet does."""
        super().__init__(content, recall=lambda _: [])
        self._shares = Shares(self._network, shares)

    def spread(self, batch: Sequence[Event], numbers: Sequence[int]) -> Iterator[Detection | tuple[int, Hit]]:
        """Detections of the events, in their order, and hits with the share that each is for. `numbers`: of the events, ascending."""
        table = table_of(batch)
        correlator, signatures = self._correlator, self._network.signatures
        for hit in self._left(table):
            number = numbers[hit.at]
            yield from self._own(table, hit, number - hit.at)
            if correlator.feeding.isdisjoint(hit.fired):
                continue
            event = table.event(hit.at)
            shared: dict[int, list[Item]] = {}
            for item in correlator.items(event, number, hit.fired, hit.routes):
                shared.setdefault(self._shares.of(item), []).append(item)
            for share, items in shared.items():
                yield share, Hit(number, event, dump_items(items, signatures))


class Correlations(RuleSet):
    """The second stage: correlations over the hits of one share, given in order of sequence, and pulses between them."""

    def __init__(
        self, content: Content, lateness: Lateness, recall: Recall, keep: Callable[[int, Event], object]
    ) -> None:
        """`content`: all of the rules. `keep`: hears of the events that may be recalled. Raises: FaultsError as RuleSet does."""
        network = Network(content)
        mine = {*network.under, *network.numbers}
        super().__init__([pair for pair in content if pair[1].id in mine], lateness=lateness, recall=recall)
        self._feeds = feeds_of(self._network)
        self._keep = keep

    def enter(self, hit: Hit) -> list[Detection]:
        """A hit; what that lets be decided."""
        items = load_items(hit.items, self._feeds)
        if not items:
            return []
        self._keep(hit.number, hit.event)
        return self._detections(self._correlator.enter(hit.event.id, hit.event.source, items))

    def observe(self, pulse: Pulse) -> list[Detection]:
        """Time goes on; what that lets be decided."""
        moves = self._correlator.observe([_event_of(pulse)])
        return [found for _, to in moves for found in self._detections(self._correlator.release(to))]


def _event_of(pulse: Pulse) -> Event:
    """What stands for a run of events before the watermark."""
    place = Position("", "", pulse.following - 1, pulse.following)
    fields: dict[str, Value] = {"event.action": READ_OUT} if pulse.read_out else {}
    return Event(f"{pulse.following:032x}", pulse.newest, fields, b"", pulse.source, place, pulse.received)
