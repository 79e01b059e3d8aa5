"""Datagrams of NetFlow v5, v9 and IPFIX in, flows out: one JSON object each. No I/O; templates are kept between datagrams.

Sources of truth: Cisco "NetFlow Export Datagram Format" (v5), RFC 3954 (v9), RFC 7011 (IPFIX). A flow as `collectors.parse.shapes.netflow`
reads it: `{"netflow": {"version": 9, "exporter": "10.20.0.1", "domain": 0, "exported": "…Z", "source_ipv4_address": "…", …}}`.
"""

from __future__ import annotations

import struct
from collections import OrderedDict, deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from collectors.sources.netflow_elements import ELEMENTS, Read, Scalar, iso, number

_V5_HEADER = struct.Struct(">HHIIIIBBH")
_V5_FLOW = struct.Struct(">4s4s4sHHIIIIHHxBBBHHBBxx")
_V9_HEADER = struct.Struct(">HHIIII")
_IPFIX_HEADER = struct.Struct(">HHIII")
_SET = struct.Struct(">HH")
_V5_NAMES = (
    "source_ipv4_address", "destination_ipv4_address", "ip_next_hop_ipv4_address", "ingress_interface", "egress_interface",
    "packet_delta_count", "octet_delta_count", "flow_start_sys_up_time", "flow_end_sys_up_time", "source_transport_port",
    "destination_transport_port", "tcp_control_bits", "protocol_identifier", "ip_class_of_service", "bgp_source_as_number",
    "bgp_destination_as_number", "source_ipv4_prefix_length", "destination_ipv4_prefix_length",
)  # fmt: skip
_VARIABLE = 0xFFFF
_ENTERPRISE = 0x8000
_FIRST_DATA_SET = 256
_MOST_FIELDS = 1_000
_MOST_TEMPLATES = 4_096
"""Of all exporters; the one that was used least recently gives way."""
_WAITING_SETS = 1_024
"""Sets of data whose template has not come yet; the oldest give way and are counted."""
_encode = msgspec.json.Encoder().encode


class Field(NamedTuple):
    """One element of a template; `length` 65535: the record says it."""

    name: str
    length: int
    read: Read


class Key(NamedTuple):
    """Whose template it is: the exporter's address, its domain (v9: source id), the template's number."""

    exporter: str
    domain: int
    number: int


class FlowError(ValueError):
    """A datagram, or the rest of it, that is none of a version that we know."""


class _Head(NamedTuple):
    version: int
    exporter: str
    domain: int
    exported: datetime
    uptime_ms: int | None


class Decoder:
    """Decodes what all exporters of one listener send.

    `templates`: their bytes as they came, by key, so that they can be kept over a restart; `changed`: those that are new since it was
    emptied. `undecoded`: sets of data whose template never came; `missing`: packets (v9) or flows (v5, IPFIX) that never came, by the
    exporters' own counting.
    """

    def __init__(self) -> None:
        self.templates: OrderedDict[Key, bytes] = OrderedDict()
        self.changed: set[Key] = set()
        self.undecoded = 0
        self.missing = 0
        self._fields: dict[Key, list[Field]] = {}
        self._waiting: deque[tuple[Key, _Head, bytes]] = deque()
        self._next: OrderedDict[tuple[str, int, int], int] = OrderedDict()

    def learn(self, key: Key, body: bytes) -> None:
        """Take in a template as `templates` has it. Raises: FlowError."""
        self._fields[key] = fields = _template(body)
        if not fields or not sum(1 if each.length == _VARIABLE else each.length for each in fields):
            raise FlowError("a template of nothing")
        self.templates[key] = body
        self.templates.move_to_end(key)
        if len(self.templates) > _MOST_TEMPLATES:
            oldest, _ = self.templates.popitem(last=False)
            del self._fields[oldest]
            self.changed.add(oldest)

    def decode(self, data: bytes, exporter: str) -> tuple[list[bytes], str]:
        """The flows of a datagram, and what is wrong with the rest of it, "" where nothing is."""
        flows: list[bytes] = []
        try:
            version = number(data[:2])
            if version == 5:
                flows.extend(self._v5(data, exporter))
            elif version in (9, 10):
                flows.extend(self._sets(version, data, exporter))  # what came before a fault is kept
            else:
                return flows, f"version {version} is none of NetFlow 5, 9 or IPFIX"
        except (FlowError, struct.error, IndexError) as error:
            return flows, str(error) or "cut"
        return flows, ""

    def _v5(self, data: bytes, exporter: str) -> Iterator[bytes]:
        _, count, uptime, seconds, nanoseconds, sequence, _, engine, sampling = _V5_HEADER.unpack_from(data)
        exported = datetime.fromtimestamp(seconds, UTC) + timedelta(microseconds=min(nanoseconds, 10**9) // 1_000)
        head = _Head(5, exporter, engine, exported, uptime)
        self._counted(head, sequence, count)
        end = _V5_HEADER.size + count * _V5_FLOW.size
        for values in _V5_FLOW.iter_unpack(data[_V5_HEADER.size : end]):
            flow: dict[str, Scalar] = dict(zip(_V5_NAMES, values, strict=True))
            for name in _V5_NAMES[:3]:
                flow[name] = "{}.{}.{}.{}".format(*flow[name])  # type: ignore[misc]  # four bytes
            if sampling & 0x3FFF:
                flow["sampling_interval"] = sampling & 0x3FFF
            yield _written(head, flow)
        if len(data) < end:
            raise FlowError(f"{count} flows are promised in {len(data)} bytes")

    def _sets(self, version: int, data: bytes, exporter: str) -> Iterator[bytes]:
        if version == 9:
            _, _, uptime, seconds, sequence, domain = _V9_HEADER.unpack_from(data)
            exported, at, end = datetime.fromtimestamp(seconds, UTC), _V9_HEADER.size, len(data)
            head = _Head(9, exporter, domain, exported, uptime)
        else:
            _, end, seconds, sequence, domain = _IPFIX_HEADER.unpack_from(data)
            exported, at = datetime.fromtimestamp(seconds, UTC), _IPFIX_HEADER.size
            head = _Head(10, exporter, domain, exported, None)
        if end > len(data):
            raise FlowError(f"{end} bytes are promised in {len(data)}")
        flows = 0
        while at + _SET.size <= end:
            kind, length = _SET.unpack_from(data, at)
            if length < _SET.size or at + length > end:
                raise FlowError(f"a set of {length} bytes at {at}")
            body = data[at + _SET.size : at + length]
            at += length
            if kind in (0, 2):
                yield from self._templates(head, body, options=False)
            elif kind in (1, 3):
                yield from self._templates(head, body, options=True)
            elif kind >= _FIRST_DATA_SET:
                for flow in self._data(Key(exporter, domain, kind), head, body):
                    flows += 1
                    yield flow
        self._counted(head, sequence, 1 if version == 9 else flows)

    def _templates(self, head: _Head, body: bytes, *, options: bool) -> Iterator[bytes]:
        """Learn templates; gives the flows that waited for them. Those of options tell of the exporter: their data is passed over."""
        at = 0
        while at + 4 <= len(body) and body[at : at + 4] != b"\0\0\0\0":
            which, count = _SET.unpack_from(body, at)
            first = 4
            if options and head.version == 9:
                count, first = (count + number(body[at + 4 : at + 6])) // 4, 6
            elif options:
                first = 6 if count else 4
            if count > _MOST_FIELDS or which < _FIRST_DATA_SET:
                raise FlowError(f"template {which} of {count} fields")
            size = _template_bytes(body[at + first :], count, head.version)
            key = Key(head.exporter, head.domain, which)
            content = bytes([head.version, options]) + body[at + first : at + first + size]
            if self.templates.get(key) != content and count:
                self.learn(key, content)
                self.changed.add(key)
                yield from self._waited(key)
            at += first + size

    def _waited(self, key: Key) -> Iterator[bytes]:
        waiting, self._waiting = self._waiting, deque()
        for each in waiting:
            if each[0] == key:
                yield from self._data(*each)
            else:
                self._waiting.append(each)

    def _data(self, key: Key, head: _Head, body: bytes) -> Iterator[bytes]:
        fields = self._fields.get(key)
        if fields is None:
            self._waiting.append((key, head, body))
            if len(self._waiting) > _WAITING_SETS:
                self._waiting.popleft()
                self.undecoded += 1
            return
        self.templates.move_to_end(key)
        least = sum(1 if each.length == _VARIABLE else each.length for each in fields)
        at, about_exporter = 0, bool(self.templates[key][1])
        while at + least <= len(body):
            flow: dict[str, Scalar] = {}
            for name, promised, read in fields:
                length = promised
                if promised == _VARIABLE:
                    length, at = body[at], at + 1
                    if length == 255:  # RFC 7011 section 7
                        length, at = number(body[at : at + 2]), at + 2
                if at + length > len(body):
                    raise FlowError(f"a field of {length} bytes at {at} of a set of {len(body)}")
                flow.setdefault(name, read(body[at : at + length]))
                at += length
            if not about_exporter:
                yield _written(head, flow)

    def _counted(self, head: _Head, sequence: int, count: int) -> None:
        """Compare an exporter's counting with what came; what came late or after its restart is no loss."""
        key = (head.exporter, head.domain, head.version)
        gap = (sequence - self._next.get(key, sequence)) % (1 << 32)
        if 0 < gap < 1 << 20:
            self.missing += gap
        self._next[key] = (sequence + count) % (1 << 32)
        self._next.move_to_end(key)
        if len(self._next) > _MOST_TEMPLATES:
            self._next.popitem(last=False)


def _template_bytes(body: bytes, count: int, version: int) -> int:
    """How long the fields of a template are. Raises: FlowError."""
    at = 0
    for _ in range(count):
        at += 8 if version == 10 and at < len(body) and body[at] & 0x80 else 4
    if at > len(body):
        raise FlowError(f"a template of {count} fields in {len(body)} bytes")
    return at


def _template(content: bytes) -> list[Field]:
    version, body = content[0], content[2:]
    fields = []
    at = 0
    while at + 4 <= len(body):
        which, length = _SET.unpack_from(body, at)
        at += 4
        enterprise = 0
        if version == 10 and which & _ENTERPRISE:
            enterprise, which, at = number(body[at : at + 4]), which & ~_ENTERPRISE, at + 4
        name, read = (f"element_{which}", bytes.hex) if enterprise or which not in ELEMENTS else ELEMENTS[which]
        fields.append(Field(f"element_{enterprise}_{which}" if enterprise else name, length, read))
    return fields


def _written(head: _Head, flow: dict[str, Scalar]) -> bytes:
    """A flow as JSON. Times that count from the start of the exporter become times."""
    for name in ("flow_start_sys_up_time", "flow_end_sys_up_time"):
        ticks = flow.get(name)
        if head.uptime_ms is not None and isinstance(ticks, int):
            since = (ticks - head.uptime_ms + (1 << 31)) % (1 << 32) - (
                1 << 31
            )  # the counter begins anew after 49 days
            flow[name.replace("sys_up_time", "milliseconds")] = iso(head.exported + timedelta(milliseconds=since))
            del flow[name]
    about = {"version": head.version, "exporter": head.exporter, "domain": head.domain, "exported": iso(head.exported)}
    return _encode({"netflow": {**about, **flow}})
