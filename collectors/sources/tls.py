"""Certificate files in, the TLS context of a listener out; read anew where they changed: renewal needs no restart.

TLS 1.2 and newer (RFC 9325 §3.1.1), Python's default ciphers. `client_ca`: who connects must show a certificate that one of its
authorities signed; without it anybody may connect. `clients`: only those of them whose certificate has such a name or digest (RFC 5425 §5).
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Self

from collectors.errors import SourceError
from collectors.sources.keys import ConnectionKeys

log = logging.getLogger(__name__)


class ServerTls:
    """TLS of one listener. A renewal that cannot be read is told and the certificate before it stays in use."""

    def __init__(
        self, source: str, certificate: str, key: str, client_ca: str = "", clients: Sequence[str] = ()
    ) -> None:
        """`key`: "" where the certificate's file holds it too. Raises: SourceError, with the file that is at fault."""
        self._source = source
        self._certificate = certificate
        self._key = key
        self._client_ca = client_ca
        self._clients = frozenset(name.casefold() for name in clients)
        self._versions = self._stat()
        self._context = self._read()

    @classmethod
    def of(cls, config: ConnectionKeys) -> Self:
        """What the keys of a source ask for. Raises: SourceError."""
        certificate, key, client_ca = (str(path or "") for path in (config.certificate, config.key, config.client_ca))
        return cls(config.id, certificate, key, client_ca, config.clients)

    def permits(self, peer: ssl.SSLSocket) -> bool:
        """Whether `clients` names this peer, after its handshake; everybody where it names nobody."""
        if not self._clients:
            return True
        shown = f"sha256:{sha256(peer.getpeercert(binary_form=True) or b'').hexdigest()}"
        return not self._clients.isdisjoint((shown, *_names(peer.getpeercert())))

    def context(self) -> ssl.SSLContext:
        """The context for a connection that begins now."""
        versions = self._stat()
        if versions != self._versions:
            self._versions = versions
            try:
                self._context = self._read()
                log.info("tls certificate read anew", extra={"source": self._source, "file": self._certificate})
            except SourceError as error:
                log.error(  # noqa: TRY400  the message says it all
                    "tls certificate cannot be read anew; the one before stays",
                    extra={"source": self._source, "error": str(error)},
                )
        return self._context

    def _files(self) -> list[str]:
        return [path for path in (self._certificate, self._key, self._client_ca) if path]

    def _stat(self) -> list[tuple[int, int, int] | None]:
        """What tells one version of the files from the next; None for one that is not there (it is being replaced)."""
        found: list[tuple[int, int, int] | None] = []
        for path in self._files():
            try:
                status = os.stat(path)  # noqa: PTH116  a look at each connection
                found.append((status.st_mtime_ns, status.st_size, status.st_ino))
            except OSError:
                found.append(None)
        return found

    def _read(self) -> ssl.SSLContext:
        for path in self._files():
            try:
                with open(path, "rb"):  # noqa: PTH123  ssl's own errors do not name the file
                    pass
            except OSError as error:
                raise SourceError(f"{self._source}: {path}: {error.strerror}") from error
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.num_tickets = 0  # a sender that only writes would close with them unread, which resets what it wrote
        try:
            context.load_cert_chain(self._certificate, self._key or None, password=_no_password)
        except (ssl.SSLError, ValueError) as error:
            told = f"no certificate with its key in PEM ({error})"
            raise SourceError(f"{self._source}: {self._certificate}, {self._key or 'no key file'}: {told}") from error
        if self._client_ca:
            try:
                context.load_verify_locations(self._client_ca)
            except ssl.SSLError as error:
                raise SourceError(f"{self._source}: {self._client_ca}: no certificates in PEM ({error})") from error
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _no_password() -> str:
    """Instead of the question on the terminal that a key with a password would make OpenSSL ask."""
    raise ValueError("the key has a password; give it without")


_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "domainComponent": "DC",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "streetAddress": "STREET",
    "userId": "UID",
}
"""RFC 4514 §3; other attributes keep OpenSSL's name."""
_SPECIAL = str.maketrans({character: f"\\{character}" for character in ',+"\\<>;='})

_Certificate = Mapping[str, Any]
"""What ssl.SSLSocket.getpeercert says."""


def subject_of(certificate: _Certificate | None) -> str:
    """The subject as one line, the most specific part first (RFC 4514); "" for a peer that showed no certificate."""
    return ",".join(map(_relative, reversed((certificate or {}).get("subject", ()))))


def _relative(name: Sequence[tuple[str, str]]) -> str:
    return "+".join(f"{_SHORT.get(kind, kind)}={value.translate(_SPECIAL)}" for kind, value in name)


def _names(certificate: _Certificate | None) -> list[str]:
    """What a certificate is for: its DNS names and addresses, and the common name of its subject, in lower case."""
    shown = certificate or {}
    names = [value for _, value in shown.get("subjectAltName", ())]
    common = [value for relative in shown.get("subject", ()) for name, value in relative if name == "commonName"]
    return [name.casefold() for name in (*names, *common)]
