"""What one analyst prefers: keys, colours, and views under names of their own; a YAML file of theirs, written when a view is saved.

keys: {ack: "a,x"}
theme: soc-light
views: {night: "alerts status:all since:12h", root: "hunt user.name:root"}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import yaml

from soc.binding import bind
from soc.errors import SocError
from soc.yaml_file import read_one

_NAME = re.compile(r"[^\W_][\w-]{0,31}")


@dataclass(frozen=True, slots=True)
class _Kept:
    keys: Mapping[str, str] = field(default_factory=dict)
    theme: str = ""
    views: Mapping[str, str] = field(default_factory=dict)


class Preferences:
    """`keys`: binding id to keys. `theme`: a theme's name, "" for ours. `views`: name to what one would type after `:`."""

    def __init__(self, path: Path | None = None, kept: _Kept | None = None) -> None:
        kept = kept or _Kept()
        self._path = path
        self.keys = dict(kept.keys)
        self.theme = kept.theme
        self.views = dict(kept.views)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Those of a file; the defaults where there is none. Raises: FaultsError with every fault and its place."""
        return cls(path, bind(read_one(path), _Kept) if path.is_file() else None)

    def save_view(self, name: str, typed: str) -> None:
        """Keep a view under a name, in the file too. Raises: SocError for what is no name, or a file that cannot be written."""
        if not _NAME.fullmatch(name):
            raise SocError(f'"{name}" is no name for a view: letters, digits and dashes, one word')
        views = {**self.views, name: typed}
        if self._path is not None:
            kept = {"keys": self.keys, "theme": self.theme, "views": views}
            text = yaml.safe_dump({key: value for key, value in kept.items() if value}, allow_unicode=True)
            part = self._path.with_name(f".{self._path.name}.part")
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                part.write_text(text, encoding="utf-8")
                part.replace(self._path)
            except OSError as error:
                raise SocError(f"{self._path} cannot be written: {error.strerror}") from error
        self.views = views
