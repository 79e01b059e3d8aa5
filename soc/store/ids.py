"""Ids by the million as bytes: what a list of alerts holds. A list of a million strings takes 70 MB, this 6."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import overload

SEPARATOR = "\n"

_SHAPE = re.compile(r"((?:[A-Za-z]+-)?)((?:[0-9a-f]{2})+)")
"""Of the ids that this system makes: a letter for the noun, then bytes in hex (`A-5f0c21d4e9a7`)."""

_BLOCK = 4096
"""Ids made at once by who goes through all of them."""


def packed(parts: Iterable[str]) -> Sequence[str]:
    """The ids of texts with separators between them: as bytes where all are of one shape and length, else a list."""
    held: Ids | None = None
    rest = iter(parts)
    for part in rest:
        if not part:
            continue
        held = held or Ids.of_shape(part.partition(SEPARATOR)[0])
        if held is None or not held.take(part):
            return [*(held or ()), *chain.from_iterable(each.split(SEPARATOR) for each in (part, *rest) if each)]
    return held or []


def without(ids: Sequence[str], gone: Collection[str]) -> Sequence[str]:
    """The ids that are not among these."""
    return ids.without(gone) if isinstance(ids, Ids) else [key for key in ids if key not in gone]


class Ids(Sequence[str]):
    """A sequence of ids of one shape, never changed once it is given out."""

    def __init__(self, prefix: str, step: int, data: bytearray) -> None:
        """`step`: bytes an id; `data`: those of all."""
        self._prefix, self._step, self._data = prefix, step, data

    @classmethod
    def of_shape(cls, first: str) -> Ids | None:
        """None yet, of the shape of this id; None where it has another than those of this system."""
        shape = _SHAPE.fullmatch(first)
        return cls(shape[1], len(shape[2]) // 2, bytearray()) if shape else None

    def take(self, part: str) -> bool:
        """Hold these too; False, and nothing is held of them, where one is of another shape."""
        try:
            data = bytes.fromhex(part.removeprefix(self._prefix).replace(SEPARATOR + self._prefix, SEPARATOR))
        except ValueError:
            return False
        if len(data) % self._step or self._text(data) != part:
            return False
        self._data += data
        return True

    def without(self, gone: Collection[str]) -> Ids:
        """The others."""
        rest, begin = bytearray(), 0
        for at in sorted(at for at in map(self._find, gone) if at >= 0):
            rest += memoryview(self._data)[begin * self._step : at * self._step]
            begin = at + 1
        rest += memoryview(self._data)[begin * self._step :]
        return Ids(self._prefix, self._step, rest)

    def __len__(self) -> int:
        return len(self._data) // self._step

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            begin, end, step = at.indices(len(self))
            if step == 1:
                part = self._data[begin * self._step : end * self._step]
                return self._text(part).split(SEPARATOR) if part else []
            return [self[number] for number in range(begin, end, step)]
        number = at + len(self) if at < 0 else at
        if not 0 <= number < len(self):
            raise IndexError(at)
        return self._prefix + self._data[number * self._step : (number + 1) * self._step].hex()

    def __iter__(self) -> Iterator[str]:
        for begin in range(0, len(self), _BLOCK):
            yield from self[begin : begin + _BLOCK]

    def index(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands. Raises: ValueError."""
        found = self._find(value, start, stop)
        if found < 0:
            raise ValueError(value)
        return found

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and self._find(value) >= 0

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return (self._prefix, self._step, self._data) == (other._prefix, other._step, other._data)
        return isinstance(other, list) and list(self) == other

    __hash__ = None  # type: ignore[assignment]  # as a list

    def _text(self, data: bytes | bytearray) -> str:
        return self._prefix + data.hex(SEPARATOR, self._step).replace(SEPARATOR, SEPARATOR + self._prefix)

    def _find(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands, or -1; bytes that are found across two ids are not one."""
        shape = _SHAPE.fullmatch(value)
        if shape is None or shape[1] != self._prefix or len(shape[2]) != 2 * self._step:
            return -1
        wanted = bytes.fromhex(shape[2])
        end = len(self) if stop is None else stop
        at = self._data.find(wanted, start * self._step, end * self._step)
        while at % self._step and at >= 0:
            at = self._data.find(wanted, at + 1, end * self._step)
        return at // self._step if at >= 0 else -1
