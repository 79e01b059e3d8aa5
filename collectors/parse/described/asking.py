"""Plain data in, typed parts of it out; what is wrong with them is noted with its place, all at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from collectors.parse.described.description import Path, Wrong


class Asking:
    """Asks one description for its parts. `wrong`: what was found so far."""

    def __init__(self) -> None:
        self.wrong: list[Wrong] = []

    def refuse(self, at: Path, message: str, *, on_key: bool = False) -> None:
        """Note a fault."""
        self.wrong.append(Wrong(at, message, on_key))

    def keys(self, at: Path, data: object, known: Sequence[str], needed: Sequence[str] = ()) -> Mapping[str, Any]:
        """A mapping of known keys; an empty one where it is none."""
        if not isinstance(data, dict):
            self.refuse(at, f"a mapping is expected ({', '.join(known)})")
            return {}
        for key in data:
            if key not in known:
                self.refuse((*at, key), f'unknown key "{key}"{nearest(str(key), known)}', on_key=True)
        for key in needed:
            if key not in data:
                self.refuse(at, f'"{key}" is missing')
        return data

    def mapping(self, at: Path, data: object) -> Mapping[str, Any]:
        """A mapping with text as keys."""
        if isinstance(data, dict) and all(isinstance(key, str) for key in data):
            return data
        self.refuse(at, "a mapping is expected, its keys text (in quotes where they are numbers)")
        return {}

    def text(self, at: Path, data: object, *, length: int = 0) -> str:
        """Text that is not empty; of exactly `length` characters where that is asked for."""
        if isinstance(data, str) and data and (not length or len(data) == length):
            return data
        what = f"{length} character{'s' if length > 1 else ''}" if length else "text"
        self.refuse(at, f"{what} is expected, not {data!r}"[:200])
        return ""

    def texts(self, at: Path, data: object) -> tuple[str, ...]:
        """A list of text; one text is a list of one."""
        if isinstance(data, str):
            return (data,)
        if isinstance(data, list) and all(isinstance(each, str) for each in data):
            return tuple(data)
        self.refuse(at, "a list of text is expected")
        return ()

    def known(self, at: Path, name: str, names: Iterable[str], what: str, *, on_key: bool = False) -> bool:
        """Whether a name is one of these; a fault with the nearest where it is not."""
        names = list(names)
        if name in names:
            return True
        self.refuse(at, f'"{name}" is not {what} ({", ".join(names)}){nearest(name, names)}', on_key=on_key)
        return False


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean "match"?`, or nothing where no known word is near."""
    found = difflib.get_close_matches(word, list(known), 1, 0.6)
    return f'; did you mean "{found[0]}"?' if found else ""
