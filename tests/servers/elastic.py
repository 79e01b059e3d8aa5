"""A real Elasticsearch node for tests: fixture `elastic_node`, one a test process, on loopback with fresh data (`tests.servers.node`)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.node import TARGET, Node, free_port, set_up

LAUNCHER = Path(__file__).parent / "elasticsearch" / "esnode.sh"
CACHE = TARGET / "elasticsearch"
VERSION = os.environ.get("ES_VERSION", "8.19.21")
NEEDED = ("bash", "java", "javac", "mvn", "unzip")
ENVIRONMENT = {"ES_HOME_DIR": str(CACHE), "ES_VERSION": VERSION}


class ElasticNode(Node):
    """One node; `url` is where it answers."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        super().__init__(
            ["bash", str(LAUNCHER), "run", str(folder / "node"), str(port)],
            folder / "node.log",
            b"READY port=",
            ENVIRONMENT,
        )
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def elastic_node() -> Iterator[ElasticNode]:
    """A running node. Skips with the reason where it cannot be had; where CI=true that is a failure."""
    set_up("the Elasticsearch node", NEEDED, LAUNCHER, CACHE, VERSION, ENVIRONMENT)
    with tempfile.TemporaryDirectory(prefix="soc-elastic-", ignore_cleanup_errors=True) as folder:
        node = ElasticNode(Path(folder))
        node.start()
        try:
            yield node
        finally:
            node.stop()
