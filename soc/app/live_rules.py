"""The site's rule set at work: events in, detections out, with a memory that a crash does not lose and rules that change while events flow.

What correlations remember is saved with the journal's offset that it belongs to. A start takes it up and evaluates the journal again from
there to where detection was; what comes of that is in the ledger already and is dropped. So the detections after a crash are those of a
run that was never interrupted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence

from collectors.event import Event
from collectors.journal import JournalReader
from soc.app.correlation_state import StateFile
from soc.detect import Detection
from soc.detect.ruleset import RuleSet
from soc.store.fetching import fetch

SAVE_EVERY_S = 60.0
"""Between two saved states: what a start after a crash evaluates again."""

MOST_WARM_UP = 2_000_000
"""Events that a start without a saved state evaluates again at the most: under a minute of CPU."""

_log = logging.getLogger(__name__)


class LiveRules:
    """Rules over the journal, from the thread that detects; `replace` from any."""

    def __init__(self, rules: RuleSet, journal: JournalReader, state: StateFile) -> None:
        """Goes on where the state was saved; `resume` brings it to where detection was."""
        self.rules = rules
        self._journal = journal
        self._state = state
        self._next: tuple[RuleSet, Mapping[str, str]] | None = None
        self._lock = threading.Lock()
        self._batch: Sequence[Event] = ()
        self._first = 0
        self._recalled: dict[str, int] = {}
        self._saved_at = time.monotonic()

    def resume(self, committed: int) -> None:
        """Bring the rules to the state that they had at this offset."""

    def detect(self, events: Sequence[Event], first: int) -> list[Detection]:
        """All detections of a batch, whose first event stands at `first` of the journal."""
        self._batch, self._first = events, first
        self._recalled.clear()
        return self.rules.detect(events)

    def places(self) -> Mapping[str, int]:
        """Where in the journal the events of the last batch stand, by id, and those that its detections recalled."""
        at = {event.id: offset for offset, event in enumerate(self._batch, self._first)}
        return {**at, **self._recalled} if self._recalled else at

    def _recall(self, offsets: Sequence[int]) -> list[Event]:
        """Events of the journal; left out is what retention dropped or the disk damaged, which `fetch` tells."""
        last = self._first + len(self._batch)
        found = dict(fetch(self._journal, [offset for offset in offsets if not self._first <= offset < last]))
        found.update((offset, self._batch[offset - self._first]) for offset in offsets if self._first <= offset < last)
        self._recalled.update((event.id, offset) for offset, event in found.items())
        return [found[offset] for offset in offsets if offset in found]

    def replace(self, rules: RuleSet, versions: Mapping[str, str]) -> None:
        """Have this set evaluate from the next batch on; the last one given counts. `versions`: of all content, by id."""
        with self._lock:
            self._next = rules, versions

    def take_over(self) -> Mapping[str, str] | None:
        """Swap to the set that waits, if one does; what unchanged correlations remember stays. The versions, or None where none waits."""
        with self._lock:
            waiting, self._next = self._next, None
        if waiting is None:
            return None
        self.rules, versions = waiting
        self._saved_at = -SAVE_EVERY_S
        return versions

    @property
    def held_back(self) -> int:
        """Hits that wait for time to go on."""
        return 0

    def save(self, offset: int, *, wait: bool = False) -> None:
        """Save what correlations remember at this offset, if it is time; `wait`: in any case, and until it is durable."""
