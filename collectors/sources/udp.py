"""Datagrams in, one record each out: syslog over UDP (RFC 5426). How they are drained: `collectors.sources.datagrams`."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from collectors.record import RawRecord
from collectors.sources.address import peer_of
from collectors.sources.datagrams import DRAIN, Datagrams
from collectors.sources.framing import TRAILERS
from collectors.sources.listening import ListeningSource
from collectors.sources.source import BATCH_RECORDS, Batch
from collectors.sources.syslog import SyslogConfig


class UdpSource(ListeningSource[Datagrams]):
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: SyslogConfig) -> None:
        super().__init__(config.id)
        self._longest = config.max_line_bytes
        self._listener = Datagrams(config, config.max_peer_rate)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what the kernel still held is given."""
        going_on = True
        while going_on:
            going_on = self._listener.wait(stop)
            self.counts.dropped = self._listener.dropped()
            while records := self._records():
                self.counts.add(records)
                yield Batch(records)
            self.counts.dropped = self._listener.dropped()

    def _records(self) -> list[RawRecord]:
        """What waits, up to a batch."""
        records: list[RawRecord] = []
        longest = self._longest
        while len(records) + DRAIN <= BATCH_RECORDS and (together := self._listener.take()) is not None:
            received, got = together
            for data, address in got:
                message = data.rstrip(TRAILERS)
                cut = max(0, len(message) - longest)
                records.append(RawRecord(message[:longest], self.id, self._place(), received, peer_of(address), cut))
        return records
