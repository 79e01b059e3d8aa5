"""A release of rules (folder or zip) in, its rule files as bytes out; whatever else it is, it is refused and never written anywhere.

What comes from outside is bounded before it is read: number, size and unpacked size of files; no links, no names that lead elsewhere.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from soc.detect.sigma.load import SUFFIXES, TEST_SUFFIX
from soc.errors import SocError
from soc.yaml_file import MAX_BYTES

MAX_FILES = 50_000
"""Files of a release, of any kind: SigmaHQ's repository has 6,000."""

MAX_TOTAL_BYTES = 256 * 1024 * 1024
"""Of all rule files together, unpacked: SigmaHQ's are 8 MB."""

_RULES = re.compile(r"rules(?:-[\w-]+)?")
"""SigmaHQ's folders of live rules: rules, rules-emerging-threats, rules-threat-hunting, ..."""

_DEPRECATED = "deprecated"
_ID = re.compile(rb"^id:[ \t]*['\"]?([0-9A-Fa-f-]{36})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """`files`: path inside the release -> content. `deprecated`: ids that the release keeps as such. `digest`: SHA-256 (hex) over all."""

    name: str
    files: Mapping[str, bytes]
    deprecated: frozenset[str]

    @property
    def digest(self) -> str:
        """The same for the same files, in a folder or a zip."""
        return hashlib.sha256("".join(f"{sha} {name}\n" for name, sha in digests(self.files)).encode()).hexdigest()


def digests(files: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Each file's SHA-256 (hex), by name."""
    for name in sorted(files):
        yield name, hashlib.sha256(files[name]).hexdigest()


def open_release(path: Path) -> Release:
    """The release at a path. Raises: SocError for what is none, or would not stay within its bounds."""
    try:
        found = dict(_folder(path) if path.is_dir() else _zip(path))
    except OSError as error:
        raise SocError(f"{path} cannot be read: {error.strerror}") from error
    found = _without_top(found)
    names = [name for name in found if _RULES.fullmatch(PurePosixPath(name).parts[0])]
    old = [content for name, content in found.items() if PurePosixPath(name).parts[0] == _DEPRECATED]
    if not names:  # a folder of rules that is not laid out as SigmaHQ's
        names = [name for name in found if PurePosixPath(name).parts[0] not in (_DEPRECATED, "tests", "unsupported")]
    files = {name: found[name] for name in sorted(names) if not PurePosixPath(name).stem.endswith(TEST_SUFFIX)}
    if not files:
        raise SocError(f"{path} holds no rules (files that end in {' or '.join(SUFFIXES)})")
    ids = frozenset(match[1].decode().lower() for content in old for match in _ID.finditer(content))
    return Release(path.stem if path.suffix == ".zip" else path.resolve().name, files, ids)


def _without_top(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Without the one folder that an archive of a repository wraps everything in."""
    tops = {PurePosixPath(name).parts[0] for name in files}
    top = next(iter(tops), "")
    deep = all(len(PurePosixPath(name).parts) > 1 for name in files)
    if len(tops) != 1 or not deep or _RULES.fullmatch(top):
        return dict(files)
    return {name.removeprefix(f"{top}/"): content for name, content in files.items()}


class _Bounds:
    """Counts what was read of a release. Every method raises SocError beyond the bound."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = 0
        self._bytes = 0

    def entry(self) -> None:
        self._files += 1
        if self._files > MAX_FILES:
            raise SocError(f"{self._path}: more than {MAX_FILES:,} files; this is no release of rules")

    def content(self, name: str, content: bytes) -> bytes:
        self._bytes += len(content)
        if len(content) > MAX_BYTES:
            raise SocError(f"{self._path}: {name} is larger than the {MAX_BYTES:,} bytes that a rule file may have")
        if self._bytes > MAX_TOTAL_BYTES:
            raise SocError(f"{self._path}: more than {MAX_TOTAL_BYTES:,} bytes of rules; this is no release of rules")
        return content


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    bounds = _Bounds(path)
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.name == ".git":
                    continue
                bounds.entry()
                name = Path(entry.path).relative_to(path).as_posix()
                if entry.is_symlink():
                    raise SocError(f"{path}: {name} is a link; a release holds files only")
                if entry.is_dir():
                    waiting.append(Path(entry.path))
                elif entry.is_file() and entry.name.endswith(SUFFIXES):
                    with open(entry.path, "rb") as file:  # noqa: PTH123  scandir's own path
                        yield name, bounds.content(name, file.read(MAX_BYTES + 1))


def _zip(path: Path) -> Iterator[tuple[str, bytes]]:
    bounds = _Bounds(path)
    seen: set[str] = set()
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                bounds.entry()
                _refuse(path, info, seen)
                if info.is_dir() or not info.filename.endswith(SUFFIXES):
                    continue
                with archive.open(info) as file:  # what the directory says of its size may be a lie
                    yield info.filename, bounds.content(info.filename, file.read(MAX_BYTES + 1))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise SocError(f"{path} is no zip file that can be read: {error}") from error
    except Exception as error:
        if type(error).__module__ in ("zlib", "_lzma", "lzma", "bz2"):  # damaged content, by any of its packers
            raise SocError(f"{path} is damaged: {error}") from error
        raise


def _refuse(path: Path, info: zipfile.ZipInfo, seen: set[str]) -> None:
    """Raises: SocError for a name that no honest archive has."""
    name = info.filename
    if name in seen:
        raise SocError(f"{path}: {name} is in it twice")
    seen.add(name)
    parts = PurePosixPath(name).parts
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or re.match(r"[A-Za-z]:", name):
        raise SocError(f"{path}: the name {name!r} leads out of the folder it is unpacked to")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise SocError(f"{path}: {name} is a link; a release holds files only")
    if info.flag_bits & 0x1:
        raise SocError(f"{path}: {name} is encrypted")
