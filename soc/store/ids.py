"""Ids by the million as bytes: what a list of alerts holds. A list of a million strings takes 70 MB, this 6."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import overload

SEPARATOR = "\n"

_SHAPE = re.compile(r"((?:[A-Za-z]+-)?)((?:[0-9a-f]{2})+)")
"""Of the ids that this system makes: a letter for the noun, then bytes in hex (`A-5f0c21d4e9a7`)."""

PER = 8192
"""Ids a piece: the memory of one list serves the next, which one block of megabytes, grown by copying, would not."""


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

    def __init__(self, prefix: str, step: int) -> None:
        """None yet; `step`: bytes an id."""
        self._prefix, self._step = prefix, step
        self._pieces: list[bytes] = []
        """Of PER ids each, the last of as many as are left."""
        self._count = 0

    @classmethod
    def of_shape(cls, first: str) -> Ids | None:
        """None yet, of the shape of this id; None where it has another than those of this system."""
        shape = _SHAPE.fullmatch(first)
        return cls(shape[1], len(shape[2]) // 2) if shape else None

    def take(self, part: str) -> bool:
        """Hold these too; False, and nothing is held of them, where one is of another shape."""
        try:
            data = bytes.fromhex(part.removeprefix(self._prefix).replace(SEPARATOR + self._prefix, SEPARATOR))
        except ValueError:
            return False
        if len(data) % self._step or self._text(data) != part:
            return False
        self._put(data)
        return True

    def without(self, gone: Collection[str]) -> Ids:
        """The others."""
        rest, begin = Ids(self._prefix, self._step), 0
        for at in sorted(at for at in map(self._find, gone) if at >= 0):
            for piece in self._between(begin, at):
                rest._put(piece)
            begin = at + 1
        for piece in self._between(begin, len(self)):
            rest._put(piece)
        return rest

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            begin, end, step = at.indices(len(self))
            if step == 1:
                part = b"".join(self._between(begin, end))
                return self._text(part).split(SEPARATOR) if part else []
            return [self[number] for number in range(begin, end, step)]
        number = at + len(self) if at < 0 else at
        if not 0 <= number < len(self):
            raise IndexError(at)
        [one] = self._between(number, number + 1)
        return self._prefix + one.hex()

    def __iter__(self) -> Iterator[str]:
        for piece in self._pieces:
            yield from self._text(piece).split(SEPARATOR)

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
            return (self._prefix, self._step, self._pieces) == (other._prefix, other._step, other._pieces)
        return isinstance(other, list) and list(self) == other

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __sizeof__(self) -> int:
        return super().__sizeof__() + sys.getsizeof(self._pieces) + sum(map(sys.getsizeof, self._pieces))

    def _put(self, data: bytes) -> None:
        size = PER * self._step
        self._count += len(data) // self._step
        if self._pieces and len(self._pieces[-1]) < size:
            data = self._pieces.pop() + data
        self._pieces += [data[begin : begin + size] for begin in range(0, len(data), size)]

    def _between(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes of the ids from one place to before another."""
        for number in range(begin // PER, -(-end // PER)):
            first, last = max(0, begin - number * PER), end - number * PER
            yield self._pieces[number][first * self._step : last * self._step]

    def _text(self, data: bytes) -> str:
        return self._prefix + data.hex(SEPARATOR, self._step).replace(SEPARATOR, SEPARATOR + self._prefix)

    def _find(self, value: str, start: int = 0, stop: int | None = None) -> int:
        """Where an id stands, or -1; bytes that are found across two ids are not one."""
        shape = _SHAPE.fullmatch(value)
        if shape is None or shape[1] != self._prefix or len(shape[2]) != 2 * self._step:
            return -1
        wanted, step = bytes.fromhex(shape[2]), self._step
        end = len(self) if stop is None else min(stop, len(self))
        for number in range(start // PER, -(-end // PER)):
            piece, first, last = self._pieces[number], max(0, start - number * PER), end - number * PER
            at = piece.find(wanted, first * step, last * step)
            while at % step and at >= 0:
                at = piece.find(wanted, at + 1, last * step)
            if at >= 0:
                return number * PER + at // step
        return -1
