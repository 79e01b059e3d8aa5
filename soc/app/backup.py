"""A site's data in, a copy of it out that the SOC goes on from as after a crash at that moment; it is made while the SOC runs.

What is behind is copied before what is ahead of it: what correlations remember, how far the consumers are, the store, then the ledger, then
the vault and the journal. So nothing in the copy knows of an event, a fact or a document that the copy does not hold. Files are written
aside and renamed, databases by SQLite's own backup, and what stands there as it was is left. What is made anew of the rest is left out:
compiled rules, and alerts and incidents as the ledger tells them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from collectors.journal.durable import ASIDE, make_directory, sync_directory
from iso27001.errors import IsoError
from iso27001.ledger.store import Ledger
from soc.app.retention import alone
from soc.app.site import Site
from soc.errors import SocError

_FIRST = ("state", "journal/consumers", "store")
"""Folders that are copied first, in this order; all others follow, and `_LAST`."""

_LAST = ("ledger", "vault", "journal")

_MADE_ANEW = {"cache", "projections.db"}
_NOT_OURS = ("lock", ".lock", ASIDE, ".partial", "-wal", "-shm")
"""Ends of names: locks, files that are being written, and what belongs to an open database."""

_LEDGER = Path("ledger", "ledger.db")
_PRIVATE = ".key"


@dataclass(slots=True)
class Copied:
    """`files` that were written and their `bytes`; `same`: that stood there; `gone`: no longer in the data. `facts`: of the ledger."""

    files: int = 0
    bytes: int = 0
    same: int = 0
    gone: int = 0
    facts: int = 0


def back_up(site: Site, target: Path, *, keys: bool = True) -> Copied:
    """Bring the copy in a folder up to date; a new one where it is empty or missing. `keys`: private keys too.

    Raises: SocError for a folder that holds anything else, the copy of another ledger or of more than this one knows (a site that was
    thrown away or rolled back must not take its backup with it), or that cannot be written; what stood there then still is a copy.
    """
    data = site.config.data.resolve()
    place = target.resolve()
    if place == data or place in data.parents or data in place.parents:
        raise SocError(f"{target}: a copy of {site.config.data} must be outside of it, and it outside of the copy")
    copied = Copied()
    try:
        _check(site, place)
        if not place.exists():
            make_directory(place)
            place.chmod(data.stat().st_mode & 0o777)
        with _locked(place / "backup.lock"), alone(site, wait=True):
            for folder in _stages(data):
                _copy_all(data, place, folder, copied, keys=keys)
        with Ledger.open(place / _LEDGER, read_only=True) as copy:
            copied.facts = copy.size
    except OSError as error:
        raise SocError(f"{error.filename or target}: {error.strerror}; the copy is not up to date") from error
    except (IsoError, sqlite3.Error) as error:
        raise SocError(f"{target}: {error}; the copy is not up to date") from error
    return copied


def _check(site: Site, place: Path) -> None:
    """Raises: SocError, IsoError, OSError."""
    if not place.exists() or not any(place.iterdir()):
        return
    if not (place / _LEDGER).exists():
        if (place / "backup.lock").exists():
            return  # one that was broken off before it came to the ledger
        raise SocError(f"{place}: is neither empty nor a copy that this command made")
    with Ledger.open(place / _LEDGER, read_only=True) as copy:
        ledger, head = site.ledger, copy.last_head()
        if copy.size > ledger.size or ledger.root_at(copy.size) != copy.root_at(copy.size):
            raise SocError(
                f"{place}: is a copy of another ledger or knows {copy.size:,} facts"
                f"{f', the last signed at {head.time.isoformat()}' if head else ''}, "
                f"of which this one ({ledger.size:,}) is not the continuation; copy into another folder"
            )


def _stages(data: Path) -> Iterator[Path]:
    """Folders in the order of copying, relative; "." for files at the top."""
    fixed = {Path(name) for name in (*_FIRST, *_LAST)}
    yield from map(Path, _FIRST)
    yield from sorted(
        found
        for path in data.iterdir()
        if path.is_dir() and (found := path.relative_to(data)) not in fixed and path.name not in _MADE_ANEW
    )
    yield from map(Path, _LAST)


def _copy_all(data: Path, place: Path, folder: Path, copied: Copied, *, keys: bool) -> None:
    """Copy a folder. Parts of the store become segments while this looks: then it looks again, so that the copy has no hole."""
    whole = False
    while not whole:
        whole = True
        wanted = [path for path in _files(data, folder) if keys or path.suffix != _PRIVATE]
        for path in wanted:
            try:
                _copy(data / path, place / path, copied)
            except FileNotFoundError:
                if (data / path).exists():
                    raise
                whole = False
    for path in set(_files(place, folder)) - set(wanted):
        (place / path).unlink()
        copied.gone += 1


def _files(top: Path, folder: Path) -> list[Path]:
    """Those of a folder and below that are copied, relative to the top; not of the folders that have their own turn."""
    turns = {Path(name) for name in _FIRST if Path(name).parent == folder}
    found = []
    for at, folders, names in os.walk(top / folder):
        here = Path(at).relative_to(top)
        folders[:] = [name for name in folders if here / name not in turns and name not in _MADE_ANEW]
        found += [here / name for name in names if name not in _MADE_ANEW and not name.endswith(_NOT_OURS)]
    return sorted(found)


def _copy(path: Path, to: Path, copied: Copied) -> None:
    """Raises: OSError, sqlite3.Error."""
    about = path.stat()
    if path.suffix != ".db" and _same(about, to):
        copied.same += 1
        return
    make_directory(to.parent)
    aside = to.with_name(to.name + ASIDE)
    os.close(os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    if path.suffix == ".db":
        _copy_database(path, aside)
    else:
        shutil.copyfile(path, aside)
    aside.chmod(about.st_mode & 0o777)
    with aside.open("rb+") as file:
        os.fsync(file.fileno())
    copied.files += 1
    copied.bytes += aside.stat().st_size
    os.utime(aside, ns=(about.st_atime_ns, about.st_mtime_ns))
    aside.replace(to)
    sync_directory(to.parent)


def _same(about: os.stat_result, to: Path) -> bool:
    try:
        there = to.stat()
    except FileNotFoundError:
        return False
    return (there.st_size, there.st_mtime_ns) == (about.st_size, about.st_mtime_ns)


def _copy_database(path: Path, to: Path) -> None:
    """As it is at one moment, as one file that needs no other. Raises: sqlite3.Error."""
    with (
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(to)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Raises: SocError where another process copies into the folder; OSError."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise SocError(f"{path.parent}: another process copies into it") from error
    finally:
        os.close(fd)
