"""Messages of SNMP v3 to an engine of ours in, answers out: its id and clock for who asks, responses to informs.

Of an inform the receiver is the authority for the time (RFC 3414 §1.5.1): its sender asks for our engine's id, count of starts and seconds
since the last (§4), and gets them in a report. Id and count are the source's mark: a start is counted, durably, before it is told.
Sources of truth: RFC 3412 §6, RFC 3414 §2.4, §3.1, §3.2 (what is reported, of which the two reports that a sender goes on from are sent),
RFC 3411 §5 (form of an engine's id), X.690 (BER).
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from collectors.record import Mark
from collectors.sources.snmp_message import INFORM, RESPONSE, Secured
from collectors.sources.snmp_users import LAST_BOOTS, WINDOW_S, User

_STREAM = "engine"
_ID_HEAD = bytes.fromhex("80007ed905")
"""Enterprise 32473, the one for those without (RFC 5612), and that octets follow which are administered."""
_LARGEST = 65_507
_REPORT = 0xA8
_UNKNOWN_ENGINE, _NOT_IN_WINDOW = (bytes.fromhex(f"2b060106030f0101{number:02x}00") for number in (4, 2))
"""usmStatsUnknownEngineIDs.0 and usmStatsNotInTimeWindows.0."""


class Engine:
    """Ours, of one source, since one start."""

    def __init__(self, source: str, last: Mark | None) -> None:
        """`last`: what `mark` was at the start before; None for the first."""
        self.id = bytes.fromhex(last.path) if last else _ID_HEAD + os.urandom(8)
        self._source = source
        self._boots = min(last.offset + 1 if last else 1, LAST_BOOTS - 1)
        self._began_s = time.monotonic()
        self._salt = int.from_bytes(os.urandom(8))
        self._reports = {_UNKNOWN_ENGINE: 0, _NOT_IN_WINDOW: 0}

    @property
    def mark(self) -> Mark:
        """What must be durable before anybody is answered."""
        return Mark(self._source, _STREAM, self.id.hex(), self._boots, 0)

    def is_now(self, message: Secured) -> bool:
        """Whether a message is of this time of ours; for what is authentic."""
        return message.boots == self._boots and abs(message.time_s - self._time_s) <= WINDOW_S

    def introduction(self, message: Secured) -> bytes:
        """The answer to a message for an engine that is not ours: which one is."""
        return self._sealed(message, None, self._report(_UNKNOWN_ENGINE))

    def time(self, message: Secured, user: User) -> bytes:
        """The answer to an authentic message of another time: ours."""
        return self._sealed(message, user, self._report(_NOT_IN_WINDOW))

    def response(self, message: Secured, user: User, body: bytes, pdu: tuple[int, int]) -> bytes:
        """The answer to an inform: itself, as a response (RFC 3416 §4.2.7). `body`: decrypted; `pdu`: where in it the PDU stands."""
        begin, end = pdu
        assert body[begin] == INFORM, "only informs are answered"
        return self._sealed(
            message, user, body[:begin] + bytes([RESPONSE]) + body[begin + 1 : end], private=message.private
        )

    @property
    def _time_s(self) -> int:
        return int(time.monotonic() - self._began_s)

    def _report(self, what: bytes) -> bytes:
        self._reports[what] = count = (self._reports[what] + 1) & 0xFFFF_FFFF
        bound = _tlv(0x30, _tlv(0x30, _tlv(6, what), _tlv(0x41, _whole(count))))
        return _tlv(0x30, _tlv(4, self.id), _tlv(4), _tlv(_REPORT, _number(0), _number(0), _number(0), bound))

    def _sealed(self, message: Secured, user: User | None, body: bytes, *, private: bool = False) -> bytes:
        """A message of ours with this body to who sent one. `user`: by whose keys, None for neither."""
        boots, time_s, salt = self._boots, self._time_s, b""
        scoped = body
        if user is not None and private:
            self._salt = (self._salt + 1) % 2**64
            salt = self._salt.to_bytes(8)
            scoped = _tlv(4, user.encrypted(self.id, boots, time_s, salt, body))
        flags = bytes([(user is not None) | private << 1])
        header = _tlv(0x30, _number(message.number), _number(_LARGEST), _tlv(4, flags), _number(3))

        def whole(mac: bytes) -> bytes:
            words = _tlv(4, message.user), _tlv(4, mac), _tlv(4, salt)
            security = _tlv(0x30, _tlv(4, self.id), _number(boots), _number(time_s), *words)
            return _tlv(0x30, _number(3), header, _tlv(4, security), scoped)

        return whole(b"") if user is None else whole(user.mac(self.id, whole(bytes(user.mac_bytes))))


def last_mark(source: str, marks: Mapping[str, Mark]) -> Mark | None:
    """The mark of the source's engine."""
    return next((mark for mark in marks.values() if mark.source == source and mark.stream == _STREAM), None)


def _tlv(tag: int, *parts: bytes) -> bytes:
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([tag, 0x80 | len(length)]) + length + content


def _number(value: int) -> bytes:
    return _tlv(2, _whole(value))


def _whole(value: int) -> bytes:
    """The content of a number that is not negative."""
    return value.to_bytes(value.bit_length() // 8 + 1)
