"""Literals of keywords and the lines of many rows in, the rows that are worth reading for them out: one pass over all bytes as received.

Source of truth: RFC 8259 section 7, which characters JSON may write in another way; the rest stands in a line as in its values. The answer
may name a row too many (its texts are asked next), never one too few.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate


class Block:
    """Texts as one run of bytes in lower case, so that one pass sees them all."""

    def __init__(self, lines: Sequence[bytes], words: Sequence[str]) -> None:
        """Of each row, as `RowTable.lines` and `RowTable.words` give them."""
        self.low = b"\n".join(lines).lower()
        self.words = words
        self._lines = lines

    def __len__(self) -> int:
        return len(self.words)

    def rows(self, offsets: Sequence[int]) -> Iterator[int]:
        """The row of each place in `low`."""
        return (bisect_right(self._starts, offset) - 1 for offset in offsets)

    @cached_property
    def _starts(self) -> Sequence[int]:
        return list(accumulate((len(line) + 1 for line in self._lines), initial=0))

    @cached_property
    def unclear(self) -> Collection[int]:
        """Rows with a letter whose lower case is one of ASCII, or with bytes that are no UTF-8: those are read as "\\xNN"."""
        low = self.low
        if low.isascii():
            return ()
        found = set(self.rows(folding(low)))
        if not decodes(low):
            found.update(row for row, line in enumerate(self._lines) if not decodes(line))
        return found


SMALL = 0x20
"""The bit that a small letter of ASCII has and a capital has not. With it other bytes are taken for one another too (`[` and `{`), which
names a row too many; setting it in all bytes of a text takes an eighth of making them lower case."""

_FOLDS = "\u0130\u017f\u212a"
"""All characters beyond ASCII whose lower case has a letter of ASCII, and the one that `leaf.haystack` shows as such."""
_FOLDING = tuple(character.encode() for character in _FOLDS)
_ESCAPES = (rb"\u00", *(rb"\u%04x" % ord(character) for character in _FOLDS))
"""How JSON may spell a letter of ASCII otherwise: never within a piece, so they are looked for together."""
_PLAIN = re.compile(r"[ !#-.0-\[\]-~]+")
"""What JSON writes in no other way but by \\uNNNN."""
_TELLING = 3
"""Pieces shorter than this stand in every other line."""


class Pieces:
    """Which rows of a block may hold one of the literals: each that does, few that do not.

    Looks for the longest piece of each literal that JSON spells in one way, in the bytes as they were received.
    """

    def __init__(self, literals: Sequence[str]) -> None:
        """`literals`: in lower case."""
        self.literals = literals
        self._pieces = [max(_PLAIN.findall(literal), key=len, default="").encode() for literal in literals]
        self.telling = min(map(len, self._pieces), default=_TELLING) >= _TELLING
        """Without that every row is suspect."""
        self._words: dict[str, bool] = {}

    def suspects(self, block: Block) -> Sequence[int]:
        """Rows, ascending."""
        if not self.telling:
            return range(len(block))
        found = set(block.unclear)
        for find in self._finds:
            found.update(block.rows([begin for _, begin, _ in find(block.low)]))
        suspect = [words for words in set(block.words) if self._within(words)]
        if suspect:
            found.update(row for row, words in enumerate(block.words) if words in suspect)
        return sorted(found)

    def places(self, run: memoryview) -> Iterator[tuple[int, int]]:
        """Where something stands, from (inclusive) and to (exclusive), that makes its rows suspect, in bytes that were all `| SMALL`."""
        for find in self._small_finds:
            for _, begin, end in find(run):
                yield begin, end

    @cached_property
    def _finds(self) -> list[_Find]:
        return _finders({*_ESCAPES, *self._pieces})

    @cached_property
    def _small_finds(self) -> list[_Find]:
        return _finders({bytes([byte | SMALL for byte in each]) for each in (*_ESCAPES, *self._pieces)})

    def _within(self, words: str) -> bool:
        known = self._words.get(words)
        if known is None:
            low = words.lower()
            shown = low.replace("\u017f", "s")
            known = any(literal in low or literal in shown for literal in self.literals)
            if len(self._words) >= _WORDS_KEPT:
                self._words.clear()
            self._words[words] = known
        return known


@lru_cache(64)
def together(many: tuple[Pieces, ...]) -> Pieces:
    """The literals of all."""
    return Pieces(sorted({literal for pieces in many for literal in pieces.literals}))


_Find = Callable[[bytes | memoryview], list[tuple[int, int, int]]]

_AT_ONCE = 48
"""Patterns of one pass: up to some sixty it is a search by vectors, and two of those take a third of an automaton's steps."""
_WORDS_KEPT = 1_000


def _finders(patterns: Collection[bytes]) -> list[_Find]:
    """Which together find one of the patterns wherever one stands."""
    ordered = sorted(patterns)
    return [_finder(tuple(ordered[at : at + _AT_ONCE])) for at in range(0, len(ordered), _AT_ONCE)]


@lru_cache(64)
def _finder(patterns: tuple[bytes, ...]) -> _Find:
    """Matches without overlaps."""
    import ahocorasick_rs

    return ahocorasick_rs.BytesAhoCorasick(patterns, ahocorasick_rs.MatchKind.LeftmostFirst).find_matches_as_indexes


def folding(text: bytes | memoryview) -> list[int]:
    """Where letters stand whose lower case is one of ASCII."""
    return [begin for _, begin, _ in _finder(_FOLDING)(text)]


def decodes(line: bytes) -> bool:
    """Whether bytes are UTF-8."""
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
