"""A site's signed heads in; the same heads on other hosts, stamped by a time stamping authority (RFC 3161), and under a new key, out."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iso27001.errors import LedgerError, ProofError
from iso27001.ledger import Fact
from iso27001.ledger.anchor import write_anchor
from iso27001.ledger.signing import Signer, public_path
from iso27001.verifier.notes import Head
from iso27001.verifier.timestamp import read_token, request, trusted, verify_token
from soc.app.site import Site
from soc.errors import SocError, UnreachableError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

STAMPED = "ledger.stamped"
"""The kind of the fact that an authority stamped a head."""

TIMEOUT_S = 20.0
ANSWER_MAX = 1 << 20

_log = logging.getLogger(__name__)


def anchor_files(site: Site) -> list[Path]:
    """Where signed heads go beside the ledger: the site's own file, then those elsewhere."""
    return [site.anchor_path, *site.config.iso.anchors]


def write_heads(site: Site, heads: Sequence[Head]) -> None:
    """Add heads to every anchor. One elsewhere that cannot be written is told in the log and gets them by `soc iso anchor`.

    Raises: LedgerError where the site's own cannot be written.
    """
    write_anchor(heads, site.anchor_path)
    for path in site.config.iso.anchors:
        try:
            write_anchor(heads, path)
        except LedgerError as error:
            _log.error("an anchor elsewhere cannot be written", extra={"anchor": str(path), "error": str(error)})


def stamps(site: Site) -> list[Path]:
    """The time stamps of heads that are kept."""
    return sorted(site.anchor_path.parent.glob("*.tsr"))


def authority(site: Site) -> Certificate | None:
    """The certificate of the authority that the site believes. Raises: SigningError."""
    path = site.config.iso.authority_certificate
    return None if path is None else trusted(path)


def stamp(site: Site, head: Head) -> Path:
    """Have the authority stamp a head, verify the stamp, keep it, and tell it in the ledger.

    Raises: SocError without an authority, UnreachableError, ProofError for an answer that proves nothing; then nothing was kept.
    """
    certificate = authority(site)
    if not site.config.iso.authority or certificate is None:
        raise SocError("no time stamping authority is configured (iso.authority)")
    note = head.note.encode()
    answer = _ask(site.config.iso.authority, request(note, secrets.randbits(63)))
    token = read_token(answer)
    time = verify_token(token, note, certificate)
    path = site.anchor_path.parent / f"{head.size:012d}-{token.imprint.hex()[:16]}.tsr"
    _keep(path, answer)
    body = {"size": head.size, "root": head.root.hex(), "imprint": token.imprint.hex(), "stamped": time}
    site.ledger.append([Fact(f"{STAMPED}/{token.imprint.hex()}", STAMPED, site.clock(), "engine", body)])
    return path


def rotate_key(site: Site) -> tuple[str, str]:
    """A new key for the ledger, told in it under a last head of the old one; the fingerprints of both. The old private key is gone after.

    The new key is on the disk before the ledger names it: after a crash in between the next call goes on where this one was.
    Raises: SigningError, LedgerError, SocError.
    """
    key = site.config.data / "keys" / "ledger.key"
    coming = key.with_name("ledger.next.key")
    now, ledger, old = site.clock(), site.ledger, site.public_key
    successor = Signer.load_or_create(coming)
    last = ledger.last_head()
    moment = max(now, last.time) if last else now
    told = ledger.by_id(f"ledger.key-rotated/{successor.public.fingerprint}")
    if told is None:
        write_heads(site, [ledger.rotate(successor, moment)])
    try:
        public_path(key).replace(key.with_name(f"ledger.{old.fingerprint[:16]}.pub"))
        coming.replace(key)
        public_path(coming).replace(public_path(key))
    except OSError as error:
        raise SocError(f"{key}: the new key cannot take its place: {error.strerror}; call this again") from error
    return old.fingerprint, successor.public.fingerprint


def _ask(url: str, query: bytes) -> bytes:
    import urllib3

    headers = {"Content-Type": "application/timestamp-query"}
    try:
        with urllib3.PoolManager(retries=False) as pool:
            answer = pool.request("POST", url, body=query, headers=headers, timeout=TIMEOUT_S, preload_content=False)
            content = answer.read(ANSWER_MAX + 1)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnreachableError(f"{url} does not answer: {error}") from error
    if answer.status != 200 or len(content) > ANSWER_MAX:
        raise ProofError(f"{url} answers with status {answer.status} and {len(content)} bytes")
    return content


def _keep(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise SocError(f"{path} cannot be written: {error.strerror}") from error
