"""A release of rules in; what it changes on the site, on its history and on disk out.

A release goes into a folder of its own, with a manifest beside its rules, so that the next one can tell what people edited. Nothing is
written there before all of it loads with the rest of the site's rules.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from iso27001.ledger import Fact
from soc.app.backtesting import Backtest, Change
from soc.app.release import Release, digests
from soc.app.site import Site
from soc.detect.backtest import Difference, Kind, differences
from soc.detect.sigma.load import linked, read
from soc.errors import Fault, FaultsError, SocError

IMPORTED = "rules.imported"
MANIFEST = ".manifest.json"
"""Beside the rules of a release; no rule file, so the loader passes it over."""


class Manifest(msgspec.Struct, frozen=True):
    """What was imported: `files` by path, each with its SHA-256 (hex)."""

    release: str
    digest: str
    imported: datetime
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Edits:
    """What people did to the files of a release: paths that differ from the manifest, that they added, that they deleted."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.changed) + len(self.added) + len(self.deleted)


@dataclass(frozen=True, slots=True)
class Import:
    """A release that is checked and not written yet. `into`: its folder. `change`: of the whole site's rules; `edits`: what would be lost.

    `left_out`: faults of files that are not taken.
    """

    release: Release
    into: Path
    files: Mapping[str, bytes]
    change: Change
    edits: Edits
    left_out: tuple[Fault, ...]

    def named(self, kind: Kind) -> list[Difference]:
        """Rules that are new, changed, or gone."""
        return [difference for difference in self.change.differences if difference.kind is kind]

    def deprecated(self) -> list[Difference]:
        """Rules that are gone because the release keeps them as deprecated."""
        return [difference for difference in self.named(Kind.REMOVED) if difference.id in self.release.deprecated]


def prepare(site: Site, release: Release, into: Path, *, without_faulty: bool = False) -> Import:
    """Check a release against the site's rules; it is on disk only beside them, and only while this runs.

    Raises: FaultsError with every fault of its rules, or of names and ids that clash with the site's own.
    """
    restore(site, into)
    left_out: list[Fault] = []
    files = dict(release.files)
    with _staged(site, into, files) as staging:
        try:
            content = read([staging], placeholders=site.placeholders)
        except FaultsError as error:
            faulty = {Path(fault.path).relative_to(staging).as_posix() for fault in error.faults}
            if not without_faulty or not faulty < files.keys():
                raise FaultsError([_named(fault, staging) for fault in error.faults]) from error
            left_out = [_named(fault, staging) for fault in error.faults]
            files = {name: content for name, content in files.items() if name not in faulty}
            for name in faulty:
                (staging / name).unlink()
            content = read([staging], placeholders=site.placeholders)
    before = site.content()
    moved = [(str(into / Path(path).relative_to(staging)), each) for path, each in content]
    others = [(path, each) for path, each in before if not _within(Path(path), into)]
    edits = _met(edits_of(into), into, files)
    kept = [pair for pair in before if _within(Path(pair[0]), into) and _relative(pair[0], into) in edits.added]
    after = linked([*others, *kept, *moved])
    return Import(
        release, into, files, Change(before, after, tuple(differences(before, after))), edits, tuple(left_out)
    )


def _met(edits: Edits, into: Path, files: Mapping[str, bytes]) -> Edits:
    """The same, where files that people added have names of the release: if they are alike they are the release's, else they are edited."""
    same = {name for name in edits.added if name in files and (into / name).read_bytes() == files[name]}
    other = {name for name in edits.added if name in files} - same
    added = tuple(name for name in edits.added if name not in files)
    return Edits(tuple(sorted({*edits.changed, *other})), added, edits.deleted)


def edits_of(into: Path) -> Edits:
    """How a folder differs from the release that its manifest names; without a manifest all in it is people's own.

    Raises: SocError for a manifest that cannot be read.
    """
    there = dict(_there(into))
    manifest = manifest_of(into)
    if manifest is None:
        return Edits(added=tuple(sorted(there)))
    known = manifest.files
    return Edits(
        changed=tuple(name for name, sha in sorted(there.items()) if name in known and sha != known[name]),
        added=tuple(sorted(there.keys() - known.keys())),
        deleted=tuple(sorted(known.keys() - there.keys())),
    )


def manifest_of(into: Path) -> Manifest | None:
    """The manifest of a folder, or None. Raises: SocError."""
    path = into / MANIFEST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise SocError(f"{path} cannot be read, so nobody can tell what was edited: {error}") from error


def write(site: Site, found: Import, actor: str, result: Backtest | None, *, forced: str = "") -> Manifest:
    """Put the release in its place, whole or not at all, and record it. Files that people added stay; the manifest that was written.

    `forced`: the reason for going on over edits or objections. Raises: SocError over edits without one, or where it cannot be written.
    """
    lost = (*found.edits.changed, *found.edits.deleted)
    if lost and not forced:
        raise SocError(f"{len(lost)} files of {found.into} were edited or deleted by hand: {', '.join(lost[:5])}")
    now = site.clock()
    manifest = Manifest(found.release.name, found.release.digest, now, dict(digests(found.files)))
    own = {name: (found.into / name).read_bytes() for name in found.edits.added}
    written = {**own, **found.files, MANIFEST: msgspec.json.format(msgspec.json.encode(manifest))}
    with _staged(site, found.into, written) as staging:
        _swap(site, staging, found.into)
    counts = {kind.value: len(found.named(kind)) for kind in Kind}
    home = site.path.absolute().parent
    place = found.into.absolute()
    body: dict[str, Any] = {
        "release": manifest.release,
        "digest": manifest.digest,
        "into": str(place.relative_to(home) if place.is_relative_to(home) else place),
        "files": len(found.files),
        **counts,
        "deprecated": len(found.deprecated()),
        "left_out": [fault.path for fault in found.left_out],
        "edits_lost": list(lost),
        "change": found.change.digest,
        "alerts": msgspec.to_builtins(result.total) if result else None,
        "objections": result.objections() if result else [],
        "forced": forced,
    }
    site.ledger.append([Fact(f"{IMPORTED}:{manifest.digest[:16]}:{now.isoformat()}", IMPORTED, now, actor, body)])
    return manifest


def restore(site: Site, into: Path) -> None:
    """Put the old folder back where a crash struck between its going and the new one's coming."""
    before = _beside(site, into, "before")
    if before.is_dir():
        if into.exists():
            shutil.rmtree(before)
        else:
            before.rename(into)


def _swap(site: Site, staging: Path, into: Path) -> None:
    before = _beside(site, into, "before")
    try:
        into.parent.mkdir(parents=True, exist_ok=True)
        if into.exists():
            into.rename(before)
        staging.rename(into)
        if before.exists():
            shutil.rmtree(before)
    except OSError as error:
        restore(site, into)
        raise SocError(f"{into} cannot be written: {error.strerror}") from error


@contextmanager
def _staged(site: Site, into: Path, files: Mapping[str, bytes]) -> Iterator[Path]:
    """The files in a folder on the same disk and outside of every rule folder, so that the running engine never sees half of them."""
    staging = _beside(site, into, "incoming")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        for name, content in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise SocError(f"{staging} cannot be written: {error.strerror}") from error
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _beside(site: Site, into: Path, what: str) -> Path:
    root = next((folder for folder in site.config.rules if _within(into, folder)), into)
    return root.parent / f".{root.name}.{hashlib.sha256(str(into).encode()).hexdigest()[:8]}.{what}"


def _there(into: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(into.rglob("*")) if into.is_dir() else ():
        if path.is_file() and path.name != MANIFEST:
            yield path.relative_to(into).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest()


def _within(path: Path, folder: Path) -> bool:
    return path.absolute().is_relative_to(folder.absolute())


def _relative(path: str, folder: Path) -> str:
    return Path(path).absolute().relative_to(folder.absolute()).as_posix()


def _named(fault: Fault, staging: Path) -> Fault:
    """The fault by the file's name in the release."""
    name = Path(fault.path).relative_to(staging).as_posix()
    return Fault(name, fault.line, fault.column, fault.message, fault.source, fault.length)
