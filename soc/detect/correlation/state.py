"""How a correlator stands in, bytes out, and back: what is open, waiting and known, by the signature of each correlation.

A correlation whose file and whose rules' files are unchanged goes on where it was; others begin anew. The bytes are MessagePack behind a
mark and a digest: what is foreign or damaged is refused whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from soc.detect.correlation.correlator import Correlator
from soc.detect.correlation.counting import thawed
from soc.detect.correlation.groups import Groups, Key
from soc.detect.correlation.kind import Kind
from soc.detect.correlation.lanes import Lane, LateKinds
from soc.detect.correlation.network import Network
from soc.detect.correlation.reading import Above, Feed, Item
from soc.errors import SocError

_MARK = b"soc-correlation-1\n"
_DIGEST = 16
_WIDE = 1
"""MessagePack's code of ours for an int of more than 64 bits."""
_BYTES = 18
"""Of such an int: a hit has 92 bits, times the number of rules of a correlation."""


class StateError(SocError):
    """A state that cannot be restored."""


def dump(correlator: Correlator, following: int) -> bytes:
    """The state. `following`: the sequence number that comes next."""
    network = correlator.network
    signatures = network.signatures
    state = {
        "endless": correlator.watermark.lateness.allowed is None,
        "following": following,
        "scheduled": correlator.scheduled,
        "watermark": correlator.watermark.dump(),
        "groups": {signatures[at]: _kind(kind) for at, kind in enumerate(correlator.kinds)},
        "timers": [[due, number, signatures[at], key] for due, number, at, key in sorted(correlator.timers)],
        "waiting": [
            [slot, [_item(item, signatures) for item in items], ids] for slot, items, ids in correlator.waiting.kept()
        ],
        "carried": [
            [signatures[at], key, [_above(one, signatures) for one in above]]
            for (at, key), above in correlator.carried.items()
        ],
        "lanes": [
            [source, lane.newest, lane.touched, {signatures[at]: _kind(kind) for at, kind in lane.kinds.own.items()}]
            for source, lane in correlator.lanes.items()
        ],
    }
    body = msgspec.msgpack.encode(_plain(state))
    return _MARK + blake2b(body, digest_size=_DIGEST).digest() + body


def load(correlator: Correlator, data: bytes) -> int:
    """Take up a state, of a new correlator; the sequence number that comes next. Raises: StateError, and nothing was taken up."""
    if not data.startswith(_MARK):
        raise StateError("the correlation state is not one of this program or version")
    digest, body = data[len(_MARK) : len(_MARK) + _DIGEST], data[len(_MARK) + _DIGEST :]
    if blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise StateError("the correlation state is damaged (its digest does not match)")
    try:
        state = msgspec.msgpack.decode(body, ext_hook=_wide)
        if state["endless"] != (correlator.watermark.lateness.allowed is None):
            raise StateError("the correlation state was kept with another kind of lateness")
        return _taken(correlator, state)
    except (msgspec.DecodeError, KeyError, TypeError, ValueError, IndexError) as error:
        raise StateError(f"the correlation state cannot be read: {error}") from error


def _taken(correlator: Correlator, state: Mapping[str, Any]) -> int:
    numbers = {signature: at for at, signature in enumerate(correlator.network.signatures)}
    feeds = feeds_of(correlator.network)
    correlator.watermark.load(state["watermark"])
    correlator.passed_us = correlator.watermark.now_us
    correlator.scheduled = state["scheduled"]
    for signature, kept in state["groups"].items():
        if signature in numbers:
            _take_kind(correlator.kinds[numbers[signature]], kept)
    for due, number, signature, key in state["timers"]:
        if signature in numbers:
            heapq.heappush(correlator.timers, (due, number, numbers[signature], _key(key)))
    for slot, items, ids in state["waiting"]:
        known = [item for item in (_as_item(kept, feeds) for kept in items) if item is not None]
        if known:
            correlator.waiting.load(slot, known, ids)
    for signature, key, above in state["carried"]:
        if signature in numbers:
            correlator.carried[numbers[signature], _key(key)] = _as_above(above, feeds)
    for source, newest, touched, kinds in state["lanes"]:
        lane = correlator.lanes[source] = Lane(LateKinds(correlator.kinds, correlator.kind), newest, touched)
        for signature, kept in kinds.items():
            if signature in numbers:
                kind = lane.kinds[numbers[signature]]
                assert kind is not None, "only kinds with late groups of their own are kept"
                _take_kind(kind, kept)
    return int(state["following"])


# --- Groups -----------------------------------------------------------------------------------------------------------------------


def _kind(kind: Kind[Any]) -> list[object]:
    old, young = kind.groups.generations()
    return [kind.groups.turn_at, _generation(kind, old), _generation(kind, young), kind.extra()]


def _generation(kind: Kind[Any], groups: Mapping[Key, Any]) -> list[object]:
    """The keys; the states that are ints, one behind the other; the others, each with its place."""
    ints = [state if state.__class__ is int else 0 for state in groups.values()]
    others = [[at, kind.freeze(state)] for at, state in enumerate(groups.values()) if state.__class__ is not int]
    packed = b"".join([state.to_bytes(_BYTES, "big", signed=True) for state in ints])
    return [list(groups), packed, others]


def _take_kind(kind: Kind[Any], kept: list[Any]) -> None:
    turn_at, old, young, extra = kept
    groups: Groups[Any] = kind.groups
    groups.load(_as_generation(kind, old), _as_generation(kind, young), turn_at)
    kind.take_extra(extra)


def _as_generation(kind: Kind[Any], kept: list[Any]) -> dict[Key, Any]:
    keys, packed, others = kept
    states: list[Any] = [
        int.from_bytes(packed[at : at + _BYTES], "big", signed=True) for at in range(0, len(packed), _BYTES)
    ]
    for at, frozen in others:
        states[at] = kind.thaw(frozen)
    return dict(zip(map(_key, keys), states, strict=True))


# --- Hits that wait ---------------------------------------------------------------------------------------------------------------


Feeds = Mapping[tuple[str, str], Feed]
"""Feeds by the signature of the correlation and the id of the rule."""


def feeds_of(network: Network) -> Feeds:
    """Of a set of rules."""
    return {(network.signatures[feed.correlation], feed.rule): feed for each in network.under.values() for feed in each}


def dump_items(items: Sequence[Item], signatures: list[str]) -> bytes:
    """Items that wait in another process; `signatures`: of the correlations here."""
    kept = [_item(item, signatures) for item in items]
    try:
        return msgspec.msgpack.encode(kept)
    except OverflowError:  # a value is as wide as hits are
        return msgspec.msgpack.encode(_plain(kept))


def load_items(data: bytes, feeds: Feeds) -> list[Item]:
    """The items; those of correlations that are others here are left out. Raises: StateError."""
    try:
        kept = msgspec.msgpack.decode(data, ext_hook=_wide)
        return [item for item in (_as_item(each, feeds) for each in kept) if item is not None]
    except (msgspec.DecodeError, TypeError, ValueError, IndexError) as error:
        raise StateError(f"hits cannot be read: {error}") from error


def _item(item: Item, signatures: list[str]) -> list[object]:
    hit, feed, key, values, above = item
    over = None if above is None else [_above(one, signatures) for one in above]
    return [_ext(hit), signatures[feed.correlation], feed.rule, key, values, over]


def _above(above: Above, signatures: list[str]) -> list[object]:
    over = [_above(one, signatures) for one in above.above]
    return [signatures[above.feed.correlation], above.feed.rule, above.key, above.values, over]


def _as_item(kept: list[Any], feeds: Feeds) -> Item | None:
    hit, signature, rule, key, values, above = kept
    feed = feeds.get((signature, rule))
    if feed is None:
        return None
    return hit, feed, _key(key), tuple(map(thawed, values)), None if above is None else _as_above(above, feeds)


def _as_above(kept: Iterable[Any], feeds: Feeds) -> tuple[Above, ...]:
    return tuple(
        Above(feeds[signature, rule], _parts(key), _parts(values), _as_above(over, feeds))
        for signature, rule, key, values, over in kept
        if (signature, rule) in feeds
    )


def _parts(kept: Iterable[Any]) -> tuple[int | tuple[str, ...], ...]:
    return tuple(part if isinstance(part, int) else tuple(part) for part in kept)


def _key(kept: str | list[str]) -> Key:
    return kept if isinstance(kept, str) else tuple(kept)


# --- Ints -------------------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """The value with ints that MessagePack does not hold as its extensions."""
    kind = value.__class__
    if kind is int:
        if -(1 << 63) <= value < 1 << 63:
            return value
        return _ext(value)
    if kind in (list, tuple) or isinstance(value, tuple):
        return [_plain(item) for item in value]
    if kind is dict:
        return {name: _plain(item) for name, item in value.items()}
    return value


def _ext(value: int) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(_WIDE, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def _wide(code: int, data: memoryview) -> int:
    if code != _WIDE:
        raise ValueError(f"an extension of code {code}")
    return int.from_bytes(data, "big", signed=True)
