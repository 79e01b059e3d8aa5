"""The keys in soc.yaml that all listeners for connections share, and what of them makes no sense. Loads no TLS library."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


@dataclass(frozen=True, slots=True)
class ConnectionKeys:
    """What every source takes that listens for connections. `max_connections`, `max_peer_connections` (of one address): one more is refused
    and counted. `max_peer_rate`: records a second of one address, 0 for any; a faster sender waits.

    TLS: `certificate`, `key` (PEM; "key" may stand in the certificate's file), `client_ca`: clients must show a certificate that it signed;
    `clients`: of these, only those with one of these names (DNS name, address, common name) or "sha256:…" digests. The files are read anew
    where they changed.
    """

    id: str
    _: KW_ONLY
    max_connections: int = 1_024
    max_peer_connections: int = 256
    max_peer_rate: int = 0
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    clients: tuple[str, ...] = ()


def check_encoding(name: str) -> None:
    """Raises: ValueError for an encoding that Python does not know, or whose newline is none to who cuts lines (UTF-16)."""
    try:
        based_on_ascii = "\n".encode(name) == b"\n"
    except LookupError:
        based_on_ascii = False
    if not based_on_ascii:
        raise ValueError(f'encoding "{name}" is none of text with lines, as "utf-8" and "windows-1258" are')


def check_timezone(name: str) -> None:
    """Raises: ValueError for a time zone that is not in the IANA database; "": the site's."""
    try:
        if name:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f'timezone "{name}" is not one of the IANA database, such as "Asia/Ho_Chi_Minh"') from error


def check_keys(keys: ConnectionKeys, *, encrypted: bool) -> None:
    """Raises: ValueError where keys are there without those that they need, so that nobody believes in a check that is not done."""
    if encrypted and keys.certificate is None:
        raise ValueError('tls needs a "certificate"')
    if not encrypted and (keys.certificate or keys.key or keys.client_ca or keys.clients):
        raise ValueError('"certificate", "key", "client_ca" and "clients" are for tls')
    if keys.clients and keys.client_ca is None:
        raise ValueError('"clients" needs a "client_ca" that signed their certificates')
