"""RFC 3161 against a real authority: `openssl ts` answers our requests, and what it answers is believed only as far as it goes."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography.x509 import Certificate, load_pem_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iso27001.errors import ProofError, SigningError
from iso27001.ledger import Fact
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.packing import PackFile, write_pack
from iso27001.verifier.pack import verify_pack
from iso27001.verifier.timestamp import read_token, request, trusted, verify_token
from iso27001.verifier.verdict import FaultKind

MESSAGE = b"test/ledger\n3\nroot\n"
CONFIG = """
[tsa]
default_tsa = here
[here]
serial = {root}/serial
signer_cert = {root}/tsa.pem
signer_key = {root}/tsa.key
certs = {root}/ca.pem
signer_digest = {digest}
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1
ordering = yes
[ca]
basicConstraints = critical,CA:true
[stamp]
extendedKeyUsage = critical,timeStamping
[server]
extendedKeyUsage = serverAuth,timeStamping
"""


class Authority:
    """A certificate authority with a time stamping service below it."""

    def __init__(self, root: Path, *, key: tuple[str, ...], digest: str = "sha256", use: str = "stamp") -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.config = root, root / "openssl.cnf"
        self.config.write_text(CONFIG.format(root=root, digest=digest))
        (root / "serial").write_text("01\n")
        self._run("genpkey", *key, "-out", "ca.key")
        self._run("req", "-x509", "-new", "-key", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "30")
        self._run("genpkey", *key, "-out", "tsa.key")
        self._run("req", "-new", "-key", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-out", "tsa.pem")
        self._run("x509", "-req", "-in", "tsa.csr", *signed, "-extfile", "openssl.cnf", "-extensions", use)

    @property
    def certificate(self) -> Certificate:
        return load_pem_x509_certificate((self.root / "ca.pem").read_bytes())

    def answer(self, query: bytes) -> bytes:
        (self.root / "query.tsq").write_bytes(query)
        self._run("ts", "-reply", "-config", "openssl.cnf", "-queryfile", "query.tsq", "-out", "answer.tsr")
        return (self.root / "answer.tsr").read_bytes()

    def _run(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.root, check=True, capture_output=True)


RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
EC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    assert shutil.which("openssl"), "openssl is a peer of the tests (.ci/run installs it)"
    return Authority(tmp_path_factory.mktemp("tsa"), key=EC)


@lru_cache(maxsize=4)
def answered(authority: Authority) -> bytes:
    return authority.answer(request(MESSAGE, 42))


def test_a_token_attests_that_a_head_existed(authority: Authority) -> None:
    token = read_token(answered(authority))
    attested = verify_token(token, MESSAGE, authority.certificate)
    assert abs(attested - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize(("key", "digest"), [(RSA, "sha256"), (RSA, "sha512"), (EC, "sha384")])
def test_authorities_of_other_keys_and_hashes_are_read(tmp_path: Path, key: tuple[str, ...], digest: str) -> None:
    other = Authority(tmp_path / "tsa", key=key, digest=digest)
    token = read_token(other.answer(request(MESSAGE, 2**63)))
    assert verify_token(token, MESSAGE, other.certificate)


def test_openssl_reads_the_request_and_verifies_what_we_verify(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "head").write_bytes(MESSAGE)
    (tmp_path / "answer.tsr").write_bytes(answered(authority))
    command = ("ts", "-verify", "-data", "head", "-in", "answer.tsr", "-CAfile", str(authority.root / "ca.pem"))
    done = subprocess.run(["openssl", *command], cwd=tmp_path, capture_output=True, text=True)
    assert "Verification: OK" in done.stdout + done.stderr


def test_a_token_of_another_message_or_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    token = read_token(answered(authority))
    with pytest.raises(ProofError, match="of another message"):
        verify_token(token, MESSAGE + b"x", authority.certificate)
    stranger = Authority(tmp_path / "tsa", key=EC)
    with pytest.raises(ProofError, match="does not lead to the authority"):
        verify_token(token, MESSAGE, stranger.certificate)


def test_a_certificate_for_something_else_stamps_nothing(tmp_path: Path, authority: Authority) -> None:
    token = read_token(answered(authority))
    ca = load_pem_x509_certificate((authority.root / "ca.pem").read_bytes())
    with pytest.raises(ProofError, match="no certificate of the token"):
        verify_token(
            type(token)(**{**{f: getattr(token, f) for f in token.__slots__}, "certificates": (ca,)}), MESSAGE, ca
        )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_changed_byte_is_believed_and_none_breaks_the_reader(authority: Authority, data: st.DataObject) -> None:
    answer = bytearray(answered(authority))
    at = data.draw(st.integers(0, len(answer) - 1))
    answer[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(answer)) | st.just(len(answer)))
    try:
        attested = verify_token(read_token(bytes(answer[:cut])), MESSAGE, authority.certificate)
    except ProofError:
        return
    whole = read_token(answered(authority))
    assert attested == verify_token(whole, MESSAGE, authority.certificate)  # a byte that says nothing of the time


def test_a_certificate_of_a_version_that_there_is_not_is_refused(authority: Authority) -> None:
    answer = answered(authority)
    third, fourth = bytes.fromhex("a003020102"), bytes.fromhex("a003020103")
    assert third in answer
    with pytest.raises(ProofError):
        read_token(answer.replace(third, fourth))


def test_a_file_that_is_no_certificate_that_can_be_believed_is_named(authority: Authority, tmp_path: Path) -> None:
    whole = pem_bytes(authority.root / "ca.pem")
    path = tmp_path / "ca.pem"
    for wrong in (b"", b"no certificate", whole.replace(bytes.fromhex("a003020102"), bytes.fromhex("a003020103"))):
        path.write_text(f"-----BEGIN CERTIFICATE-----\n{b64encode(wrong).decode()}\n-----END CERTIFICATE-----\n")
        with pytest.raises(SigningError, match=r"ca\.pem: cannot be read as a certificate"):
            trusted(path)
    with pytest.raises(SigningError, match="none"):
        trusted(tmp_path / "none")


def pem_bytes(path: Path) -> bytes:
    return b64decode("".join(line for line in path.read_text().splitlines() if "-----" not in line))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_token_or_refused(raw: bytes) -> None:
    with pytest.raises(ProofError):
        read_token(raw)


def test_a_refusal_of_the_authority_is_told(authority: Authority) -> None:
    broken = request(MESSAGE, 1).replace(
        bytes.fromhex("0609608648016503040201"), bytes.fromhex("0609608648016503040202")
    )
    with pytest.raises(ProofError, match=r"refused: status 2|not a time stamp token"):
        read_token(authority.answer(broken))


def test_a_pack_with_a_stamped_head_is_anchored_by_it(authority: Authority, tmp_path: Path) -> None:
    signer, pack = Signer.load_or_create(tmp_path / "key"), tmp_path / "pack.zip"
    noon = datetime(2026, 11, 22, 5, tzinfo=UTC)
    with Ledger.open(tmp_path / "ledger.db", signer=signer, origin="test/ledger") as ledger:
        ledger.append([Fact("note/0", "note", noon, "engine", {})])
        head = ledger.sign(noon)
        ledger.append([Fact("note/1", "note", noon, "engine", {})])
        ledger.sign(noon)
        answer = authority.answer(request(head.note.encode(), 7))
        files = [PackFile("anchors/1.tsr", answer)]
        write_pack(pack, ledger, signer, files, scope="", since=noon, until=noon)
        verdict = verify_pack(pack, signer.public, authority=authority.certificate)
        assert (verdict.sound, verdict.anchored, verdict.signed) == (True, 1, 2)
        assert verdict.stamped is not None
        files = [PackFile("anchors/1.tsr", answered(authority))]
        write_pack(pack, ledger, signer, files, scope="", since=noon, until=noon)
    verdict = verify_pack(pack, signer.public, authority=authority.certificate)
    assert [fault.kind for fault in verdict.faults] == [FaultKind.BAD_TOKEN]
    assert verdict.anchored == 0
