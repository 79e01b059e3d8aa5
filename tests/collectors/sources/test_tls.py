"""TLS contexts: what is refused, what is required of clients, and renewal while running."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from pathlib import Path

import pytest

from collectors.errors import SourceError
from collectors.sources.tls import ServerTls

from .certificates import Authority


def shake_hands(server: ServerTls, client: ssl.SSLContext) -> str:
    """The serial number of the certificate that the server shows. Raises: ssl.SSLError of whichever side refuses."""
    ours, theirs = socket.socketpair()
    refused: list[ssl.SSLError] = []

    def serve() -> None:
        try:
            with server.context().wrap_socket(ours, server_side=True) as wrapped:
                wrapped.sendall(b".")
        except ssl.SSLError as error:
            refused.append(error)
            ours.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(theirs, server_hostname="soc.example") as wrapped:
            wrapped.recv(1)
            shown = wrapped.getpeercert()
    finally:
        thread.join(10)
        theirs.close()
    if refused:
        raise refused[0]
    assert shown is not None
    return str(shown["serialNumber"])


def trusting(authority: Authority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority.file)


def test_a_certificate_is_renewed_without_a_restart_and_a_bad_renewal_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("soc.example")
    server = ServerTls("s", certificate, key)
    first = shake_hands(server, trusting(authority))
    assert shake_hands(server, trusting(authority)) == first
    with caplog.at_level(logging.ERROR):
        Path(certificate).write_text("half written")
        assert shake_hands(server, trusting(authority)) == first
    assert "cannot be read anew" in caplog.text
    authority.issue("soc.example")
    assert shake_hands(server, trusting(authority)) != first


def test_with_client_ca_only_its_clients_are_let_in(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    server = ServerTls("s", *authority.issue("soc.example"), client_ca=str(authority.file))
    with pytest.raises(ssl.SSLError):
        shake_hands(server, trusting(authority))
    for signer, name, days in ((stranger, "other", 2), (authority, "late", -1)):
        client = trusting(authority)
        client.load_cert_chain(*signer.issue(name, days=days))
        with pytest.raises(ssl.SSLError):
            shake_hands(server, client)
    client = trusting(authority)
    client.load_cert_chain(*authority.issue("sender"))
    assert shake_hands(server, client)


def test_tls_before_1_2_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = ServerTls("s", *authority.issue("soc.example"))
    client = trusting(authority)
    client.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        client.minimum_version = client.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        shake_hands(server, client)


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("soc.example")
    other = Authority(tmp_path, "two").issue("other")[1]
    (tmp_path / "nonsense").write_text("nonsense")
    for files in (
        (str(tmp_path / "absent"), key),
        (certificate, str(tmp_path / "absent")),
        (certificate, other),
        (str(tmp_path / "nonsense"), ""),
        (certificate, key, str(tmp_path / "nonsense")),
    ):
        with pytest.raises(SourceError, match=r"^s: .*(absent|soc\.example\.crt|nonsense)"):
            ServerTls("s", *files)
