"""Flows of a real exporter and of datagrams made by hand: templates over restarts, what is missing, what is no flow."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any, Literal

import pytest

from collectors.record import Mark
from collectors.sources import NetflowConfig, open_source
from collectors.sources.netflow_decode import Decoder
from collectors.sources.source import Counts
from tests.servers.softflowd import Packet, exported

PACKETS = [Packet("10.20.1.5", 40000 + n % 3, "10.20.9.1", 53, 40 + n) for n in range(9)] + [
    Packet("10.20.9.1", 53, "10.20.1.5", 40000, 200)
]
V6 = [Packet("2001:db8::5", 546, "2001:db8::1", 547, 60)] * 2
TEMPLATE = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (1, 4), (2, 4)]


def flow(packed: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(packed)["netflow"]
    return found


def received(datagrams: Sequence[bytes], marks: dict[str, Mark] | None = None) -> tuple[list[dict[str, Any]], Counts]:
    """What a source gives of datagrams; the marks are kept as a journal keeps them."""
    source, stop = open_source(NetflowConfig("flows", "127.0.0.1:0"), marks or {}), threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as exporter:
        for datagram in datagrams:
            exporter.sendto(datagram, source.address)  # type: ignore[attr-defined]
    stop.set()
    found = []
    for batch in source.batches(stop):
        found += [flow(record.data) for record in batch.records]
        if marks is not None:
            marks.update({key: mark for key, mark in batch.marks.items() if mark is not None})
    source.close()
    return found, source.counts


def ipfix(sequence: int, *sets: bytes, domain: int = 7) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), 1_795_330_800, sequence, domain) + body


def v9(sequence: int, *sets: bytes, domain: int = 7) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), 3_600_000, 1_795_330_800, sequence, domain) + b"".join(sets)


def a_set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, 4 + len(body)) + body


def template(number: int, fields: Sequence[tuple[int, int]]) -> bytes:
    return struct.pack(">HH", number, len(fields)) + b"".join(struct.pack(">HH", *each) for each in fields)


def data(octets: int = 100) -> bytes:
    return bytes([10, 20, 1, 5, 10, 20, 9, 1]) + struct.pack(">HHBII", 40000, 443, 6, octets, 2)


@pytest.mark.server
@pytest.mark.parametrize("version", [5, 9, 10])
def test_flows_of_a_real_exporter_have_the_sizes_of_their_packets(version: Literal[5, 9, 10]) -> None:
    packets = PACKETS if version == 5 else PACKETS + V6
    source, stop = open_source(NetflowConfig("flows", "127.0.0.1:0"), {}), threading.Event()
    exported(packets, source.address[1], version)  # type: ignore[attr-defined]
    stop.set()
    found = [flow(record.data) for batch in source.batches(stop) for record in batch.records]
    source.close()
    expected: dict[tuple[Any, ...], list[int]] = {}
    for each in packets:
        sizes = expected.setdefault((each.source, each.source_port, each.destination, each.destination_port), [0, 0])
        sizes[0] += 1
        sizes[1] += (28 if "." in each.source else 48) + each.size
    assert {
        (
            each.get("source_ipv4_address") or each["source_ipv6_address"],
            each["source_transport_port"],
            each.get("destination_ipv4_address") or each["destination_ipv6_address"],
            each["destination_transport_port"],
        ): [each["packet_delta_count"], each["octet_delta_count"]]
        for each in found
    } == expected
    assert {each["version"] for each in found} == {version}
    assert source.counts.framing_faults == 0


@pytest.mark.parametrize("make", [ipfix, v9])
def test_a_template_is_known_after_a_restart(make: Any) -> None:
    marks: dict[str, Mark] = {}
    kind = 2 if make is ipfix else 0
    first, _ = received([make(0, a_set(kind, template(300, TEMPLATE)), a_set(300, data()))], marks)
    second, counts = received([make(1, a_set(300, data(7)))], marks)
    assert [each["octet_delta_count"] for each in first + second] == [100, 7]
    assert second[0] | first[0] == first[0] | {"octet_delta_count": 100}
    assert counts.undecoded == 0
    assert len(marks) == 1


def test_data_waits_for_its_template_and_what_waits_too_long_is_counted() -> None:
    found, counts = received(
        [ipfix(0, a_set(300, data(1))), ipfix(1, a_set(2, template(300, TEMPLATE)), a_set(300, data(2)))]
    )
    assert [each["octet_delta_count"] for each in found] == [1, 2]
    _, counts = received([ipfix(n, a_set(301, data())) for n in range(1_034)])
    assert counts.undecoded == 10


def test_what_exporters_sent_and_did_not_come_is_counted() -> None:
    learned = a_set(2, template(300, TEMPLATE))
    _, counts = received(
        [
            ipfix(0, learned, a_set(300, data() * 3)),
            ipfix(3, a_set(300, data())),
            ipfix(9, a_set(300, data())),
            ipfix(5),
        ]
    )
    assert counts.missing == 5


def test_fields_of_variable_length_of_enterprises_and_unknown_ones() -> None:
    fields = struct.pack(">HHHHHHIHH", 300, 4, 8, 4, 0x8000 | 12, 65_535, 9, 82, 65_535) + struct.pack(">HH", 9_999, 2)
    values = bytes([192, 0, 2, 7]) + b"\x03abc" + b"\xff\x00\x04eth\xff" + b"\x01\x02"
    [found], _ = received([ipfix(0, a_set(2, fields), a_set(300, values))])
    assert found["source_ipv4_address"] == "192.0.2.7"
    assert found["element_9_12"] == "616263"
    assert found["interface_name"] == "eth\\xff"
    assert found["element_9999"] == "0102"


def test_options_tell_of_the_exporter_and_are_no_flows() -> None:
    of_ipfix = struct.pack(">HHHHHHH", 400, 2, 1, 34, 4, 35, 1)
    found, counts = received(
        [
            ipfix(
                0,
                a_set(3, of_ipfix),
                a_set(400, b"\0\0\0\x0a\x01"),
                a_set(2, template(300, TEMPLATE)),
                a_set(300, data()),
            )
        ]
    )
    assert len(found) == 1
    of_v9 = struct.pack(">HHHHHHHH", 400, 4, 4, 1, 4, 34, 4, 0)[:14]
    found, counts = received(
        [
            v9(
                0,
                a_set(1, of_v9 + b"\0\0"),
                a_set(400, bytes(8)),
                a_set(0, template(300, TEMPLATE)),
                a_set(300, data() + b"\0\0\0"),
            )
        ]
    )
    assert len(found) == 1
    assert counts.framing_faults == 0


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"\0",
        b"\0\x07" + bytes(40),
        struct.pack(">HH", 5, 30) + bytes(20),
        ipfix(0, struct.pack(">HH", 2, 3)),
        ipfix(0, struct.pack(">HH", 300, 400)),
        ipfix(0, a_set(2, struct.pack(">HH", 300, 60_000))),
        ipfix(0, a_set(2, template(300, [(8, 0)]))),
        ipfix(0, a_set(2, template(12, TEMPLATE))),
        ipfix(0)[:2] + b"\xff\xff" + ipfix(0)[4:],
    ],
)
def test_what_is_no_flow_is_counted_and_the_next_datagram_is_read(bad: bytes) -> None:
    good = ipfix(0, a_set(2, template(300, TEMPLATE)), a_set(300, data()), domain=9)
    found, counts = received([bad, good])
    assert len(found) == 1
    assert counts.framing_faults == 1


def test_mutated_datagrams_are_read_or_refused_in_bounded_memory() -> None:
    dice = random.Random(5)
    seeds = [
        ipfix(0, a_set(2, template(300, TEMPLATE)), a_set(300, data() * 3)),
        v9(0, a_set(0, template(300, TEMPLATE)), a_set(300, data() * 3)),
        struct.pack(">HHIIIIBBH", 5, 2, 1, 1, 1, 1, 1, 1, 1) + bytes(range(96)),
    ]
    decoder = Decoder()
    for _ in range(20_000):
        datagram = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 6)):
            datagram[dice.randrange(len(datagram))] = dice.choice((0, 1, 2, 4, 127, 128, 255, dice.randrange(256)))
        flows, fault = decoder.decode(bytes(datagram[: dice.randint(1, len(datagram))]), f"192.0.2.{dice.randrange(3)}")
        assert len(flows) < 200
        assert len(fault) < 200
        for each in flows:
            flow(each)
    assert len(decoder.templates) <= 4_096
