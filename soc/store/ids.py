"""Ids by the million as one text: what a list of alerts holds. A list of a million strings takes 70 MB, this 15."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

SEPARATOR = "\n"


def packed(text: str) -> Sequence[str]:
    """The ids of a text with separators between them: kept as the text where all are of one length, else a list."""
    width = text.find(SEPARATOR)
    if width <= 0:
        return [text] if text else []
    even = (len(text) + 1) % (width + 1) == 0
    if even and text[width :: width + 1].strip(SEPARATOR) == "" and text.count(SEPARATOR) == len(text) // (width + 1):
        return Ids(text, width)
    return text.split(SEPARATOR)


class Ids(Sequence[str]):
    """A sequence of ids of one length, never changed."""

    def __init__(self, text: str, width: int) -> None:
        self._text, self._step = text, width + 1

    def __len__(self) -> int:
        return (len(self._text) + 1) // self._step

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            begin, end, step = at.indices(len(self))
            if step == 1:
                part = self._text[begin * self._step : max(begin, end) * self._step - 1]
                return part.split(SEPARATOR) if end > begin else []
            return [self[number] for number in range(begin, end, step)]
        number = at + len(self) if at < 0 else at
        if not 0 <= number < len(self):
            raise IndexError(at)
        return self._text[number * self._step : (number + 1) * self._step - 1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._text.split(SEPARATOR))

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands. Raises: ValueError."""
        end = len(self) if stop is None else stop
        if len(value) == self._step - 1 and SEPARATOR not in value:
            found = self._text.find(value, start * self._step, end * self._step)
            if found >= 0:  # an id holds no separator, so what is found stands at its place
                return found // self._step
        raise ValueError(value)

    def __contains__(self, value: object) -> bool:
        try:
            return isinstance(value, str) and self.index(value) >= 0
        except ValueError:
            return False

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return self._text == other._text
        return isinstance(other, list) and list(self) == other

    __hash__ = None  # type: ignore[assignment]  # as a list
