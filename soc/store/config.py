"""The `store:` section of soc.yaml as a value: `StoreConfig`, where events and projections live. Loads nothing of Elasticsearch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

ELASTICSEARCH_PORT = 9200

_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9._]{0,99}")


class StoreKind(StrEnum):
    """Which implementation of the ports."""

    LOCAL = "local"
    ELASTICSEARCH = "elasticsearch"


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """Where events and projections live, and for how long; `hosts` and what else is named here with them belong to Elasticsearch.

    `retention`: how long events are kept from their receipt on; `retention_of`: the same of systems by their id, or of all systems of a
    level ("level_3"), where a system's own comes first. What the law demands is checked with the inventory (soc.app.keeping).
    `hosts`: "https://es1.example:9200". `api_key_file`: the encoded API key, or else `user` and `password_file` (OpenSearch has no keys).
    `ca_file`: certificates that are trusted (default: the system's). `namespace`: last part of the data streams (`logs-sshd-soc`) and
    first of the indices (`soc-alerts`). `timeout`: of one request.
    """

    kind: StoreKind = StoreKind.LOCAL
    hosts: tuple[str, ...] = ()
    api_key_file: Path | None = None
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    namespace: str = "soc"
    retention: timedelta = timedelta(days=365)
    retention_of: Mapping[str, timedelta] = field(default_factory=dict)
    timeout: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        """Raises: ValueError with everything that cannot be, in one sentence."""
        problems = list(self._problems())
        if problems:
            raise ValueError("; ".join(problems))

    def _problems(self) -> list[str]:
        problems = [
            f"{name} is at least 1d"
            for name, kept in (("retention", self.retention), *self.retention_of.items())
            if kept < timedelta(days=1)
        ]
        if self.kind is StoreKind.LOCAL:
            return [*problems, 'hosts belong to "kind: elasticsearch"'] if self.hosts else problems
        problems += [] if self.hosts else ['"kind: elasticsearch" needs hosts, such as ["https://es1.example:9200"]']
        if bool(self.user) != (self.password_file is not None):
            problems.append("user and password_file belong together")
        if self.user and self.api_key_file is not None:
            problems.append("api_key_file and user are each another way in: take one")
        for host in self.hosts:
            problems += _host_problems(host, with_secret=bool(self.api_key_file or self.password_file))
        if not _NAMESPACE.fullmatch(self.namespace):
            problems.append(
                f'namespace "{self.namespace}" may hold only a-z, 0-9, "." and "_", and begins with a letter or digit'
            )
        return problems


def _host_problems(host: str, *, with_secret: bool) -> list[str]:
    try:
        url = urlsplit(host)
        name, _ = url.hostname, url.port
    except ValueError as error:
        return [f'host "{host}": {error}']
    if url.scheme not in ("http", "https") or not name:
        return [f'host "{host}" is not an address such as "https://es1.example:9200"']
    if url.username or url.password:
        return [
            f'host of "{name}" carries a password: name a file in password_file, or with an API key in api_key_file, instead'
        ]
    if with_secret and url.scheme == "http" and not _loopback(name):
        return [f'host "{host}" would get the API key or password unencrypted: use https']
    return []


def _loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
