"""Traps and informs of SNMP v2c and v3 over UDP in, one record each out. Delivery and keys: `collectors.sources.snmp_config`."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Iterator, Mapping

import msgspec

from collectors.record import Mark, RawRecord
from collectors.sources.address import peer_of
from collectors.sources.datagrams import DRAIN, Datagram, Datagrams
from collectors.sources.listening import ListeningSource
from collectors.sources.refusals import Refusals
from collectors.sources.snmp_config import SnmpConfig
from collectors.sources.snmp_engine import Engine, last_mark
from collectors.sources.snmp_message import (
    Community,
    MessageError,
    Notification,
    Secured,
    answer,
    read_message,
    read_pdu,
    scoped_pdu,
)
from collectors.sources.snmp_users import RefusedError, Users, read_communities, read_users
from collectors.sources.source import BATCH_RECORDS, Batch

_encode = msgspec.json.Encoder().encode


class SnmpSource(ListeningSource[Datagrams]):
    """Listens from the moment it is made; reads when driven."""

    def __init__(self, config: SnmpConfig, marks: Mapping[str, Mark]) -> None:
        super().__init__(config.id)
        path = config.communities_file
        self._communities = read_communities(config.id, path) if path else None
        self._users = Users(read_users(config.id, config.users_file)) if config.users_file else None
        self._engine = Engine(config.id, last_mark(config.id, marks))
        self._refusals = Refusals(config.id, self.counts)
        self._listener = Datagrams(config, config.max_peer_rate)

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """Batches until `stop`; then what the kernel still held is given."""
        going_on = True
        if self._users is not None:
            yield Batch(marks={f"engine {self.id}": self._engine.mark})
        while going_on:
            going_on = self._listener.wait(stop)
            waits = True
            while waits:
                records, answers, waits = self._taken()
                if records:
                    self.counts.add(records)
                    yield Batch(records)
                for each in answers:
                    self._listener.answer(*each)
            self.counts.dropped = self._listener.dropped()

    def _taken(self) -> tuple[list[RawRecord], list[Datagram], bool]:
        """What waits, up to a batch; what is to be answered once that is durable; whether more may wait."""
        records: list[RawRecord] = []
        answers: list[Datagram] = []
        while len(records) + DRAIN <= BATCH_RECORDS:
            if (together := self._listener.take()) is None:
                return records, answers, False
            received, got = together
            for data, address in got:
                peer = peer_of(address)
                try:
                    record, reply = self._read(data, peer)
                except MessageError as error:
                    self._refusals.fault("a datagram is no SNMP trap", peer, str(error))
                    continue
                except RefusedError as error:
                    self._refusals.add(str(error), peer)
                    continue
                if record:
                    records.append(RawRecord(record, self.id, self._place(), received, peer))
                if reply:
                    answers.append((reply, address))
        return records, answers, True

    def _read(self, data: bytes, peer: str) -> tuple[bytes, bytes]:
        """A record and the answer that its sender waits for; empty where there is none. Raises: MessageError, RefusedError."""
        message = read_message(data)
        if isinstance(message, Secured):
            return self._read_secured(message, data, peer)
        self._check(message)
        said = read_pdu(data, message.pdu_at)
        return _record("2c", peer, "", said), answer(data, message.pdu_at) if said.inform else b""

    def _check(self, message: Community) -> None:
        """Raises: RefusedError for a community that may not send."""
        if self._communities is None:
            if self._users is not None:
                raise RefusedError("v2c without communities_file")
        elif not any(hmac.compare_digest(message.community, known) for known in self._communities):
            raise RefusedError("a community that is not among ours")

    def _read_secured(self, message: Secured, data: bytes, peer: str) -> tuple[bytes, bytes]:
        """As `_read`. A trap has its sender's engine, an inform ours, which its sender asks for first, as for our time."""
        if self._users is None:
            raise RefusedError("v3 without users_file")
        if not message.engine:
            return b"", self._introduction(message)
        is_ours = message.engine == self._engine.id
        user = self._users.sender(message, data)
        if is_ours and not self._engine.is_now(message):
            return b"", self._engine.time(message, user)
        is_replay = self._users.is_replay(message)
        if is_replay and not is_ours:
            raise RefusedError("a replay")
        body = user.opened(message)
        begin, end = scoped_pdu(body)
        said = read_pdu(body, begin)
        if said.inform and not is_ours:
            return b"", self._introduction(message)
        if not said.inform and is_ours:
            raise RefusedError("a trap of an engine of ours")
        reply = self._engine.response(message, user, body, (begin, end)) if is_ours else b""
        if is_replay:  # its sender heard no answer
            self.counts.repeated += 1
            return b"", reply
        return _record("3", peer, message.user.decode("utf-8", "backslashreplace"), said), reply

    def _introduction(self, message: Secured) -> bytes:
        """Raises: RefusedError where the sender wants to hear nothing."""
        if not message.reportable:
            raise RefusedError("for no engine of ours")
        return self._engine.introduction(message)


def _record(version: str, agent: str, user: str, said: Notification) -> bytes:
    """As `collectors.parse.shapes.snmp_trap` reads it."""
    told: dict[str, object] = {"version": version, "agent": agent, "trap": said.trap}
    if user:
        told["user"] = user
    if said.uptime is not None:
        told["uptime"] = said.uptime
    return _encode({"snmp": told | {"varbinds": said.varbinds}})
