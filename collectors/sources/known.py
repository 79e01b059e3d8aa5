"""Names of requests in, which of them were taken before out; their marks are journalled with their records, so also over a crash.

A sender that heard no answer sends its request again, under the same name. What it can have heard no answer to is what was under way: one
request a connection. So the journal needs to remember as many as there may be connections (slots of marks that are used in turn), and
memory some more, for those who replay what was answered long ago.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from collectors.record import Mark

_KEPT = 65_536
"""Names in memory."""


class Known:
    """Of one source. A name is a digest of what the sender calls its request and of what it holds."""

    def __init__(self, source: str, marks: Mapping[str, Mark], slots: int) -> None:
        """`marks`: of the journal, all sources. `slots`: how many names are journalled."""
        self._source = source
        self._slots = slots
        ours = [mark for key, mark in marks.items() if mark.source == source and key.startswith("request ")]
        self._names = OrderedDict.fromkeys(mark.stream for mark in sorted(ours, key=lambda mark: mark.offset))
        self._next = max((mark.offset for mark in ours), default=-1) + 1

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def mark(self, name: str) -> dict[str, Mark]:
        """What is to be journalled with the last of the request's records."""
        number, self._next = self._next, self._next + 1
        return {f"request {self._source} {number % self._slots}": Mark(self._source, name, "", number, 0)}

    def add(self, name: str) -> None:
        """The request is durable."""
        self._names[name] = None
        if len(self._names) > _KEPT:
            self._names.popitem(last=False)
