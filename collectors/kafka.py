"""Where brokers are and how to speak to them, as librdkafka wants it said; for the source and the journal.

Source of truth: librdkafka's CONFIGURATION.md.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

Keys = dict[str, str | int | float | bool]


class Brokers(Protocol):
    """What a configuration says of its brokers.

    `servers`: brokers to begin with, "host:9092". `tls`: encrypted, with `ca_file` to trust instead of the system's authorities, and
    `certificate` and `key` (PEM) to show. `user` and `password_file`: SASL by `mechanism`.
    """

    @property
    def servers(self) -> tuple[str, ...]: ...
    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def certificate(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def user(self) -> str: ...
    @property
    def password_file(self) -> Path | None: ...
    @property
    def mechanism(self) -> str: ...


def check(brokers: Brokers) -> None:
    """Raises: ValueError for what does not go together."""
    if bool(brokers.user) != bool(brokers.password_file):
        raise ValueError('"user" and "password_file" go together')
    if not brokers.tls and (brokers.ca_file or brokers.certificate or brokers.key):
        raise ValueError('"ca_file", "certificate" and "key" are for tls')
    if brokers.user and brokers.mechanism == "PLAIN" and not brokers.tls:
        raise ValueError("a password in PLAIN needs tls")


def keys_of(brokers: Brokers) -> Keys:
    """Keys for any client of these brokers. Raises: OSError, UnicodeDecodeError for a password that cannot be read."""
    keys: Keys = {
        "bootstrap.servers": ",".join(brokers.servers),
        "security.protocol": ("SASL_" if brokers.user else "") + ("SSL" if brokers.tls else "PLAINTEXT"),
    }
    named = {
        "ssl.ca.location": brokers.ca_file,
        "ssl.certificate.location": brokers.certificate,
        "ssl.key.location": brokers.key,
    }
    keys |= {name: str(path) for name, path in named.items() if path is not None}
    if brokers.password_file is not None:
        password = brokers.password_file.read_text("utf-8").strip()
        keys |= {"sasl.mechanism": brokers.mechanism, "sasl.username": brokers.user, "sasl.password": password}
    return keys
