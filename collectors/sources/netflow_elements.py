"""Information elements of flows: number -> name and how its bytes are read. Names are IANA's, in snake case as Elastic writes them.

Source of truth: IANA "IP Flow Information Export (IPFIX) Entities" (RFC 7012); NetFlow v9 uses the same numbers up to 127 (RFC 3954 §8).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address

Scalar = str | int
Read = Callable[[bytes], Scalar]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)


def number(data: bytes) -> int:
    """Unsigned, of any length (RFC 7011 §6.2: reduced-size encoding)."""
    return int.from_bytes(data, "big")


def address(data: bytes) -> str:
    """IPv4 of four bytes, IPv6 of sixteen; anything else as hex digits."""
    if len(data) == 4:
        return "{}.{}.{}.{}".format(*data)
    return str(IPv6Address(data)) if len(data) == 16 else data.hex()


def hardware(data: bytes) -> str:
    """A MAC address as ECS writes it: 00-00-5E-00-53-23."""
    return data.hex("-").upper()


def text(data: bytes) -> str:
    """UTF-8 without padding; bytes that do not decode stand as \\xNN."""
    return data.decode("utf-8", "backslashreplace").rstrip("\0 ")


def _since_epoch(**unit: float) -> Read:
    step = timedelta(**unit)

    def read(data: bytes) -> str:
        try:
            return iso(_EPOCH + number(data) * step)
        except OverflowError:
            return data.hex()

    return read


def _ntp(data: bytes) -> str:
    """RFC 7011 §6.1.9: seconds since 1900 and a fraction."""
    if len(data) != 8:
        return data.hex()
    return iso(_NTP_EPOCH + timedelta(seconds=number(data[:4]), microseconds=number(data[4:]) * 1_000_000 >> 32))


def iso(moment: datetime) -> str:
    """As it stands in a record."""
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _of(read: Read, names: str) -> dict[int, tuple[str, Read]]:
    pairs = (pair.partition(":") for pair in names.split())
    return {int(at): (name, read) for at, _, name in pairs}


ELEMENTS: dict[int, tuple[str, Read]] = {
    **_of(
        number,
        "1:octet_delta_count 2:packet_delta_count 3:delta_flow_count 4:protocol_identifier 5:ip_class_of_service 6:tcp_control_bits "
        "7:source_transport_port 9:source_ipv4_prefix_length 10:ingress_interface 11:destination_transport_port "
        "13:destination_ipv4_prefix_length 14:egress_interface 16:bgp_source_as_number 17:bgp_destination_as_number "
        "21:flow_end_sys_up_time 22:flow_start_sys_up_time 23:post_octet_delta_count 24:post_packet_delta_count "
        "29:source_ipv6_prefix_length 30:destination_ipv6_prefix_length 32:icmp_type_code_ipv4 34:sampling_interval "
        "35:sampling_algorithm 48:sampler_id 58:vlan_id 59:post_vlan_id 60:ip_version 61:flow_direction 85:octet_total_count "
        "86:packet_total_count 95:application_id 136:flow_end_reason 139:icmp_type_code_ipv6 148:flow_id 161:flow_duration_milliseconds "
        "176:icmp_type_ipv4 177:icmp_code_ipv4 178:icmp_type_ipv6 179:icmp_code_ipv6 227:post_napt_source_transport_port "
        "228:post_napt_destination_transport_port 229:nat_originating_address_realm 230:nat_event 231:initiator_octets "
        "232:responder_octets 233:firewall_event 234:ingress_vrfid 235:egress_vrfid 239:biflow_direction 298:initiator_packets "
        "299:responder_packets 305:sampling_packet_interval",
    ),
    **_of(
        address,
        "8:source_ipv4_address 12:destination_ipv4_address 15:ip_next_hop_ipv4_address 18:bgp_next_hop_ipv4_address 27:source_ipv6_address "
        "28:destination_ipv6_address 62:ip_next_hop_ipv6_address 130:exporter_ipv4_address 131:exporter_ipv6_address "
        "225:post_nat_source_ipv4_address 226:post_nat_destination_ipv4_address 281:post_nat_source_ipv6_address "
        "282:post_nat_destination_ipv6_address",
    ),
    **_of(hardware, "56:source_mac_address 57:post_destination_mac_address 80:destination_mac_address 81:post_source_mac_address"),
    **_of(text, "82:interface_name 83:interface_description 94:application_description 96:application_name 236:vrf_name 371:user_name"),
    **_of(_since_epoch(seconds=1), "150:flow_start_seconds 151:flow_end_seconds"),
    **_of(
        _since_epoch(milliseconds=1),
        "152:flow_start_milliseconds 153:flow_end_milliseconds 160:system_init_time_milliseconds 323:observation_time_milliseconds",
    ),
    **_of(_ntp, "154:flow_start_microseconds 155:flow_end_microseconds 156:flow_start_nanoseconds 157:flow_end_nanoseconds"),
}  # fmt: skip
