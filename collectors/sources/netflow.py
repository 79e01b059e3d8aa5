"""Flows in, one record each out: NetFlow v5, v9 and IPFIX over UDP. Delivery and keys: `collectors.sources.netflow_config`."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Mapping

from collectors.record import Mark, Position, RawRecord
from collectors.sources.address import peer_of
from collectors.sources.datagrams import Datagrams
from collectors.sources.netflow_config import NetflowConfig
from collectors.sources.netflow_decode import Decoder, FlowError, Key
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

log = logging.getLogger(__name__)

_TOLD_EVERY = 10_000
"""Faulty datagrams between two lines in the log."""


class NetflowSource:
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: NetflowConfig, marks: Mapping[str, Mark]) -> None:
        self._config = config
        self._decoder = Decoder()
        for mark in marks.values():
            if mark.source == config.id:
                domain, _, number = mark.stream.partition("/")
                try:
                    self._decoder.learn(Key(mark.path, int(domain), int(number)), mark.tail)
                except (FlowError, ValueError, IndexError) as error:
                    log.warning("a template is not kept", extra={"source": config.id, "error": str(error)})
        self._datagrams = Datagrams(config)
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
            records: list[RawRecord] = []
            while (together := self._datagrams.take()) is not None:
                received, got = together
                for data, address in got:
                    exporter = peer_of(address)
                    flows, fault = self._decoder.decode(data, exporter)
                    if fault:
                        self._tell(exporter, fault)
                    for flow in flows:
                        position = Position("", self._stream, self._ordinal, self._ordinal + 1)
                        records.append(RawRecord(flow, self.id, position, received, exporter))
                        self._ordinal += 1
                if len(records) >= BATCH_RECORDS:
                    yield from self._handed_over(records)
                    records = []
            yield from self._handed_over(records)

    def close(self) -> None:
        """Stop listening."""
        self._datagrams.close()

    def _handed_over(self, records: list[RawRecord]) -> Iterator[Batch]:
        decoder, counts = self._decoder, self.counts
        counts.dropped = self._datagrams.dropped()
        counts.missing, counts.undecoded = decoder.missing, decoder.undecoded
        marks = {
            f"{self.id}\0{each.exporter}\0{each.domain}/{each.number}": self._mark(each) for each in decoder.changed
        }
        decoder.changed.clear()
        for begin in range(0, max(len(records), bool(marks)), BATCH_RECORDS):
            part = records[begin : begin + BATCH_RECORDS]
            counts.add(part)
            yield Batch(part, marks if not begin else {})

    def _mark(self, key: Key) -> Mark | None:
        body = self._decoder.templates.get(key)
        return Mark(self.id, f"{key.domain}/{key.number}", key.exporter, 0, 0, tail=body) if body else None

    def _tell(self, exporter: str, fault: str) -> None:
        if self.counts.framing_faults % _TOLD_EVERY == 0:
            log.warning("a datagram is no flow record", extra={"source": self.id, "peer": exporter, "error": fault})
        self.counts.framing_faults += 1
