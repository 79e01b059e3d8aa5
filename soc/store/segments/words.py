"""Texts in, the words in them out as bits of a filter: what tells which groups of rows may hold a word without reading them.

A *word* is a run of letters, digits and underscores; any byte of UTF-8 beyond ASCII counts as a letter. A *compound* is words joined by
single dots or dashes (`10.0.0.5`, `web-1.example.vn`); it is entered beside its words. Letters of ASCII are entered in lower case; other
text is folded before (`folded`).

A filter is a Bloom filter in blocks (Putze, Sanders, Singler 2007): a word's first hash names a block of 1,024 positions, its others PROBES
positions in it. The filters of the groups of a segment stand side by side, one bit a group in an unsigned number a position, so that one
read of 4 KiB answers for all of them; a file of few words is folded (each half laid over the other), which block numbers survive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 1024
"""Positions of a block."""

BLOCKS = 512
"""Of one group before it is folded: 2^19 positions for some 20,000 to 60,000 different words."""

PROBES = 4

MOST_FILLED = 0.35
"""Share of set positions beyond which a segment is not folded: a word that is not there is then found in 1.5 % of groups."""

Bits = NDArray[np.uint8]
"""One group's filter: BLOCK * BLOCKS bits, packed."""

_CHUNK = 1 << 16
"""Bytes that are taken at once, so that the work stays within the processor's cache."""

_RADIX = np.uint32(0x01000193)


_JOINER = 1
_ENTERED = bytes(
    _JOINER
    if byte in b".-"
    else byte
    if byte >= 0x80
    else ord(chr(byte).lower())
    if chr(byte).isalnum() or byte == 0x5F
    else 0
    for byte in range(256)
)
"""Of each byte: the one that is entered for it, 0 for what is no part of a word or compound. A joiner counts 1, dot and dash alike: what
that costs is a group read in vain."""


@cache
def _powers(length: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The radix to the power of 0 … `length`, and to the power of 0 … -`length` (modulo 2^32, where it is odd and so has an inverse)."""
    up = np.cumprod(np.concatenate([[np.uint32(1)], np.full(length, _RADIX, np.uint32)]), dtype=np.uint32)
    inverse = np.uint32(pow(int(_RADIX), -1, 1 << 32))
    down = np.cumprod(np.concatenate([[np.uint32(1)], np.full(length, inverse, np.uint32)]), dtype=np.uint32)
    return up, down


def hashes(text: bytes) -> NDArray[np.uint32]:
    """A number for each word and each compound of a text; the same word has the same wherever it stands. Some come more than once."""
    found = []
    start = 0
    while start < len(text):
        end = _between(text, start)
        found.append(_hashes(text[start:end]))
        start = end
    return np.concatenate(found) if found else np.zeros(0, np.uint32)


def _between(text: bytes, start: int) -> int:
    """Where a chunk that begins at `start` ends: behind a line, so that no word is cut."""
    if len(text) - start <= _CHUNK:
        return len(text)
    end = text.rfind(b"\n", start, start + _CHUNK) + 1
    return end or text.find(b"\n", start + _CHUNK) + 1 or len(text)


def _hashes(text: bytes) -> NDArray[np.uint32]:
    size = len(text)
    entered = np.frombuffer(text.translate(_ENTERED), np.uint8)
    word = np.zeros(size + 2, np.bool_)  # a byte that is no word on either side
    np.greater(entered, _JOINER, out=word[1:-1])
    edges = np.flatnonzero(word[1:] != word[:-1])
    starts, ends = edges[::2], edges[1::2]
    up, down = _powers(max(_CHUNK, 1 << (size + 1).bit_length()))
    value = entered.astype(np.uint32)
    value *= up[:size]
    summed = np.empty(size + 1, np.uint32)  # summed[i]: of the text before its byte i
    summed[0] = 0
    np.cumsum(value, out=summed[1:])
    words = (summed[ends] - summed[starts]) * down[starts]
    joined = np.zeros(len(words) + 1, np.bool_)  # joined[i]: word i - 1 goes on in word i
    joined[1:-1] = (starts[1:] - ends[:-1] == 1) & (entered[ends[:-1]] == _JOINER)
    if not joined.any():
        return words
    first = starts[joined[1:] & ~joined[:-1]]
    last = ends[joined[:-1] & ~joined[1:]]
    return np.concatenate([words, (summed[last] - summed[first]) * down[first]])


def positions(found: NDArray[np.uint32]) -> NDArray[np.intp]:
    """The PROBES positions of each of these hashes, one row a probe."""
    mixed = found * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    block = (mixed * np.uint32(0x85EBCA77) >> np.uint32(23)) * np.uint32(BLOCK)
    mixed *= np.uint32(0xC2B2AE3D)
    mixed ^= mixed >> np.uint32(13)
    first, step = mixed & np.uint32(BLOCK - 1), (mixed >> np.uint32(10)) & np.uint32(BLOCK - 1) | np.uint32(1)
    probes = np.arange(PROBES, dtype=np.uint32)[:, None]
    return (block + (first + probes * step & np.uint32(BLOCK - 1))).astype(np.intp)


def bits(texts: Iterable[bytes]) -> Bits:
    """The filter of a group that holds these texts: lines, so that no word runs from one to the next."""
    filled = np.zeros(BLOCK * BLOCKS, np.bool_)
    found = [hashes(text) for text in texts]
    if found:
        each = np.sort(np.concatenate(found))  # a word in twelve is another one
        new = np.ones(len(each), np.bool_)
        np.not_equal(each[1:], each[:-1], out=new[1:])
        for row in positions(each[new]):
            filled[row] = True
    return np.packbits(filled, bitorder="little")


def side_by_side(groups: Sequence[Bits]) -> NDArray[np.uint32]:
    """The filters of at most 32 groups, one number a position, folded as far as MOST_FILLED allows."""
    packed = np.stack(groups)
    while 8 * packed.shape[1] > BLOCK:
        half = packed.shape[1] // 2
        folded = packed[:, :half] | packed[:, half:]
        if int(_ONES[folded].sum(dtype=np.int64)) > MOST_FILLED * 8 * folded.size:
            break
        packed = folded
    numbers = np.zeros(8 * packed.shape[1], np.uint32)
    for at, group in enumerate(packed):
        numbers |= np.unpackbits(group, bitorder="little").astype(np.uint32) << np.uint32(at)
    return numbers


_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)
"""How many bits of a byte are set."""


def wanted(text: bytes) -> list[tuple[int, list[int]]]:
    """Of every word and compound of `text`, where a filter tells of it: a block (of BLOCKS) and the places in it."""
    of_words = positions(np.unique(hashes(text)))
    return [(int(row[0]) // BLOCK, [int(place) % BLOCK for place in row]) for row in of_words.T]


def holding(block: NDArray[np.uint32], places: Sequence[int]) -> int:
    """Of the numbers of one block, the groups (one bit each) in which all of these places are set."""
    found: Any = ~np.uint32(0)
    for place in places:
        found &= block[place]
    return int(found)
