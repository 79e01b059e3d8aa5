"""Real nodes for tests, one of each a test process, on loopback with fresh data (`tests.servers.node`).

`elastic_node`: Elasticsearch 8. `elastic9_node`: Elasticsearch 9. `opensearch_node`: OpenSearch 3. `secure_elastic_node`: Elasticsearch 8
with security on: users, roles, API keys, and TLS with a certificate of its own. `secure_opensearch_node`: OpenSearch 3 with its security
plugin: users, roles, TLS.
"""

from __future__ import annotations

import base64
import json
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.servers.node import START_TIMEOUT_S, TARGET, Node, free_port, java_home, set_up
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
OPENSEARCH_ADMIN = ("admin", "admin")
"""The user of the plugin's sample configuration."""

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
    with _certified(CACHE / f"home-{VERSION}-security" / "config") as (folder, key, certificate):
        tls = {"enabled": "true", "key": str(key), "certificate": str(certificate)}
        settings = [f"xpack.security.http.ssl.{name}={value}" for name, value in tls.items()]
        with _secured(ElasticNode(folder, settings, SECURE)) as node:
            yield node, certificate


@pytest.fixture(scope="session")
def secure_opensearch_node() -> Iterator[tuple[ElasticNode, Path]]:
    """As `secure_elastic_node`, of OpenSearch. Skips where there is no Java 21."""
    environment = {
        "OS_HOME_DIR": str(OPENSEARCH_CACHE),
        "OS_VERSION": OPENSEARCH_VERSION,
        "OS_SECURITY": "1",
        "OS_JAVA_HOME": str(java_home(21)),
    }
    version = f"{OPENSEARCH_VERSION}-security"
    set_up("the secured OpenSearch node", ("bash", "mvn"), OPENSEARCH, OPENSEARCH_CACHE, version, environment)
    with _certified(OPENSEARCH_CACHE / f"home-{version}" / "config") as (folder, key, certificate):
        tls = {"pemkey_filepath": key, "pemcert_filepath": certificate, "pemtrustedcas_filepath": certificate}
        plain = {
            "ssl.http.enabled": "true",
            "ssl.transport.enforce_hostname_verification": "false",
            "allow_default_init_securityindex": "true",
            "restapi.roles_enabled": "all_access",
            "audit.type": "noop",
        }
        each = {f"ssl.{layer}.{name}": value for layer in ("http", "transport") for name, value in tls.items()}
        settings = [f"plugins.security.{name}={value}" for name, value in {**plain, **each}.items()]
        with _secured(ElasticNode(folder, settings, environment, OPENSEARCH)) as node:
            _wait_for_users(node, certificate)
            yield node, certificate


@contextmanager
def _certified(config: Path) -> Iterator[tuple[Path, Path, Path]]:
    """A folder for a node, and where it reads them, in its configuration, a key and its certificate."""
    with tempfile.TemporaryDirectory(prefix="soc-elastic-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        config /= folder.name
        config.mkdir()
        try:
            whole = self_signed(config).read_text()
            begin = whole.index("-----BEGIN CERTIFICATE")
            key, certificate = config / "key.pem", config / "certificate.pem"
            key.write_text(whole[:begin])
            certificate.write_text(whole[begin:])
            yield folder, key, certificate
        finally:
            shutil.rmtree(config)


@contextmanager
def _secured(node: ElasticNode) -> Iterator[ElasticNode]:
    node.url = f"https://127.0.0.1:{node.port}"
    node.start()
    try:
        yield node
    finally:
        node.stop()


def _wait_for_users(node: ElasticNode, certificate: Path) -> None:
    """The plugin reads its users into an index after the node answers."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while opensearch_admin(node, certificate, "GET", "internalusers")[0] != 200:
        assert time.monotonic() < deadline, "the security plugin has no users"
        time.sleep(0.2)


def opensearch_admin(
    node: ElasticNode, certificate: Path, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, str]:
    """Status and text of a request to the security plugin's own API, as its administrator."""
    request = urllib.request.Request(f"{node.url}/_plugins/_security/api/{path}", method=method)
    request.add_header("authorization", "Basic " + base64.b64encode(":".join(OPENSEARCH_ADMIN).encode()).decode())
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("content-type", "application/json")
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=str(certificate))) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
