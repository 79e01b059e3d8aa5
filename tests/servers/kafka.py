"""A real Kafka broker for tests: fixture `kafka_node`, one a test process, on loopback with fresh data (`tests.servers.node`)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.node import TARGET, Node, free_port, set_up

LAUNCHER = Path(__file__).parent / "kafka" / "kafkanode.sh"
CACHE = TARGET / "kafka"
VERSION = "4.1.0"
ENVIRONMENT = {"KAFKA_LIB": str(CACHE / "lib"), "KAFKA_VERSION": VERSION}


class KafkaNode(Node):
    """One broker that is its own controller; `server` is where it answers."""

    def __init__(self, folder: Path) -> None:
        port, controller = free_port(), free_port()
        super().__init__(
            ["bash", str(LAUNCHER), "run", str(folder / "node"), str(port), str(controller)],
            folder / "node.log",
            b"Kafka Server started",
            ENVIRONMENT,
        )
        self.server = f"127.0.0.1:{port}"


@pytest.fixture(scope="session")
def kafka_node() -> Iterator[KafkaNode]:
    """A running broker. Skips with the reason where it cannot be had; where CI=true that is a failure."""
    set_up("the Kafka broker", ("bash", "java", "mvn"), LAUNCHER, CACHE, VERSION, ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="soc-kafka-", ignore_cleanup_errors=True) as folder:
        node = KafkaNode(Path(folder))
        node.start()
        try:
            yield node
        finally:
            node.stop()
