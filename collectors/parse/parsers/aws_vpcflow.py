"""A line of an AWS VPC flow log in its default form (version 2) in, flat ECS out.

    2 111122223333 eni-0a1b2c3d 203.0.113.7 10.20.1.5 51022 22 6 20 4249 1795316400 1795316460 ACCEPT OK

Source of truth: Amazon VPC User Guide, "Flow log records": fourteen columns; NODATA and SKIPDATA have `-` for what nobody saw. The time is
the end of the interval. A file in S3 begins with the names of its columns: those of the default form are an event, others are refused, as
their lines are.
"""

from __future__ import annotations

from datetime import UTC, datetime

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.network import VERDICT, put_end, put_protocol, verdict
from collectors.record import RawRecord

_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_STATUSES = ("OK", "NODATA", "SKIPDATA")
_ENDS = tuple(f" {status}".encode() for status in _STATUSES)
_LATEST_S = 253_402_300_799
"""The last second of the year 9999."""
_LONGEST_S = 24 * 60 * 60
"""An interval lasts 10 minutes at the most; what is longer than a day is no interval."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    columns = text.split(" ")
    if len(columns) != 14 or columns[13] not in _STATUSES:
        if text == _HEADER:
            return Parsed(None, {"event.dataset": "aws.vpcflow", "event.action": "log-header", "message": text})
        raise ParseError(f"no flow record of version 2 in its default form: {excerpt(text)}")
    (
        _,
        account,
        interface,
        source,
        destination,
        from_port,
        to_port,
        protocol,
        packets,
        size,
        start,
        end,
        action,
        status,
    ) = columns
    begun, ended = number(start), number(end)
    if begun is None or ended is None or not begun <= ended <= _LATEST_S:
        raise ParseError(f"no interval in seconds since 1970: {excerpt(f'{start} {end}')}")
    fields: dict[str, Value] = {
        "event.dataset": "aws.vpcflow",
        "event.category": "network",
        "cloud.provider": "aws",
        "cloud.account.id": account,
        "aws.vpcflow.interface_id": interface,
        "aws.vpcflow.log_status": status,
    }
    if ended - begun <= _LONGEST_S:
        fields["event.duration"] = (ended - begun) * 1_000_000_000
    if source != "-":
        put_end(fields, "source", source, from_port)
    if destination != "-":
        put_end(fields, "destination", destination, to_port)
    if protocol != "-":
        put_protocol(fields, protocol)
    for name, said in (("network.packets", packets), ("network.bytes", size)):
        if (count := number(said)) is not None:
            fields[name] = count
    if action in ("ACCEPT", "REJECT"):
        fields["event.action"] = action.lower()
        verdict(fields, allowed=action == "ACCEPT")
    return Parsed(datetime.fromtimestamp(ended, UTC), fields)


def _is_line(line: bytes) -> bool:
    text = line.rstrip(b"\r")
    return text.count(b" ") == 13 and (text.endswith(_ENDS) or text.endswith(b" log-status"))


def _sniff(sample: bytes) -> float:
    return share_of_lines(sample, _is_line)


FORMAT = Format(
    "aws-vpcflow",
    "AWS VPC flow log (version 2, default form)",
    parse,
    _sniff,
    gives=(
        Gives(
            "aws.vpcflow",
            "network",
            f"aws.vpcflow.* cloud.* destination.ip destination.port event.action event.duration message network.* source.ip source.port "
            f"{VERDICT}",
        ),
    ),
)
