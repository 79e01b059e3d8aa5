"""Datagrams in, one record each out: syslog over UDP (RFC 5426). How they are drained: `collectors.sources.datagrams`."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

from collectors.record import Position, RawRecord
from collectors.sources.address import peer_of
from collectors.sources.datagrams import DRAIN, Datagrams
from collectors.sources.framing import TRAILERS
from collectors.sources.source import BATCH_RECORDS, Batch, Counts
from collectors.sources.syslog import SyslogConfig


class UdpSource:
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: SyslogConfig) -> None:
        self._config = config
        self._datagrams = Datagrams(config, config.max_peer_rate)
        self._stream = os.urandom(8).hex()
        self._ordinal = 0
        self.counts = Counts()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the socket is bound to (port 0 in the configuration: any free one)."""
        return self._datagrams.address

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what the kernel still held is given."""
        going_on = True
        while going_on:
            going_on = self._datagrams.wait(stop)
            self.counts.dropped = self._datagrams.dropped()
            while records := self._records():
                self.counts.add(records)
                yield Batch(records)
            self.counts.dropped = self._datagrams.dropped()

    def close(self) -> None:
        """Stop listening."""
        self._datagrams.close()

    def _records(self) -> list[RawRecord]:
        """What waits, up to a batch."""
        records: list[RawRecord] = []
        longest = self._config.max_line_bytes
        while len(records) + DRAIN <= BATCH_RECORDS and (together := self._datagrams.take()) is not None:
            received, got = together
            for data, address in got:
                position = Position("", self._stream, self._ordinal, self._ordinal + 1)
                message = data.rstrip(TRAILERS)
                cut = max(0, len(message) - longest)
                records.append(RawRecord(message[:longest], self.id, position, received, peer_of(address), cut))
                self._ordinal += 1
        return records
