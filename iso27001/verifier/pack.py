"""An evidence pack in, a `Verdict` out: its manifest, its signature, its files and its part of the ledger, held against each other.

A pack is a ZIP. `manifest.json` lists every other file with its SHA-256; `manifest.note` signs it; `heads.txt` holds the signed heads
of the ledger, `leaves.bin` the leaf hash of every entry (32 bytes each), `entries.ndjson` the entries that are disclosed, one a line. A
file that names an entry in the manifest (a raw event, a document) is what that entry speaks of: its SHA-256 stands in the entry's bytes.
`evidence` in the manifest tells of each piece where it stood and who had it in hands (iso27001.verifier.custody), as its entries say.
"""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING

from iso27001.errors import PackError, SigningError
from iso27001.verifier import merkle
from iso27001.verifier.checking import Check, Found, Group, examine, in_this_process
from iso27001.verifier.custody import moment, told
from iso27001.verifier.notes import PublicKey, read_manifest_note, read_notes
from iso27001.verifier.verdict import FaultKind, Verdict

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SCHEMA = "soc-evidence-pack/1"
MANIFEST, NOTE, HEADS, LEAVES, ENTRIES = "manifest.json", "manifest.note", "heads.txt", "leaves.bin", "entries.ndjson"
TOKENS = "anchors/"
"""Where the time stamps of heads lie (`*.tsr`)."""
GROUP = 2000
"""Entries that are checked together."""
MANY = 100_000
"""Entries from which on all cores are used: starting a process costs as much as some thousands of them."""
CHUNK = 1 << 20
MANIFEST_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the manifest says of a file. `entry`: the ledger entry that speaks of it, -1 for none."""

    size: int
    sha256: str
    entry: int


def verify_pack(
    path: Path,
    key: PublicKey,
    *,
    anchors: Sequence[str] = (),
    printed: Sequence[tuple[int, bytes]] = (),
    authority: Certificate | None = None,
) -> Verdict:
    """Check a pack with the public key, the texts of anchor files, roots (size, root) read off paper, and a time stamping authority.

    Raises: PackError for what is no pack at all; whatever else is wrong is a fault of the verdict.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Pack(archive, key, authority).verdict(anchors, printed)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise PackError(f"{path}: cannot be read as a pack: {error}") from error


class _Pack:
    def __init__(self, archive: zipfile.ZipFile, key: PublicKey, authority: Certificate | None) -> None:
        self._archive, self._authority = archive, authority
        raw = self._whole(MANIFEST)
        try:
            manifest = json.loads(raw)
            if manifest["schema"] != SCHEMA:
                raise PackError(f"a pack of {manifest['schema']!r}, not of {SCHEMA}")
            self._listed = {
                str(each["path"]): _Listed(int(each["bytes"]), str(each["sha256"]), int(each.get("entry", -1)))
                for each in manifest["files"]
            }
            self._ranges = [(int(first), int(count)) for first, count in manifest["disclosed"]]
            self._made = moment(manifest["made"])
            self._evidence = {str(each["id"]): each for each in manifest["evidence"]}
            self._check = Check(key, str(manifest["origin"]))
        except (ValueError, KeyError, TypeError) as error:
            raise PackError(f"{MANIFEST} is no manifest of a pack: {error!r}") from error
        self._manifest_hash = sha256(raw).hexdigest()

    def verdict(self, anchors: Sequence[str], printed: Sequence[tuple[int, bytes]]) -> Verdict:
        check = self._check
        for text in anchors:
            check.anchor(text)
        check.printed += printed
        self._names()
        spoken_of = self._files()
        for head in self._heads():
            check.head(head)
        self._entries(spoken_of)
        self._custody()
        self._signature()
        return check.verdict()

    # --- files

    def _names(self) -> None:
        """Every file is listed once, and every listed file is there."""
        names = self._archive.namelist()
        for name in sorted(set(names) - set(self._listed) - {MANIFEST, NOTE}):
            self._check.fault(FaultKind.FILE_UNKNOWN, f"{name[:200]!r} is not in the manifest")
        for name in sorted({name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else ()):
            self._check.fault(FaultKind.FILE_UNKNOWN, f"{name[:200]!r} is there more than once")
        for name in sorted({*self._listed, NOTE} - set(names)):
            self._check.fault(FaultKind.FILE_MISSING, f"{name[:200]!r} is gone")

    def _files(self) -> Mapping[int, list[tuple[str, str]]]:
        """Hash every file anew; by entry the files (name, SHA-256) that it should speak of."""
        spoken_of: dict[int, list[tuple[str, str]]] = {}
        for name, about in self._listed.items():
            if about.entry >= 0:
                spoken_of.setdefault(about.entry, []).append((name, about.sha256))
            if name == ENTRIES or name not in self._archive.NameToInfo:
                continue  # the entries are hashed as they are read
            digest, size = sha256(), 0
            with self._opened(name) as file:
                while block := file.read(CHUNK):
                    digest.update(block)
                    size += len(block)
                    if size > about.size:
                        break
            self._hashed(name, digest.hexdigest(), size)
        self._check.checked["files"] = len(self._listed)
        return spoken_of

    def _hashed(self, name: str, digest: str, size: int) -> None:
        about = self._listed[name]
        if (digest, size) != (about.sha256, about.size):
            self._check.fault(FaultKind.FILE_CHANGED, f"{name[:200]!r} is not what the manifest lists")

    def _opened(self, name: str) -> IO[bytes]:
        return self._archive.open(name)

    def _whole(self, name: str, limit: int = MANIFEST_MAX) -> bytes:
        try:
            with self._opened(name) as file:
                raw = file.read(limit + 1)
        except KeyError:
            return b""
        if len(raw) > limit:
            raise PackError(f"{name} is longer than any pack needs")
        return raw

    def _heads(self) -> list[str]:
        heads, foreign = read_notes(self._whole(HEADS).decode("utf-8", "replace"))
        for text in foreign:
            self._check.fault(FaultKind.HEAD_UNREADABLE, f"{HEADS} holds what is no signed head: {text[:60]!r}")
        if self._authority is not None:
            for name in sorted(name for name in self._listed if name.startswith(TOKENS) and name.endswith(".tsr")):
                self._check.token(name, self._whole(name), self._authority)
        return [head.note for head in heads]

    def _signature(self) -> None:
        """The manifest is that which was signed, by the key or by one of its chain."""
        text = self._whole(NOTE).decode("utf-8", "replace")
        if not text:
            return  # told as a missing file
        try:
            note = read_manifest_note(text)
        except SigningError as error:
            self._check.fault(FaultKind.MANIFEST_CHANGED, str(error))
            return
        if note.origin != self._check.origin:
            self._check.fault(FaultKind.OTHER_ORIGIN, f'the manifest was signed for the ledger "{note.origin}"')
        elif not any(term.key.signed(note) for term in self._check.chain()):
            self._check.fault(FaultKind.FOREIGN_KEY, f"the manifest was signed by another key ({note.key_id.hex()})")
        elif note.sha256 != self._manifest_hash:
            self._check.fault(FaultKind.MANIFEST_CHANGED, "the manifest is not the one that was signed")

    # --- the ledger

    def _entries(self, spoken_of: Mapping[int, Sequence[tuple[str, str]]]) -> None:
        leaves = self._whole(LEAVES, limit=1 << 40)
        self._check.tree(_split(leaves))
        expected = (
            leaves[32 * seq : 32 * seq + 32] for first, count in self._ranges for seq in range(first, first + count)
        )
        speak: set[str] = set()

        def watched() -> Iterator[Group]:
            for seqs, raws in self._groups():
                if spoken_of:
                    for seq, raw in zip(seqs, raws, strict=True):
                        speak.update(name for name, digest in spoken_of.get(seq, ()) if digest.encode() in raw)
                yield seqs, raws

        many = sum(count for _, count in self._ranges) >= MANY
        if not self._check.entries(watched(), expected, examined=_in_processes if many else in_this_process):
            found = [
                (seq, merkle.leaf_hash(raw))
                for seqs, raws in self._groups()
                for seq, raw in zip(seqs, raws, strict=True)
            ]
            should = [
                leaves[32 * s : 32 * s + 32] for first, count in self._ranges for s in range(first, first + count)
            ]
            self._check.differences(found, should)
        for seq, files in spoken_of.items():
            for name, _ in files:
                if name not in speak:
                    told = f"{name[:200]!r}: entry {seq} does not speak of it"
                    self._check.fault(FaultKind.FILE_NOT_BORNE_OUT, told, seq)
        if spoken_of:
            self._check.checked["raw events and documents held against their entries"] = len(speak)

    def _custody(self) -> None:
        """What the manifest tells of evidence, held against the entries: where it stands, through whose hands it went, by which hash."""
        found = told(self._check.evidence, self._made)
        for evidence_id, line in self._evidence.items():
            entries = found.get(evidence_id)
            if entries != line:
                text = (
                    f"{evidence_id[:200]!r}: the manifest tells of its state and custody otherwise than the entries do"
                )
                self._check.fault(FaultKind.EVIDENCE_MISTOLD, text)
            if entries is not None and entries["fault"]:
                text = f"{evidence_id[:200]!r}: its custody: {entries['fault']}"
                self._check.fault(FaultKind.CUSTODY_BROKEN, text, entries["entry"])
        if self._evidence:
            self._check.checked["evidence whose state and custody were held against the entries"] = len(self._evidence)

    def _groups(self) -> Iterator[tuple[list[int], list[bytes]]]:
        """The disclosed entries with their numbers; more lines than numbers are numbered on."""
        numbers = _numbers(self._ranges)
        digest, size, rest = sha256(), 0, b""
        pending: list[bytes] = []
        if ENTRIES not in self._archive.NameToInfo:
            return
        with self._opened(ENTRIES) as file:
            while block := file.read(CHUNK):
                digest.update(block)
                size += len(block)
                *lines, rest = (rest + block).split(b"\n")
                pending += lines
                while len(pending) >= GROUP:
                    yield [next(numbers) for _ in range(GROUP)], pending[:GROUP]
                    del pending[:GROUP]
        if rest:
            pending.append(rest)
        if pending:
            yield [next(numbers) for _ in pending], pending
        if ENTRIES in self._listed:
            self._hashed(ENTRIES, digest.hexdigest(), size)


def _examine_apart(raws: Sequence[bytes]) -> Found:
    """`examine` without the facts, which nobody of a pack asks for and which would travel back."""
    return examine(raws)._replace(facts=[])


def _in_processes(groups: Iterable[Group]) -> Iterator[tuple[Group, Found]]:
    """`examine` of each group, in their order, on all cores; a few groups at a time are on their way. They make no cycles."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn"), initializer=gc.disable) as pool:
        waiting: deque[tuple[Group, Future[Found]]] = deque()
        for group in groups:
            waiting.append((group, pool.submit(_examine_apart, group[1])))
            if len(waiting) > 4 * cores:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()


def _numbers(ranges: Sequence[tuple[int, int]]) -> Iterator[int]:
    seq = -1
    for first, count in ranges:
        for seq in range(first, first + count):
            yield seq
    while True:
        seq += 1
        yield seq


def _split(leaves: bytes) -> Iterator[bytes]:
    return (leaves[n : n + 32] for n in range(0, len(leaves) - len(leaves) % 32, 32))
