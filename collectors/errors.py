"""The errors of this package: one base, a subclass only where someone catches it."""

from __future__ import annotations


class CollectorError(Exception):
    """Base of every error that collectors raise on purpose; the message is for the person at the desk."""


class ParseError(CollectorError):
    """A record that its parser cannot read: `reason` says why, in words that name no more than 80 bytes of the record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class JournalError(CollectorError):
    """The journal cannot be opened, written or read (a full disk, a foreign file); nothing was acknowledged."""


class SourceError(CollectorError):
    """A source cannot be opened or read (missing file, address in use, not an EVTX file)."""


class DamagedFrameError(JournalError):
    """A frame of the journal that no longer reads as written. Caught by whoever must go on: reading may resume at `next_offset`.

    `path`, `position`: the segment and the byte where the damage begins. `offset` to `next_offset` (exclusive): what is lost.
    """

    def __init__(self, path: str, position: int, offset: int, next_offset: int) -> None:
        super().__init__(f"{path}: damaged at byte {position}: offsets {offset} to {next_offset - 1} cannot be read")
        self.path = path
        self.position = position
        self.offset = offset
        self.next_offset = next_offset
