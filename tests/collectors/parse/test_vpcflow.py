"""AWS VPC flow logs whose file names other columns than those of the default form."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import formats
from tests.collectors.parse.golden import CONTEXT, record

ALL = (
    b"account-id action az-id bytes dstaddr dstport end flow-direction instance-id interface-id log-status packets pkt-dst-aws-service "
    b"pkt-dstaddr pkt-src-aws-service pkt-srcaddr protocol region srcaddr srcport start sublocation-id sublocation-type subnet-id "
    b"tcp-flags traffic-path type version vpc-id"
)
LINE = (
    b"111122223333 ACCEPT apse1-az1 5289 10.20.9.4 443 1795316460 egress i-0a1b eni-0a1b OK 19 S3 52.219.0.7 - 10.20.9.9 6 ap-southeast-1 "
    b"10.20.9.9 51022 1795316400 - - subnet-0a1b 19 8 IPv4 5 vpc-0a1b"
)


def read(line: bytes, header: bytes = ALL) -> dict[str, Value]:
    return formats()["aws-vpcflow"].parse(replace(record(line), header=header), CONTEXT).fields


def test_columns_of_all_versions_have_names() -> None:
    assert read(LINE) == {
        "event.dataset": "aws.vpcflow", "event.category": "network", "event.action": "accept", "event.type": "allowed",
        "event.outcome": "success", "event.duration": 60_000_000_000, "cloud.provider": "aws", "cloud.account.id": "111122223333",
        "cloud.region": "ap-southeast-1", "cloud.availability_zone": "apse1-az1", "cloud.instance.id": "i-0a1b",
        "source.ip": "10.20.9.9", "source.port": 51022, "destination.ip": "10.20.9.4", "destination.port": 443,
        "network.bytes": 5289, "network.packets": 19, "network.transport": "tcp", "network.iana_number": "6",
        "network.direction": "egress", "network.type": "ipv4", "aws.vpcflow.interface_id": "eni-0a1b", "aws.vpcflow.log_status": "OK",
        "aws.vpcflow.vpc_id": "vpc-0a1b", "aws.vpcflow.subnet_id": "subnet-0a1b", "aws.vpcflow.tcp_flags": "19",
        "aws.vpcflow.traffic_path": "8", "aws.vpcflow.pkt_srcaddr": "10.20.9.9", "aws.vpcflow.pkt_dstaddr": "52.219.0.7",
        "aws.vpcflow.pkt_dst_service": "S3",
    }  # fmt: skip


def test_a_column_that_is_new_keeps_its_name() -> None:
    assert read(b"10.20.9.9 10.20.9.4 a-7 1795316400", b"srcaddr dstaddr ecs-task-id start") == {
        "event.dataset": "aws.vpcflow", "event.category": "network", "cloud.provider": "aws", "source.ip": "10.20.9.9",
        "destination.ip": "10.20.9.4", "aws.vpcflow.ecs-task-id": "a-7",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (LINE, b""),
        (LINE.rpartition(b" ")[0], ALL),
        (LINE + b" 7", ALL),
        (b"10.20.9.9 10.20.9.4 soon", b"srcaddr dstaddr end"),
        (b"10.20.9.9 10.20.9.4 1795316400 1", b"srcaddr dstaddr start end"),
        (b"10.20.9.9 10.20.9.4 253402300800", b"srcaddr dstaddr end"),
    ],
)
def test_a_line_of_other_columns_or_times_is_refused(line: bytes, header: bytes) -> None:
    with pytest.raises(ParseError, match=r"no flow record of \d+ columns|no interval in seconds"):
        read(line, header)
