"""The keys of a source in soc.yaml that say how its listener is encrypted, and what of them makes no sense. Loads no TLS library."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class TlsKeys(Protocol):
    """The keys of a source in soc.yaml that say how its listener is encrypted."""

    @property
    def id(self) -> str: ...
    @property
    def certificate(self) -> Path | None: ...
    @property
    def key(self) -> Path | None: ...
    @property
    def client_ca(self) -> Path | None: ...
    @property
    def clients(self) -> tuple[str, ...]: ...


def check_encoding(name: str) -> None:
    """Raises: ValueError for an encoding that Python does not know, or whose newline is none to who cuts lines (UTF-16)."""
    try:
        based_on_ascii = "\n".encode(name) == b"\n"
    except LookupError:
        based_on_ascii = False
    if not based_on_ascii:
        raise ValueError(f'encoding "{name}" is none of text with lines, as "utf-8" and "windows-1258" are')


def check_keys(keys: TlsKeys, *, encrypted: bool) -> None:
    """Raises: ValueError where keys are there without those that they need, so that nobody believes in a check that is not done."""
    if encrypted and keys.certificate is None:
        raise ValueError('tls needs a "certificate"')
    if not encrypted and (keys.certificate or keys.key or keys.client_ca or keys.clients):
        raise ValueError('"certificate", "key", "client_ca" and "clients" are for tls')
    if keys.clients and keys.client_ca is None:
        raise ValueError('"clients" needs a "client_ca" that signed their certificates')
