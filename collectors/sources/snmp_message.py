"""Datagrams of SNMP v2c and v3 in, messages and the notifications in them out. No I/O, no state, nothing decrypted or believed.

Sources of truth: RFC 3416 §3 (PDUs), RFC 2578 §7.1 (values), RFC 1901 (v2c), RFC 3412 §6 (v3), RFC 3414 §2.4 (its security parameters),
X.690 (BER). A message is read once from begin to end; no length of its own makes more work than its bytes.
Read here since pysnmp 7.1 takes 380 microseconds of CPU to decode a trap of 68 bytes; one of 107 is read and written as JSON in 48 here.
"""

from __future__ import annotations

from dataclasses import dataclass

_INTEGER, _OCTETS, _NULL, _OID, _SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
_ADDRESS, _TICKS = 0x40, 0x43
_NUMBERS = (_INTEGER, 0x41, 0x42, _TICKS, 0x46)
"""INTEGER, Counter32, Gauge32, TimeTicks, Counter64."""
_ABSENT = {_NULL: "", 0x80: "noSuchObject", 0x81: "noSuchInstance", 0x82: "endOfMibView"}
INFORM, TRAP = 0xA6, 0xA7
RESPONSE = 0xA2
_PDUS = {0xA0: "a get", 0xA1: "a get-next", 0xA3: "a set", 0xA4: "a trap of v1", 0xA5: "a get-bulk", 0xA8: "a report"}
_UPTIME, _TRAP_OID = "1.3.6.1.2.1.1.3.0", "1.3.6.1.6.3.1.1.4.1.0"
_MOST_ARCS = 128
"""RFC 2578 §3.5."""


class MessageError(ValueError):
    """A datagram that is no message that we know; says what and at which byte."""


@dataclass(frozen=True, slots=True)
class Community:
    """A message of v2c: `pdu_at`, where in the datagram its PDU begins."""

    community: bytes
    pdu_at: int


@dataclass(frozen=True, slots=True)
class Secured:
    """A message of v3 with its user-based security parameters. `number`: by which its sender knows the answer; `reportable`: whether it
    wants to hear why it was not taken. `mac_at`: where `mac` stands; `body`: encrypted where `private`."""

    number: int
    reportable: bool
    authentic: bool
    private: bool
    engine: bytes
    boots: int
    time_s: int
    user: bytes
    mac: bytes
    mac_at: int
    salt: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """`trap`: the value of snmpTrapOID.0. `uptime`: of sysUpTime.0, hundredths of a second, None where it is not told.

    `varbinds`: the others by OID in digits; what is bound a second time has `#2` after its name, so that none is lost. `inform`: it wants
    an answer.
    """

    inform: bool
    trap: str
    uptime: int | None
    varbinds: dict[str, int | str]


class _Reader:
    """Tags, lengths and values between two places of the datagram."""

    def __init__(self, data: bytes, at: int, end: int) -> None:
        self.data, self.at, self.end = data, at, end

    def next(self) -> tuple[int, int, int]:
        """Tag, begin and end of the content of the next value. Raises: MessageError."""
        data, at = self.data, self.at
        if at + 2 > self.end:
            raise MessageError(f"ends within a value, at byte {at}")
        tag, length, begin = data[at], data[at + 1], at + 2
        if length > 0x7F:
            size = length & 0x7F
            if not 1 <= size <= 4 or begin + size > self.end:
                raise MessageError(f"a length that cannot be, at byte {at + 1}")
            length = int.from_bytes(data[begin : begin + size])
            begin += size
        if begin + length > self.end:
            raise MessageError(f"a value of {length} bytes where {self.end - begin} are left, at byte {at}")
        self.at = begin + length
        return tag, begin, self.at

    def within(self, wanted: int) -> _Reader:
        """The content of the next value, to be read. Raises: MessageError, also for another tag."""
        at = self.at
        tag, begin, end = self.next()
        if tag != wanted:
            raise MessageError(f"tag {tag:#04x} where {wanted:#04x} belongs, at byte {at}")
        return _Reader(self.data, begin, end)

    def octets(self, wanted: int = _OCTETS) -> bytes:
        """The content of the next value. Raises: as `within`."""
        inner = self.within(wanted)
        return self.data[inner.at : inner.end]

    def integer(self) -> int:
        """The next value, a number. Raises: as `within`."""
        at = self.at
        return _integer(self.octets(_INTEGER), at)


def read_message(data: bytes) -> Community | Secured:
    """Raises: MessageError."""
    outer = _Reader(data, 0, len(data))
    message = outer.within(_SEQUENCE)
    if outer.at != len(data):
        raise MessageError(f"{len(data) - outer.at} bytes after the message")
    version = message.integer()
    if version == 1:
        return Community(message.octets(), message.at)
    if version != 3:
        raise MessageError("SNMP v1" if version == 0 else f"version {version} of SNMP")
    header = message.within(_SEQUENCE)
    number, _ = header.integer(), header.integer()
    flags, model = header.octets(), header.integer()
    if not 0 <= number < 2**31:
        raise MessageError(f"a message of number {number}")
    if len(flags) != 1 or model != 3:
        raise MessageError(f"security model {model}, not the user-based one")
    parameters = message.within(_OCTETS).within(_SEQUENCE)
    engine, boots, time_s, user = parameters.octets(), parameters.integer(), parameters.integer(), parameters.octets()
    mac = parameters.within(_OCTETS)
    salt = parameters.octets()
    authentic, private, reportable = (bool(flags[0] & bit) for bit in (1, 2, 4))
    begin = message.at
    message.next()
    body = data[begin : message.at]
    if private:
        body = _Reader(body, 0, len(body)).octets()
    parts = engine, boots, time_s, user, data[mac.at : mac.end], mac.at, salt, body
    return Secured(number, reportable, authentic, private, *parts)


def scoped_pdu(body: bytes) -> tuple[int, int]:
    """Where in the body of a message of v3, decrypted, its PDU begins and ends; a cipher may have filled it up. Raises: MessageError."""
    scoped = _Reader(body, 0, len(body)).within(_SEQUENCE)
    scoped.octets(), scoped.octets()
    return scoped.at, scoped.end


def read_pdu(data: bytes, at: int) -> Notification:
    """The notification whose PDU begins at a byte. Raises: MessageError, also for PDUs that are no notification."""
    reader = _Reader(data, at, len(data))
    kind = reader.next()[0]
    if kind not in (INFORM, TRAP):
        raise MessageError(f"{_PDUS.get(kind, f'a PDU {kind:#04x}')}, no notification")
    pdu = _Reader(data, at, len(data)).within(kind)
    pdu.integer(), pdu.integer(), pdu.integer()
    bound = pdu.within(_SEQUENCE)
    trap, uptime = "", None
    varbinds: dict[str, int | str] = {}
    times: dict[str, int] = {}
    while bound.at < bound.end:
        pair = bound.within(_SEQUENCE)
        name = _oid(pair.octets(_OID), pair.at)
        tag, begin, end = pair.next()
        value = _value(tag, data[begin:end], begin)
        if name == _TRAP_OID and tag == _OID and not trap:
            trap = str(value)
        elif name == _UPTIME and tag == _TICKS and uptime is None:
            uptime = int(value)
        else:
            times[name] = times.get(name, 0) + 1
            varbinds[name if times[name] == 1 else f"{name}#{times[name]}"] = value
    if not trap:
        raise MessageError("a notification without snmpTrapOID.0")
    return Notification(kind == INFORM, trap, uptime, varbinds)


def answer(data: bytes, pdu_at: int) -> bytes:
    """What an inform is answered with: itself, as a response (RFC 3416 §4.2.7)."""
    return data[:pdu_at] + bytes([RESPONSE]) + data[pdu_at + 1 :]


def _value(tag: int, content: bytes, at: int) -> int | str:
    if tag in _NUMBERS:
        return _integer(content, at)
    if tag == _OID:
        return _oid(content, at)
    if tag == _ADDRESS and len(content) == 4:
        return ".".join(map(str, content))
    if tag in _ABSENT:
        return _ABSENT[tag]
    if tag == _OCTETS:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = "\0"
        if all(each.isprintable() or each in "\t\r\n" for each in text):
            return text
    return f"0x{content.hex()}"


def _integer(content: bytes, at: int) -> int:
    if 1 <= len(content) <= 9:
        number = int.from_bytes(content, signed=True)
        if -(2**63) <= number < 2**64:
            return number
    raise MessageError(f"a number of {len(content)} bytes, at byte {at}")


def _oid(content: bytes, at: int) -> str:
    """In digits. Raises: MessageError for more or greater arcs than RFC 2578 §3.5 lets be."""
    arcs: list[int] = []
    arc = 0
    for octet in content:
        arc = arc << 7 | octet & 0x7F
        if arc > 0xFFFF_FFFF + 80:
            break
        if octet < 0x80:
            arcs.append(arc)
            arc = 0
            if len(arcs) >= _MOST_ARCS:
                break
    else:
        if arcs and content[-1] < 0x80:
            first = min(arcs[0] // 40, 2)
            return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))
    raise MessageError(f"an OID that cannot be, at byte {at}")
