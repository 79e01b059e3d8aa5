"""Texts as they lie in memory in, those in which keywords may stand out: one pass over the bytes of all, without a copy of any."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from soc.detect.sigma.keywords import SMALL, Pieces, decodes, folding

Numbers = NDArray[np.int64]

_APART = 16
"""Texts up to which a gap is read over: to begin anew costs as much."""


class Texts:
    """The texts of an array (strings or bytes, none null), by their numbers in it."""

    def __init__(self, array: pa.Array) -> None:
        _, offsets, data = array.buffers()
        starts = np.frombuffer(offsets, np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
        self._array = array
        self._starts = starts - starts[0]
        whole = np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8)
        self._bytes = whole[starts[0] : starts[-1]]
        self._small = self._bytes | np.uint8(SMALL)

    def suspects(self, pieces: Pieces, numbers: Numbers | None = None) -> Numbers:
        """Texts, ascending, with all among them that have one of the keywords; `numbers`: of these, ascending (default: of all)."""
        found = [self._unclear]
        run = memoryview(self._small)  # type: ignore[arg-type]  # an array is a buffer
        for start, end in self._runs(numbers):
            found += [
                self._between(start + begin, start + behind - 1) for begin, behind in pieces.places(run[start:end])
            ]
        all_ = np.unique(np.concatenate(found))
        return all_ if numbers is None else np.intersect1d(all_, numbers, assume_unique=True)

    def _runs(self, numbers: Numbers | None) -> Iterable[tuple[int, int]]:
        """The bytes of neighbouring texts."""
        if numbers is None:
            return [(0, int(self._starts[-1]))]
        if not len(numbers):
            return ()
        breaks = np.flatnonzero(np.diff(numbers) > _APART)
        first = numbers[np.concatenate([[0], breaks + 1])]
        last = numbers[np.concatenate([breaks, [len(numbers) - 1]])]
        return zip(self._starts[first].tolist(), self._starts[last + 1].tolist(), strict=True)

    def _between(self, first: int, last: int) -> Numbers:
        """All texts from that of a byte to that of another: what runs from one into the next may hide what is in the next."""
        low, high = (np.searchsorted(self._starts, (first, last), "right") - 1).tolist()
        return np.arange(low, high + 1, dtype=np.int64)

    @cached_property
    def _unclear(self) -> Numbers:
        """See Block.unclear."""
        if not len(self._small) or self._small.max() < 0x80:
            return np.zeros(0, np.int64)
        run = memoryview(self._bytes)  # type: ignore[arg-type]
        found = np.searchsorted(self._starts, np.array(folding(run), np.int64), "right") - 1
        if pa.types.is_string(self._array.type):
            return found
        try:
            self._array.cast(pa.string())
        except pa.ArrowInvalid:
            odd = [number for number, line in enumerate(self._array.to_pylist()) if not decodes(line)]
            return np.union1d(found, np.array(odd, np.int64))
        return found


def among(run: bytes, pieces: Pieces) -> Numbers:
    """Places in bytes, at least one in each text there that has one of the keywords."""
    small = np.frombuffer(run, np.uint8) | np.uint8(SMALL)
    found = [place for begin, end in pieces.places(memoryview(small)) for place in (begin, end - 1)]  # type: ignore[arg-type]
    return np.array(found if run.isascii() else [*found, *folding(run)], np.int64)
