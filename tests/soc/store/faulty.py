"""A gate before a real Elasticsearch node that fails on purpose: refuses requests, holds back items of a bulk, drops answers."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Gate(ThreadingHTTPServer):
    """Passes requests on to `port`. Faults are used up one a request, oldest first.

    `refuse`: statuses to answer instead of passing on. `hold_back`: numbers of items of the next bulk that get 429 and are not passed on.
    `drop`: how many bulk answers are cut off after the node did the work. `slow_s`: how long the next bulk answers are held back after it.
    `trickle_s`: how long the next bulk answers take, some bytes at a time. `most_bytes`: a larger body gets 413, as proxies say it.
    `sizes`: the bytes of each bulk, and `together`: how many there were at a time, at most.
    """

    daemon_threads = True

    def __init__(self, port: int, certificate: Path | None, listen: int = 0) -> None:
        super().__init__(("127.0.0.1", listen), _Handler)
        self.target = port
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.server_address[1]}"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.authorization: str | None = None
        self.refuse: list[int] = []
        self.hold_back: list[set[int]] = []
        self.drop = 0
        self.slow_s: list[float] = []
        self.trickle_s: list[float] = []
        self.bulks: list[int] = []
        self.most_bytes: int | None = None
        self.sizes: list[int] = []
        self.together = 0
        self.working = 0
        self.counting = threading.Lock()
        self.opened: list[Any] = []

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Every connection is let in, and remembered for the end: one that is kept alive would go on being served."""
        self.opened.append(request)
        return super().verify_request(request, client_address)


@contextmanager
def gate(port: int, certificate: Path | None = None, listen: int = 0) -> Iterator[Gate]:
    """A gate that answers, on the port `listen` (0: any free one)."""
    with Gate(port, certificate, listen) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
            for connection in server.opened:
                with suppress(OSError):  # closed before
                    connection.shutdown(socket.SHUT_RDWR)


def self_signed(folder: Path) -> Path:
    """A file with a new key and its certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test node")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
    return path


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Gate

    def _pass(self) -> None:
        gate = self.server
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        gate.authorization = self.headers.get("authorization")
        bulk = self.path.startswith("/_bulk")
        if bulk:
            gate.bulks.append(body.count(b"\n") // 2)
            gate.sizes.append(len(body))
            with gate.counting:
                gate.working += 1
                gate.together = max(gate.together, gate.working)
        try:
            self._answered(body, bulk=bulk)
        finally:
            if bulk:
                with gate.counting:
                    gate.working -= 1

    def _answered(self, body: bytes, *, bulk: bool) -> None:
        gate = self.server
        if gate.most_bytes is not None and len(body) > gate.most_bytes:
            self._answer(413, b"<html><h1>413 Request Entity Too Large</h1></html>", kind="text/html")
            return
        if gate.refuse:
            self._answer(gate.refuse.pop(0), b'{"error":{"type":"es_rejected_execution_exception","reason":"busy"}}')
            return
        held = gate.hold_back.pop(0) if bulk and gate.hold_back else set()
        lines = body.split(b"\n")
        kept = [i for i in range(len(lines) // 2) if i not in held]
        if held:
            body = b"".join(lines[2 * i] + b"\n" + lines[2 * i + 1] + b"\n" for i in kept)
        status, answer = self._ask(body)
        if bulk and gate.slow_s:
            time.sleep(gate.slow_s.pop(0))
        if bulk and gate.drop:
            gate.drop -= 1
            self.close_connection = True
            return
        trickle_s = gate.trickle_s.pop(0) if bulk and gate.trickle_s else 0
        self._answer(status, _with_held(answer, kept, held) if held else answer, trickle_s)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass  # noqa: N815  the names that the base class looks up

    def _ask(self, body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.server.target, timeout=30)
        headers = {name: self.headers[name] for name in ("content-type", "accept") if self.headers[name]}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    def _answer(
        self,
        status: int,
        body: bytes,
        trickle_s: float = 0,
        kind: str = "application/vnd.elasticsearch+json;compatible-with=8",
    ) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("x-elastic-product", "Elasticsearch")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        pieces = 8 if trickle_s else 1
        for at in range(pieces):
            time.sleep(trickle_s / pieces)
            self.wfile.write(body[len(body) * at // pieces : len(body) * (at + 1) // pieces])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name that the base class gives it
        """Silent."""


def _with_held(answer: bytes, kept: list[int], held: set[int]) -> bytes:
    document = json.loads(answer)
    items = dict(zip(kept, document["items"], strict=True))
    refused = {"create": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}}
    document["items"] = [items.get(i, refused) for i in range(len(kept) + len(held))]
    document["errors"] = True
    return json.dumps(document).encode()
