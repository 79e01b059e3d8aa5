"""A line of an AWS VPC flow log in, flat ECS out, in its default form (version 2) or with the columns that its file names.

    2 111122223333 eni-0a1b2c3d 203.0.113.7 10.20.1.5 51022 22 6 20 4249 1795316400 1795316460 ACCEPT OK

Source of truth: Amazon VPC User Guide, "Flow log records": columns of versions 2 to 8; `-` is what nobody saw (NODATA, SKIPDATA) or does
not apply. A file in S3 begins with the names of its columns (`RawRecord.header`); that line is an event too. Without one (a stream) lines
have the fourteen columns of the default form. The time is the end of the interval. Behind a NAT gateway `srcaddr` is that of
the interface and `pkt-srcaddr` that of the packet; both stay.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.parse.keyvalue import Names
from collectors.parse.network import VERDICT, put_end, put_protocol, verdict
from collectors.record import RawRecord

_DEFAULT = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
_OURS = "version srcaddr srcport dstaddr dstport protocol start end action flow-direction type"
_NAMES = Names(
    "aws.vpcflow.",
    {
        "account-id": "cloud.account.id", "region": "cloud.region", "az-id": "cloud.availability_zone", "instance-id": "cloud.instance.id",
        "packets": "network.packets", "bytes": "network.bytes", "interface-id": "aws.vpcflow.interface_id",
        "log-status": "aws.vpcflow.log_status", "vpc-id": "aws.vpcflow.vpc_id", "subnet-id": "aws.vpcflow.subnet_id",
        "tcp-flags": "aws.vpcflow.tcp_flags", "pkt-srcaddr": "aws.vpcflow.pkt_srcaddr", "pkt-dstaddr": "aws.vpcflow.pkt_dstaddr",
        "pkt-src-aws-service": "aws.vpcflow.pkt_src_service", "pkt-dst-aws-service": "aws.vpcflow.pkt_dst_service",
        "traffic-path": "aws.vpcflow.traffic_path", "reject-reason": "aws.vpcflow.reject_reason",
        "sublocation-id": "aws.vpcflow.sublocation.id",
        "sublocation-type": "aws.vpcflow.sublocation.type",
        **dict.fromkeys(_OURS.split(), ""),
    },
    ("-", ""),
)  # fmt: skip
_STATUSES = frozenset({"OK", "NODATA", "SKIPDATA"})
_ENDS = tuple(f" {status}".encode() for status in sorted(_STATUSES))
_COLUMNS = re.compile(rb"[a-z][a-z0-9-]{1,40}(?: [a-z][a-z0-9-]{1,40}){2,63}")
_VALUES = re.compile(rb"[\w.:/*,-]{1,2048}(?: [\w.:/*,-]{1,2048}){2,63}", re.ASCII)
_LATEST_S = 253_402_300_799
"""The last second of the year 9999."""
_LONGEST_S = 24 * 60 * 60
"""An interval lasts 10 minutes at the most; what is longer than a day is no interval."""


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    columns = _columns(record.header)
    values = text.split(" ")
    if len(values) != len(columns) or not _is_flow(columns, values):
        if "srcaddr" in values and _COLUMNS.fullmatch(text.encode()):
            return Parsed(None, {"event.dataset": "aws.vpcflow", "event.action": "log-header", "message": text})
        raise ParseError(f"no flow record of {len(columns)} columns: {excerpt(text)}")
    fields: dict[str, Value] = {"event.dataset": "aws.vpcflow", "event.category": "network", "cloud.provider": "aws"}
    own = _NAMES.put(zip(columns, values, strict=True), fields)
    get = own.get
    put_end(fields, "source", get("srcaddr", ""), get("srcport", ""))
    put_end(fields, "destination", get("dstaddr", ""), get("dstport", ""))
    put_protocol(fields, get("protocol", ""))
    action = get("action")
    if action in ("ACCEPT", "REJECT"):
        fields["event.action"] = action.lower()
        verdict(fields, allowed=action == "ACCEPT")
    if (direction := get("flow-direction")) is not None:
        fields["network.direction"] = direction
    if (kind := get("type")) is not None:
        fields["network.type"] = kind.lower()
    return Parsed(_interval(get("start"), get("end"), fields), fields)


@lru_cache(256)
def _columns(header: bytes) -> tuple[str, ...]:
    """The columns that a file names, those of the default form where it names none."""
    said = header.decode("latin-1")
    return tuple((said if _COLUMNS.fullmatch(header) else _DEFAULT).split(" "))


def _is_flow(columns: tuple[str, ...], values: list[str]) -> bool:
    """Whether the line is none that names columns."""
    return values[-1] in _STATUSES if columns[-1] == "log-status" else values != list(columns)


def _interval(start: str | None, end: str | None, fields: dict[str, Value]) -> datetime | None:
    """When it ended, or began where nothing else is said; sets the duration. Raises: ParseError."""
    if start is None and end is None:
        return None
    begun, ended = number(start or end or ""), number(end or start or "")
    if begun is None or ended is None or not begun <= ended <= _LATEST_S:
        raise ParseError(f"no interval in seconds since 1970: {excerpt(f'{start} {end}')}")
    if start and end and ended - begun <= _LONGEST_S:
        fields["event.duration"] = (ended - begun) * 1_000_000_000
    return datetime.fromtimestamp(ended, UTC)


def _sniff(sample: bytes) -> float:
    header = sample.removeprefix(b"\xef\xbb\xbf").partition(b"\n")[0].rstrip(b"\r")
    if b"srcaddr" not in header or not _COLUMNS.fullmatch(header):
        return share_of_lines(sample, _is_line)
    blanks = header.count(b" ")
    return share_of_lines(
        sample,
        lambda line: line.count(b" ") == blanks and _VALUES.fullmatch(line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r")),
    )


def _is_line(line: bytes) -> bool:
    text = line.rstrip(b"\r")
    return text.count(b" ") == 13 and text.endswith(_ENDS)


FORMAT = Format(
    "aws-vpcflow",
    "AWS VPC flow log, in its default form or with the columns that its file names",
    parse,
    _sniff,
    gives=(
        Gives(
            "aws.vpcflow",
            "network",
            f"aws.vpcflow.* cloud.* destination.* event.action event.duration message network.* source.* {VERDICT}",
        ),
    ),
)
