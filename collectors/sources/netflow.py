"""Flows in, one record each out: NetFlow v5, v9 and IPFIX over UDP. Delivery and keys: `collectors.sources.netflow_config`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping

from collectors.record import Mark, RawRecord
from collectors.sources.address import peer_of
from collectors.sources.datagrams import Datagrams
from collectors.sources.listening import ListeningSource
from collectors.sources.netflow_config import NetflowConfig
from collectors.sources.netflow_decode import Decoder, FlowError, Key
from collectors.sources.refusals import Refusals
from collectors.sources.source import BATCH_RECORDS, Batch

log = logging.getLogger(__name__)


class NetflowSource(ListeningSource[Datagrams]):
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: NetflowConfig, marks: Mapping[str, Mark]) -> None:
        super().__init__(config.id)
        self._refusals = Refusals(config.id, self.counts)
        self._decoder = Decoder()
        for mark in marks.values():
            if mark.source == config.id:
                domain, _, number = mark.stream.partition("/")
                try:
                    self._decoder.learn(Key(mark.path, int(domain), int(number)), mark.tail)
                except (FlowError, ValueError, IndexError) as error:
                    log.warning("a template is not kept", extra={"source": config.id, "error": str(error)})
        self._listener = Datagrams(config)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what the kernel still held is given."""
        going_on = True
        while going_on:
            going_on = self._listener.wait(stop)
            records: list[RawRecord] = []
            while (together := self._listener.take()) is not None:
                received, got = together
                for data, address in got:
                    exporter = peer_of(address)
                    flows, fault = self._decoder.decode(data, exporter)
                    if fault:
                        self._refusals.fault("a datagram is no flow record", exporter, fault)
                    records += [RawRecord(flow, self.id, self._place(), received, exporter) for flow in flows]
                if len(records) >= BATCH_RECORDS:
                    yield from self._handed_over(records)
                    records = []
            yield from self._handed_over(records)

    def _handed_over(self, records: list[RawRecord]) -> Iterator[Batch]:
        decoder, counts = self._decoder, self.counts
        counts.dropped = self._listener.dropped()
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
