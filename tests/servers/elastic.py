"""Real nodes for tests, one of each a test process, on loopback with fresh data (`tests.servers.node`).

`elastic_node`: Elasticsearch 8. `elastic9_node`: Elasticsearch 9. `opensearch_node`: OpenSearch 3. `secure_elastic_node`: Elasticsearch 8
with security on: users, roles, API keys, and TLS with a certificate of its own.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.node import TARGET, Node, free_port, java_home, set_up
from tests.soc.store.faulty import self_signed

LAUNCHER = Path(__file__).parent / "elasticsearch" / "esnode.sh"
CACHE = TARGET / "elasticsearch"
VERSION = "8.19.21"
NINE = "9.5.3"
NEEDED = ("bash", "java", "javac", "mvn", "unzip")
ENVIRONMENT = {"ES_HOME_DIR": str(CACHE), "ES_VERSION": VERSION}
SECURE = {**ENVIRONMENT, "ES_SECURITY": "1"}
ADMIN = ("admin", "adminpw1")
"""The user that esnode.sh makes."""

OPENSEARCH = Path(__file__).parent / "opensearch" / "osnode.sh"
OPENSEARCH_CACHE = TARGET / "opensearch"
OPENSEARCH_VERSION = "3.8.0"

EVERY_NODE = ("elastic_node", "elastic9_node", "opensearch_node")
"""The fixtures of all that a store of kind elasticsearch may be."""


class ElasticNode(Node):
    """One node; `url` is where it answers."""

    def __init__(
        self,
        folder: Path,
        settings: Sequence[str] = (),
        environment: Mapping[str, str] = ENVIRONMENT,
        launcher: Path = LAUNCHER,
    ) -> None:
        port = free_port()
        super().__init__(
            ["bash", str(launcher), "run", str(folder / "node"), str(port), *settings],
            folder / "node.log",
            b"READY port=",
            environment,
        )
        self.port = port
        self.url = f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def elastic_node() -> Iterator[ElasticNode]:
    """A running node. Skips with the reason where it cannot be had; where CI=true that is a failure."""
    set_up("the Elasticsearch node", NEEDED, LAUNCHER, CACHE, VERSION, ENVIRONMENT)
    with _running(ENVIRONMENT, LAUNCHER) as node:
        yield node


@pytest.fixture(scope="session")
def elastic9_node() -> Iterator[ElasticNode]:
    """A running node of Elasticsearch 9. Skips where there is no Java 21, else as `elastic_node`."""
    environment = {**ENVIRONMENT, "ES_VERSION": NINE, "ES_JAVA_HOME": str(java_home(21))}
    set_up("the Elasticsearch 9 node", NEEDED, LAUNCHER, CACHE, NINE, environment)
    with _running(environment, LAUNCHER) as node:
        yield node


@pytest.fixture(scope="session")
def opensearch_node() -> Iterator[ElasticNode]:
    """A running node of OpenSearch 3. Skips where there is no Java 21, else as `elastic_node`."""
    environment = {
        "OS_HOME_DIR": str(OPENSEARCH_CACHE),
        "OS_VERSION": OPENSEARCH_VERSION,
        "OS_JAVA_HOME": str(java_home(21)),
    }
    set_up("the OpenSearch node", ("bash", "mvn"), OPENSEARCH, OPENSEARCH_CACHE, OPENSEARCH_VERSION, environment)
    with _running(environment, OPENSEARCH) as node:
        yield node


@contextmanager
def _running(environment: Mapping[str, str], launcher: Path) -> Iterator[ElasticNode]:
    with tempfile.TemporaryDirectory(prefix="soc-elastic-", ignore_cleanup_errors=True) as folder:
        node = ElasticNode(Path(folder), (), environment, launcher)
        node.start()
        try:
            yield node
        finally:
            node.stop()


@pytest.fixture(scope="session")
def secure_elastic_node() -> Iterator[tuple[ElasticNode, Path]]:
    """A running node with security on, and the file of the certificate by which clients know it. Skips and fails as `elastic_node`."""
    set_up("the secured Elasticsearch node", NEEDED, LAUNCHER, CACHE, f"{VERSION}-security", SECURE)
    with tempfile.TemporaryDirectory(prefix="soc-elastic-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        config = CACHE / f"home-{VERSION}-security" / "config" / folder.name  # a node reads certificates there only
        config.mkdir()
        try:
            whole = self_signed(config).read_text()
            begin = whole.index("-----BEGIN CERTIFICATE")
            key, certificate = config / "key.pem", config / "certificate.pem"
            key.write_text(whole[:begin])
            certificate.write_text(whole[begin:])
            ssl = {"enabled": "true", "key": str(key), "certificate": str(certificate)}
            settings = [f"xpack.security.http.ssl.{name}={value}" for name, value in ssl.items()]
            node = ElasticNode(folder, settings, SECURE)
            node.url = f"https://127.0.0.1:{node.port}"
            node.start()
            try:
                yield node, certificate
            finally:
                node.stop()
        finally:
            shutil.rmtree(config)
