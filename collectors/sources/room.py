"""A number of bytes in, who may have how many of them out: what the connections of a source hold in memory together."""

from __future__ import annotations


class Room:
    """Bytes that are left."""

    def __init__(self, size_bytes: int) -> None:
        self._left = size_bytes

    def take(self, size_bytes: int) -> bool:
        """Whether there is so much; what was taken is to be given back."""
        if size_bytes > self._left:
            return False
        self._left -= size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """What `take` gave."""
        self._left += size_bytes
