"""A flow of NetFlow or IPFIX in, as `collectors.sources.netflow_decode` writes it; ECS out: who spoke with whom, how much, how long.

    {"netflow":{"version":9,"exporter":"10.20.0.1","domain":0,"exported":"2026-11-22T03:00:00.000000Z","source_ipv4_address":"10.20.1.5",...}}

Source of truth: IANA "IP Flow Information Export (IPFIX) Entities", RFC 7011 to 7012, RFC 5103 (flows of both directions), RFC 8158 (NAT
events). Every element stays as `netflow.<name>`, as text.
"""

from __future__ import annotations

from datetime import MAXYEAR, datetime, timedelta

from collectors.event import Value
from collectors.parse.ecs import INT64_MAX, number
from collectors.parse.format import Gives, Parsed
from collectors.parse.network import put_end, put_protocol
from collectors.parse.shape import Document, Shape, moment, originals

_ENDS = {
    "source": ("source_ipv4_address source_ipv6_address", "source_transport_port", "source_mac_address"),
    "destination": (
        "destination_ipv4_address destination_ipv6_address",
        "destination_transport_port",
        "destination_mac_address post_destination_mac_address",
    ),
}
_NAT = {
    "source.nat.ip": "post_nat_source_ipv4_address post_nat_source_ipv6_address",
    "destination.nat.ip": "post_nat_destination_ipv4_address post_nat_destination_ipv6_address",
}
_STARTS = tuple(f"netflow.flow_start_{unit}" for unit in ("nanoseconds", "microseconds", "milliseconds", "seconds"))
_ENDED = tuple(f"netflow.flow_end_{unit}" for unit in ("nanoseconds", "microseconds", "milliseconds", "seconds"))
_LONGEST_MS = 365 * 86_400_000
_DIRECTIONS = {"0": "inbound", "1": "outbound"}


class _Elements:
    """The elements of a flow by name."""

    def __init__(self, fields: dict[str, Value]) -> None:
        self._fields = fields

    def __getitem__(self, names: str) -> str:
        """The first of these elements that is there, "" where none is; addresses of zeros stand for none."""
        for name in names.split():
            value = self._fields.get(f"netflow.{name}")
            if isinstance(value, str) and value.strip("0.:"):
                return value
        return ""


def read(document: Document) -> Parsed:
    """One flow."""
    fields = originals(document)
    flow = _Elements(fields)
    for end, (addresses, port, macs) in _ENDS.items():
        put_end(fields, end, flow[addresses], flow[port])
        if mac := flow[macs]:
            fields[f"{end}.mac"] = mac
    for name, elements in _NAT.items():
        if address := flow[elements]:
            fields[name] = address
    put_protocol(fields, flow["protocol_identifier"])
    _put_size(fields, "bytes", flow["initiator_octets octet_delta_count octet_total_count"], flow["responder_octets"])
    _put_size(
        fields, "packets", flow["initiator_packets packet_delta_count packet_total_count"], flow["responder_packets"]
    )
    if exporter := flow["exporter"]:
        fields["observer.ip"] = exporter
    direction = fields.get("netflow.flow_direction")
    if isinstance(direction, str) and direction in _DIRECTIONS:
        fields["network.direction"] = _DIRECTIONS[direction]
    fields["event.dataset"] = "netflow.log"
    fields["event.category"] = "network"
    fields["event.action"] = "netflow-flow"
    return Parsed(_put_times(fields, flow["flow_duration_milliseconds"]), fields)


def _put_size(fields: dict[str, Value], unit: str, out: str, back: str) -> None:
    """What the source sent and, in flows of both directions, the destination; `network.*` is both."""
    counts = {
        end: count for end, said in (("source", out), ("destination", back)) if (count := number(said)) is not None
    }
    for end, count in counts.items():
        fields[f"{end}.{unit}"] = count
    if counts:
        fields[f"network.{unit}"] = min(sum(counts.values()), INT64_MAX)


def _put_times(fields: dict[str, Value], duration: str) -> datetime | None:
    """`event.start`, `event.end`, `event.duration` in nanoseconds; the event's time is the flow's end. Raises: ParseError."""
    start, end = moment(fields, *_STARTS), moment(fields, *_ENDED)
    took = number(duration)
    if start and took is not None and end is None and start.year < MAXYEAR and took < _LONGEST_MS:
        end = start + timedelta(milliseconds=took)
    for name, each in (("event.start", start), ("event.end", end)):
        if each is not None:
            fields[name] = each.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if start and end and end >= start:
        took_ns = (end - start) // timedelta(microseconds=1) * 1_000
        if took_ns <= INT64_MAX:
            fields["event.duration"] = took_ns
    return end or moment(fields, "netflow.exported")


SHAPES = (
    Shape(
        "netflow",
        read,
        (
            Gives(
                "netflow.log",
                "network",
                "destination.bytes destination.ip destination.mac destination.nat.ip destination.packets destination.port event.action "
                "event.duration event.end event.start netflow.* network.* observer.ip source.bytes source.ip source.mac source.nat.ip "
                "source.packets source.port",
            ),
        ),
        lambda document: isinstance(document["netflow"], dict) and "exporter" in document["netflow"],
    ),
)
