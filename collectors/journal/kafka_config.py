"""The configuration of a journal on Kafka. Loads nothing of Kafka."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from collectors.kafka import check


@dataclass(frozen=True, slots=True)
class KafkaJournalConfig:
    """`topic`: where the journal is, made where it is missing, with `partitions`; one that is there has as many as it has. The rest as
    `Brokers`.
    """

    servers: tuple[str, ...]
    topic: str = "soc-journal"
    partitions: int = 1
    tls: bool = False
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    user: str = ""
    password_file: Path | None = None
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kind: Literal["kafka"] = "kafka"

    def __post_init__(self) -> None:
        if not self.servers:
            raise ValueError('"servers" needs one at least')
        if self.partitions < 1:
            raise ValueError(f'"partitions" is {self.partitions}: one at least')
        check(self)
