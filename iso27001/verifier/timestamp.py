"""RFC 3161: a hash in, a request for a time stamp out; a token and an authority's certificate in, the time that it attests out.

Written here, over a small reader of DER (X.690), because what verifies must need nothing but `cryptography`. Tokens signed with RSA
(PKCS #1 v1.5) or ECDSA over SHA-2 are read; others are refused by name. Trust is the certificate that the caller hands over, and nothing
else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings

from iso27001.errors import ProofError, SigningError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hashes import HashAlgorithm
    from cryptography.x509 import Certificate

_SHA256 = bytes.fromhex("0609608648016503040201")
_HASHES = {
    bytes.fromhex("608648016503040201"): "SHA256",
    bytes.fromhex("608648016503040202"): "SHA384",
    bytes.fromhex("608648016503040203"): "SHA512",
}
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_CHAIN_MAX = 6
_SEQUENCE, _SET, _INTEGER, _OCTETS, _OID, _TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18


@dataclass(frozen=True, slots=True)
class _Node:
    """One element of DER: its tag, its content, and the whole of it."""

    tag: int
    content: bytes
    whole: bytes

    def children(self) -> list[_Node]:
        return list(_nodes(self.content))


@dataclass(frozen=True, slots=True)
class Token:
    """What a token says, before anybody believed it: over which SHA-256, at what time, by which authority (its certificates)."""

    imprint: bytes
    time: datetime
    info: bytes
    attributes: bytes
    digest: str
    signature: bytes
    certificates: tuple[Certificate, ...]


def request(message: bytes, nonce: int) -> bytes:
    """The DER of a TimeStampReq over SHA-256 of a message (RFC 3161 section 2.4.1), which asks for the authority's certificate."""
    algorithm = _der(_SEQUENCE, _SHA256 + b"\x05\x00")
    imprint = _der(_SEQUENCE, algorithm + _der(_OCTETS, sha256(message).digest()))
    number = nonce.to_bytes(nonce.bit_length() // 8 + 1, "big")
    return _der(_SEQUENCE, b"\x02\x01\x01" + imprint + _der(_INTEGER, number) + b"\x01\x01\xff")


def read_token(answer: bytes) -> Token:
    """The token of a TimeStampResp, or a bare token. Raises: ProofError."""
    try:
        parts = _one(answer).children()
        if parts and parts[0].tag == _SEQUENCE:
            status = parts[0].children()[0]
            if int.from_bytes(status.content, "big") > 1 or len(parts) < 2:
                raise ProofError(f"the authority refused: status {int.from_bytes(status.content, 'big')}")
            parts = parts[1].children()
        return _signed_data(parts)
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise ProofError(f"not a time stamp token: {error!r}") from error


def verify_token(token: Token, message: bytes, authority: Certificate) -> datetime:
    """The time at which the authority attests that `message` existed. Raises: ProofError, which says why not."""
    if token.imprint != sha256(message).digest():
        raise ProofError("the token is of another message")
    try:
        signer = next((cert for cert in (*token.certificates, authority) if _made(token, cert)), None)
        if signer is None:
            raise ProofError("no certificate of the token bears out its signature")
        _for_time_stamping(signer)
        _issued_by(signer, token.certificates, authority)
    except ValueError as error:
        raise ProofError(f"a certificate of the token cannot be read: {error}") from error
    for cert in {signer, authority}:
        if not cert.not_valid_before_utc <= token.time <= cert.not_valid_after_utc:
            raise ProofError(
                f"the certificate {cert.subject.rfc4514_string()} was not valid at {token.time.isoformat()}"
            )
    return token.time


def _signed_data(content_info: list[_Node]) -> Token:
    kind, explicit = content_info
    if kind.content != _SIGNED_DATA:
        raise ValueError("no SignedData")
    _, _, encapsulated, *others = _one(explicit.content).children()
    content_type, octets = encapsulated.children()
    if content_type.content != _TST_INFO:
        raise ValueError("no TSTInfo inside")
    info = _one(octets.content).content
    _, _, imprint, _, time, *_ = _one(info).children()
    algorithm, digest = imprint.children()
    if algorithm.children()[0].content not in _HASHES or len(digest.content) != 32:
        raise ValueError("an imprint by SHA-256 is expected")
    certificates = next((node for node in others if node.tag == 0xA0), None)
    signers = next(node for node in others if node.tag == _SET).children()
    if len(signers) != 1:
        raise ValueError("one signer is expected")
    _, _, digest_algorithm, *rest = signers[0].children()
    attributes = next(node for node in rest if node.tag == 0xA0)
    _check_attributes(attributes, info, _HASHES[digest_algorithm.children()[0].content])
    return Token(
        imprint=digest.content,
        time=_moment(time.content.decode("ascii")),
        info=info,
        attributes=_der(_SET, attributes.content),
        digest=_HASHES[digest_algorithm.children()[0].content],
        signature=next(node for node in rest if node.tag == _OCTETS).content,
        certificates=tuple(_certificate(node.whole) for node in (certificates.children() if certificates else ())),
    )


def trusted(path: Path) -> Certificate:
    """The certificate (PEM) of an authority that is believed. Raises: SigningError."""
    from cryptography.x509 import InvalidVersion, load_pem_x509_certificate

    try:
        return load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError, InvalidVersion) as error:
        raise SigningError(f"{path}: cannot be read as a certificate: {error}") from error


def _certificate(raw: bytes) -> Certificate:
    from cryptography.x509 import InvalidVersion, load_der_x509_certificate

    try:
        with catch_warnings(action="ignore"):  # of numbers that RFC 5280 forbids, which are refused here
            found = load_der_x509_certificate(raw)
            if found.serial_number <= 0:
                raise ValueError(f"the serial number {found.serial_number}")
    except InvalidVersion as error:  # no ValueError, as all else that may be wrong with it
        raise ValueError(str(error)) from error
    return found


def _check_attributes(attributes: _Node, info: bytes, digest: str) -> None:
    """RFC 5652 section 5.4: the signed attributes name the type and the hash of what is signed."""
    found = {}
    for attribute in attributes.children():
        kind, value_set = attribute.children()
        found[kind.content] = value_set.children()[0].content
    if found.get(_CONTENT_TYPE) != _TST_INFO or found.get(_MESSAGE_DIGEST) != _hashed(info, digest):
        raise ValueError("what is signed is not what is inside")


def _hashed(content: bytes, digest: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import Hash

    made = Hash(_algorithm(digest))
    made.update(content)
    return made.finalize()


def _algorithm(digest: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    return {"SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512()}[digest]


def _made(token: Token, cert: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        key = cert.public_key()
        if isinstance(key, RSAPublicKey):
            key.verify(token.signature, token.attributes, PKCS1v15(), _algorithm(token.digest))
        elif isinstance(key, EllipticCurvePublicKey):
            key.verify(token.signature, token.attributes, ECDSA(_algorithm(token.digest)))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _for_time_stamping(cert: Certificate) -> None:
    """RFC 3161 section 2.3: the one extended use of the key is time stamping."""
    from cryptography import x509

    try:
        uses = list(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        uses = []
    if uses != [x509.oid.ExtendedKeyUsageOID.TIME_STAMPING]:
        raise ProofError("the certificate is not one for time stamping")


def _issued_by(cert: Certificate, between: tuple[Certificate, ...], authority: Certificate) -> None:
    for _ in range(_CHAIN_MAX):
        if cert == authority or _issued(cert, authority):
            return
        issuer = next((other for other in between if other != cert and _issued(cert, other)), None)
        if issuer is None:
            break
        cert = issuer
    raise ProofError("the token's certificate does not lead to the authority that was given")


def _issued(cert: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        cert.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _moment(text: str) -> datetime:
    """GeneralizedTime of RFC 3161: YYYYMMDDhhmmss[.f...]Z."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if (
        not text.endswith("Z")
        or len(whole) != 14
        or not (whole + fraction).isascii()
        or not (whole + fraction).isdigit()
    ):
        raise ValueError(f"not a time: {text}")
    return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(microsecond=int(fraction[:6].ljust(6, "0")), tzinfo=UTC)


def _der(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _one(raw: bytes) -> _Node:
    return next(_nodes(raw))


def _nodes(raw: bytes) -> Iterator[_Node]:
    at = 0
    while at < len(raw):
        start = at
        if at + 2 > len(raw) or raw[at] & 0x1F == 0x1F:
            raise ValueError("DER ends early, or has a long tag")
        tag, size, at = raw[at], raw[at + 1], at + 2
        if size & 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise ValueError("DER of no definite length")
            size, at = int.from_bytes(raw[at : at + count], "big"), at + count
        if at + size > len(raw):
            raise ValueError("DER ends early")
        yield _Node(tag, raw[at : at + size], raw[start : at + size])
        at += size
