"""A ledger, what is to be disclosed of it, and files in; an evidence pack out, which `soc-verify` checks offline.

The same in gives the same bytes. The form is told in iso27001/verifier/pack.py. A pack stands under the ledger's last signed head, whose
time is the pack's.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any

from iso27001.errors import PackError
from iso27001.ledger import canonical, encode, rfc3339
from iso27001.ledger.signing import Signer
from iso27001.ledger.store import Ledger
from iso27001.verifier.custody import KINDS, told
from iso27001.verifier.notes import Head
from iso27001.verifier.pack import ENTRIES, HEADS, LEAVES, MANIFEST, NOTE, SCHEMA
from iso27001.verifier.rotation import ROTATED

EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file for a pack. `path`: inside of it, with "/"; `entry`: the ledger entry in which its SHA-256 stands, -1 for none."""

    path: str
    content: bytes
    entry: int = -1


@dataclass(frozen=True, slots=True)
class Made:
    """What was packed: entries disclosed and in the ledger, files, and the manifest's SHA-256 (hex), which names the pack."""

    disclosed: int
    size: int
    files: int
    manifest: str
    head: Head


def write_pack(
    path: Path,
    ledger: Ledger,
    signer: Signer,
    files: Iterable[PackFile],
    *,
    scope: str,
    since: datetime,
    until: datetime,
    disclose: Iterable[int] | None = None,
    evidence: Iterable[str] = (),
) -> Made:
    """Write a pack, whole or not at all. `disclose`: sequence numbers of entries (None: all); of the others it holds the hashes alone.

    `evidence`: ids of evidence whose state and custody the manifest tells; their entries are always disclosed.

    Raises: PackError (no signed head, a disk that is full, a file's name twice), LedgerError.
    """
    head = ledger.last_head()
    if head is None or head.size == 0:
        raise PackError("the ledger has no signed head yet, so nothing in it is provable")
    facts = _facts_of(ledger, frozenset(evidence), head.size)
    held = told(facts, head.time)
    ranges = _ranges(head.size, None if disclose is None else {*disclose, *(entry for entry, _ in facts)}, ledger)
    partial = path.with_name(path.name + ".partial")
    try:
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            writer = _Writer(archive)
            writer.add(HEADS, ["\n".join(each.note for each in ledger.heads()).encode()])
            writer.add(LEAVES, _blocks(ledger.leaves(head.size)))
            writer.add(ENTRIES, _lines(ledger, ranges))
            for file in sorted(files, key=lambda file: file.path):
                writer.add(file.path, [file.content], file.entry)
            manifest = canonical(
                {
                    "schema": SCHEMA,
                    "origin": ledger.origin,
                    "made": rfc3339(head.time),
                    "scope": scope,
                    "period": [rfc3339(since), rfc3339(until)],
                    "size": head.size,
                    "root": head.root.hex(),
                    "disclosed": ranges,
                    "evidence": [held[each] for each in sorted(held)],
                    "files": sorted(writer.listed, key=lambda each: str(each["path"])),
                }
            )
            digest, listed = sha256(manifest).hexdigest(), len(writer.listed)
            writer.add(MANIFEST, [manifest])
            writer.add(NOTE, [signer.sign_manifest(ledger.origin, digest, head.time).note.encode()])
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise PackError(f"{path}: cannot be written: {error}") from error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return Made(sum(count for _, count in ranges), head.size, listed, digest, head)


class _Writer:
    """Files into a ZIP, and what the manifest says of each."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.listed: list[dict[str, str | int]] = []

    def add(self, path: str, blocks: Iterable[bytes], entry: int = -1) -> None:
        if path in self._archive.NameToInfo:
            raise PackError(f"{path}: two files of one name")
        about = zipfile.ZipInfo(path, EPOCH)
        about.compress_type, about.create_system, about.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
        digest, size = sha256(), 0
        with self._archive.open(about, "w", force_zip64=True) as file:
            for block in blocks:
                digest.update(block)
                size += len(block)
                file.write(block)
        line: dict[str, str | int] = {"path": path, "bytes": size, "sha256": digest.hexdigest()}
        self.listed.append(line if entry < 0 else {**line, "entry": entry})


def _ranges(size: int, disclose: Iterable[int] | None, ledger: Ledger) -> list[list[int]]:
    """Runs [first, count] of the entries to disclose; rotations of keys always are."""
    if disclose is None:
        return [[0, size]]
    rotations = {entry.seq for entry in ledger.entries(kinds=[ROTATED])}
    chosen = sorted(seq for seq in {*disclose, *rotations} if 0 <= seq < size)
    runs = groupby(enumerate(chosen), lambda pair: pair[1] - pair[0])
    return [[run[0][1], len(run)] for run in (list(group) for _, group in runs)]


def _facts_of(ledger: Ledger, ids: frozenset[str], size: int) -> list[tuple[int, dict[str, Any]]]:
    """The facts of this evidence as the pack's entries hold them, with their places, below `size`."""
    return [
        (entry.seq, json.loads(encode(entry.fact)))
        for entry in ledger.entries(kinds=KINDS if ids else [])
        if entry.seq < size and entry.fact.body.get("id") in ids
    ]


def _lines(ledger: Ledger, ranges: Sequence[Sequence[int]]) -> Iterator[bytes]:
    for first, count in ranges:
        left = count
        for start, lines in ledger.pages(first - 1):
            if left <= 0 or start >= first + count:
                break
            yield b"".join(line + b"\n" for line in lines[:left])
            left -= len(lines)


def _blocks(hashes: Iterable[bytes]) -> Iterator[bytes]:
    block = bytearray()
    for each in hashes:
        block += each
        if len(block) >= 1 << 20:
            yield bytes(block)
            block.clear()
    yield bytes(block)
