"""The site's rule folders in, what their files hold out, again and again: a file whose stat is as it was is not even read.

One changed file among SigmaHQ's 3,780 costs the stat of all (about 20 ms of CPU) and the parse of one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from soc.detect.sigma import ir
from soc.detect.sigma.load import SUFFIXES, TEST_SUFFIX, linked, read
from soc.errors import Fault, FaultsError

MANY = 50
"""Changed files from which on the whole set is loaded anew: its cache knows files that were only moved, and is written again."""

TESTS = tuple(TEST_SUFFIX + suffix for suffix in SUFFIXES)

Loaded = list[tuple[str, ir.Content]]
"""Paths, each with what its file holds."""


class Stamp(NamedTuple):
    """What tells that a file was not touched. `changed_ns` cannot be set by hand, as `cp -p` and `touch` set the other."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


class RuleFiles:
    """The content of rule folders as it was last loaded without a fault. One thread at a time."""

    def __init__(self, paths: Sequence[Path], cache: Path | None, placeholders: Mapping[str, list[str]]) -> None:
        """Arguments are those of `soc.detect.sigma.load`; nothing is read yet."""
        self._paths = tuple(paths)
        self._cache = cache
        self._placeholders = placeholders
        self._stamps: dict[str, Stamp] = {}
        self._content: dict[str, Loaded] = {}

    def stamps(self) -> dict[str, Stamp]:
        """Every rule file under the paths as it stands now."""
        found: dict[str, Stamp] = {}
        for path in self._paths:
            if path.is_dir():
                found.update(_walk(str(path)))
            elif path.exists():
                found[str(path)] = _stamp(path.stat())
        return found

    def changed(self, stamps: Mapping[str, Stamp]) -> bool:
        """Whether these are not the stamps of what was loaded last."""
        return stamps != self._stamps

    def load(self, stamps: Mapping[str, Stamp]) -> Loaded:
        """All content, parsed where a stamp is new. `stamps`: taken before, so that a file written meanwhile is seen as changed next time.

        Raises: FaultsError with the faults of every file that is new, or of the set as a whole; then what was loaded before still stands.
        """
        if self._content and not stamps:
            where = ", ".join(map(str, self._paths))
            raise FaultsError([Fault(where, 0, 0, "no rule is left: are the folders mounted?")])
        new = [path for path, stamp in stamps.items() if self._stamps.get(path) != stamp]
        if len(new) >= MANY or not self._content:
            content = _by_file(read(self._paths, cache=self._cache, placeholders=self._placeholders))
        else:
            content = {path: found for path, found in self._content.items() if path in stamps and path not in new}
            content.update(_by_file(read(list(map(Path, new)), placeholders=self._placeholders)))
        loaded = linked([pair for path in sorted(content) for pair in content[path]])
        self._stamps, self._content = dict(stamps), content
        return loaded


def versions_of(content: Loaded) -> dict[str, str]:
    """The version of each rule, correlation and filter by its id."""
    return {each.id: each.version for _, each in content}


def _by_file(loaded: Loaded) -> dict[str, Loaded]:
    found: dict[str, Loaded] = {}
    for path, content in loaded:
        found.setdefault(path, []).append((path, content))
    return found


def _walk(folder: str) -> Iterator[tuple[str, Stamp]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _walk(entry.path)
            elif entry.name.endswith(SUFFIXES) and not entry.name.endswith(TESTS):
                try:
                    yield entry.path, _stamp(entry.stat())
                except OSError:  # gone since it was listed: the next look says so
                    continue


def _stamp(status: os.stat_result) -> Stamp:
    return Stamp(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
