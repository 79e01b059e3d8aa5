"""Who sent how many records in, how long it must wait out: a token bucket for each peer, so that one cannot take all there is."""

from __future__ import annotations

from collections import OrderedDict

BURST_S = 1.0
"""A peer that was silent so long may send as many seconds' worth at once, and what one request holds beyond that too."""
_PEERS = 10_000
"""Peers that are remembered; the one that was heard least lately goes."""


class PeerRates:
    """`records_s`: records a second of one peer in the long run; 0 for no limit. Times are of a monotonic clock, in seconds."""

    def __init__(self, records_s: int) -> None:
        self._rate = records_s
        self._spent: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def took(self, peer: str, records: int, now_s: float) -> None:
        """The peer's records were taken, however many they were: what goes beyond its share, it waits for afterwards."""
        if self._rate:
            left, at = self._spent.pop(peer, (BURST_S, now_s))
            self._spent[peer] = (min(BURST_S, left + now_s - at) - records / self._rate, now_s)
            if len(self._spent) > _PEERS:
                self._spent.popitem(last=False)

    def wait_s(self, peer: str, now_s: float) -> float:
        """Seconds until the peer may send again; 0 for now."""
        left, at = self._spent.get(peer, (BURST_S, now_s))
        return max(0.0, -(left + now_s - at))
