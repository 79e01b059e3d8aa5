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

    def __init__(self, run: bytes, starts: Callable[[], Sequence[int]], words: Sequence[str]) -> None:
        """`starts`: gives where in `run` each text begins; `words`: as `Table.words` says, of each."""
        self.low = run.lower()
        self.words = words
        self._starts_of = starts

    @classmethod
    def of(cls, lines: Sequence[bytes], words: Sequence[str]) -> Block:
        """Rows, as `Table.lines` and `Table.words` give them."""
        return cls(b"\n".join(lines), lambda: list(accumulate((len(line) + 1 for line in lines), initial=0)), words)

    def __len__(self) -> int:
        return len(self.words)

    def rows(self, offsets: Sequence[int]) -> Iterator[int]:
        """The row of each place in `low`."""
        return (bisect_right(self._starts, offset) - 1 for offset in offsets)

    @cached_property
    def _starts(self) -> Sequence[int]:
        return self._starts_of()

    @cached_property
    def unclear(self) -> Collection[int]:
        """Rows with a letter whose lower case is one of ASCII, or with bytes that are no UTF-8: those are read as "\\xNN"."""
        low = self.low
        if low.isascii():
            return ()
        found = set(self.rows([begin for _, begin, _ in _finder(_FOLDING)(low)]))
        if not _decodes(low):
            ends = [*self._starts, len(low)][1:]
            found.update(
                row for row, (at, end) in enumerate(zip(self._starts, ends, strict=True)) if not _decodes(low[at:end])
            )
        return found


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
        self._literals = literals
        self._pieces = [max(_PLAIN.findall(literal), key=len, default="").encode() for literal in literals]
        self.telling = min(map(len, self._pieces), default=_TELLING) >= _TELLING
        """Without that every row is suspect."""
        self._finds: Sequence[_Find] = ()
        self._words: dict[str, bool] = {}
        self._among: tuple[Block, Sequence[int]] | None = None

    def suspects(self, block: Block) -> Sequence[int]:
        """Rows, ascending."""
        if not self.telling:
            return range(len(block))
        if not self._finds:
            patterns = sorted({*_ESCAPES, *self._pieces})
            self._finds = [_finder(tuple(patterns[at : at + _AT_ONCE])) for at in range(0, len(patterns), _AT_ONCE)]
        found = set(block.unclear)
        for find in self._finds:
            found.update(block.rows([begin for _, begin, _ in find(block.low)]))
        suspect = [words for words in set(block.words) if self._within(words)]
        if suspect:
            found.update(row for row, words in enumerate(block.words) if words in suspect)
        return sorted(found)

    def among(self, shared: Block) -> Sequence[int]:
        """`suspects` of a block that is asked for again and again."""
        if self._among is None or self._among[0] is not shared:
            self._among = shared, self.suspects(shared)
        return self._among[1]

    def _within(self, words: str) -> bool:
        known = self._words.get(words)
        if known is None:
            low = words.lower()
            shown = low.replace("\u017f", "s")
            known = any(literal in low or literal in shown for literal in self._literals)
            if len(self._words) >= _WORDS_KEPT:
                self._words.clear()
            self._words[words] = known
        return known


_Find = Callable[[bytes], list[tuple[int, int, int]]]

_AT_ONCE = 48
"""Patterns of one pass: up to some sixty it is a search by vectors, and two of those take a third of an automaton's steps."""
_WORDS_KEPT = 1_000


@lru_cache(64)
def _finder(patterns: tuple[bytes, ...]) -> _Find:
    """Matches without overlaps."""
    import ahocorasick_rs

    return ahocorasick_rs.BytesAhoCorasick(patterns, ahocorasick_rs.MatchKind.LeftmostFirst).find_matches_as_indexes


def _decodes(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
