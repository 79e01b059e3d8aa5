"""Frames of a new RELP session in, which of them are in the journal already out: those sent again after their answer was lost. No I/O.

A client that loses its connection cannot know what arrived. It opens a new one and first sends again, in order, every frame that it has
no answer to. So what it sends again is a run that ends where the frames end which we took from the session that broke, and that run
stands at the very start of the new session. `Tail` remembers digests of the last frames of a session (its marks are journalled in the
same append as the frames), `Start` finds the run. A frame that has the bytes of an old one anywhere else is a new event and stays one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from itertools import islice

from collectors.record import Mark

DIGEST_BYTES = 8
SETTLED_S = 30.0
"""A frame that came so long after an answer was sent tells that the client has read that answer: it reads before it writes."""
_BLOCK = 64
"""Digests in one mark: an append writes those that changed, and not the whole tail again."""


def digest(data: bytes) -> bytes:
    """What a frame is known by."""
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


class Tail:
    """The last frames of one session that its client may not have an answer to, at most `window` of them."""

    def __init__(self, source: str, peer: str, session: str, window: int) -> None:
        self.peer = peer
        self.session = session
        self._source = source
        self._window = window
        self._first = 0
        self._digests: deque[bytes] = deque()
        self._answered: deque[tuple[float, int]] = deque()
        self._marked = 0
        self._oldest_block = 0
        self.over = False
        """Set when nothing of this session can come again: then its marks go."""

    def __len__(self) -> int:
        return len(self._digests)

    @property
    def end(self) -> int:
        """How many frames the session had."""
        return self._first + len(self._digests)

    def digests(self, start: int = 0) -> list[bytes]:
        """From the oldest that is remembered, or `start` later, to the last."""
        return list(islice(self._digests, start, None))

    def add(self, frame: bytes, now_s: float) -> None:
        """One more frame, by its digest. `now_s`: of a clock that only goes forward."""
        while self._answered and self._answered[0][0] + SETTLED_S < now_s:
            self._forget(self._answered.popleft()[1])
        self._digests.append(frame)
        self._forget(self.end - self._window)

    def answered(self, now_s: float) -> None:
        """Every frame so far was answered now."""
        if self._digests and (not self._answered or self._answered[-1][1] < self.end):
            self._answered.append((now_s, self.end))

    def marks(self) -> dict[str, Mark | None]:
        """What changed since the last call, to be journalled with the frames."""
        if self.over:
            gone = dict.fromkeys(map(self._key, range(self._oldest_block, -(-self._marked // _BLOCK))))
            self._oldest_block = -(-self._marked // _BLOCK)
            return {**gone}
        changed: dict[str, Mark | None] = {}
        oldest = self._first // _BLOCK
        for block in range(self._oldest_block, min(oldest, -(-self._marked // _BLOCK))):
            changed[self._key(block)] = None
        if self.end > self._marked:
            for block in range(max(oldest, self._marked // _BLOCK), -(-self.end // _BLOCK)):
                start = max(self._first, block * _BLOCK)
                kept = islice(self._digests, start - self._first, (block + 1) * _BLOCK - self._first)
                joined = b"".join(kept)
                count = len(joined) // DIGEST_BYTES
                changed[self._key(block)] = Mark(self._source, self.session, self.peer, start, count, tail=joined)
        self._oldest_block, self._marked = oldest, self.end
        return changed

    def _forget(self, before: int) -> None:
        while self._first < before and self._digests:
            self._digests.popleft()
            self._first += 1

    def _key(self, block: int) -> str:
        return f"relp {self._source} {self.session} {block}"

    @classmethod
    def of_marks(cls, marks: Iterable[Mark], window: int) -> Tail:
        """The tail that marks of one session tell of, which must be at least one."""
        blocks = sorted(marks, key=lambda mark: mark.offset)
        first = blocks[0]
        tail = cls(first.source, first.path, first.stream, window)
        tail._first = first.offset
        for mark in blocks:
            tail._digests += (mark.tail[i : i + DIGEST_BYTES] for i in range(0, len(mark.tail), DIGEST_BYTES))
        tail._oldest_block, tail._marked = tail._first // _BLOCK, tail.end
        return tail


class Start:
    """The first frames of a session, held against the tails of sessions of the same peer that broke."""

    def __init__(self, tails: Iterable[Tail]) -> None:
        self._candidates = [(tail, tail.digests()) for tail in tails if len(tail)]
        self._runs: list[tuple[Tail, list[bytes], int]] = []
        self._held = 0
        self.resent = 0
        self.tail: Tail | None = None
        self.decided = not self._candidates

    def add(self, frame: bytes) -> bool:
        """Hold one more frame (its digest) against them; True once it is decided how many of the frames so far were sent again.

        Then `resent` is their number, from the first one on, and `tail` the tail that they end.
        """
        if not self._held:
            runs = [(t, d, at) for t, d in self._candidates for at, known in enumerate(d) if known == frame]
        else:
            runs = [(t, d, at) for t, d, at in self._runs if d[at] == frame]
        self._held += 1
        self._runs = []
        for tail, digests, at in runs:
            if at + 1 == len(digests):
                self.resent, self.tail = self._held, tail
            else:
                self._runs.append((tail, digests, at + 1))
        self.decided = not self._runs
        return self.decided


def tails_of(marks: Mapping[str, Mark], source: str, window: int) -> list[Tail]:
    """The tails that the journal's marks hold for one source, those marked first first."""
    sessions: dict[str, list[Mark]] = {}
    for key, mark in marks.items():
        if mark.source == source and key.startswith("relp "):
            sessions.setdefault(mark.stream, []).append(mark)
    return [Tail.of_marks(found, window) for found in sessions.values()]
