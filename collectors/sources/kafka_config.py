"""The configuration of the reader of Kafka topics.

Delivery: effectively once. How far each partition is read is journalled in the same frame as its records, so a crash neither loses nor
repeats any. What the broker deleted before we read it (its retention) is counted in `dropped` and told.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.kafka import check
from collectors.sources.keys import check_encoding, check_timezone


@dataclass(frozen=True, slots=True)
class KafkaConfig:
    """`servers`: brokers to begin with, "host:9092". `topics`: names, all partitions of each, also those that are added later. `start`:
    where to begin with a partition that was never read. `group`: under which the position is also told to the broker, for its tools.

    `tls`: encrypted, with `ca_file` to trust instead of the system's authorities, and `certificate` and `key` (PEM) to show. `user` and
    `password_file`: SASL SCRAM-SHA-512, or what `mechanism` says. `max_record_bytes`: what is beyond is cut and counted.
    """

    id: str
    servers: tuple[str, ...]
    topics: tuple[str, ...]
    start: Literal["earliest", "latest"] = "earliest"
    group: str = "soc"
    tls: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str = ""
    password_file: Path | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    max_record_bytes: int = 1024 * 1024
    format: str = "auto"
    encoding: str = "utf-8"
    timezone: str = ""
    kind: Literal["kafka"] = "kafka"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_timezone(self.timezone)
        if not self.servers or not self.topics:
            raise ValueError('"servers" and "topics" need one each at least')
        check(self)
