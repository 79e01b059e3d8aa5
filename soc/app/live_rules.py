"""The site's rule set at work: events in, detections out, with a memory that a crash does not lose and rules that change while events flow.

What correlations remember is saved with the journal's offset that it belongs to. A start takes it up and evaluates the journal again from
there to where detection was; what comes of that is in the ledger already and is dropped. So the detections after a crash are those of a
run that was never interrupted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from collectors.event import Event
from collectors.journal import JournalReader
from soc.app.correlation_state import Saved, StateFile, last_id
from soc.app.gaps import Gap, spans
from soc.app.reading import BATCH, next_batch
from soc.app.recall import JournalRecall
from soc.detect import Detection
from soc.detect.correlation.state import StateError
from soc.detect.ruleset import RuleSet

SAVE_EVERY_S = 60.0
"""Between two saved states: what a start after a crash evaluates again."""

MOST_WARM_UP = 2_000_000
"""Events that a start without a saved state evaluates again at the most: under a minute of CPU."""

_RECEIVED_APART = timedelta(minutes=1)
"""How far times of receipt of neighbours in the journal may be apart, as several sources write at once."""

_log = logging.getLogger(__name__)


class LiveRules:
    """Rules over the journal, from the thread that detects; `replace` from any."""

    def __init__(self, rules: RuleSet, journal: JournalReader, recall: JournalRecall, state: StateFile) -> None:
        """`recall`: what the rules, and all that come after them, were given."""
        self.rules = rules
        self._journal = journal
        self._recall = recall
        self._state = state
        self._next: tuple[RuleSet, Mapping[str, str]] | None = None
        self._lock = threading.Lock()
        self._saved_at = time.monotonic()

    def resume(self, committed: int, gaps: Sequence[Gap] = ()) -> None:
        """Bring the rules to what they knew at this offset; in its `gaps` a rule sees nothing this time either."""
        saved = self._state.load(self._journal, committed)
        if not self.rules.correlates:
            return
        start = self._restored(saved) if saved else None
        if start is None:
            start = self._warm_up_from(committed)
        _log.info("correlations go on", extra={"from": start, "to": committed})
        for offset, end, blind in spans(gaps, max(start, self._journal.start()), committed):
            self.rules.suspend(blind)
            at = offset
            while at < end:
                events, following = next_batch(self._journal, at, min(BATCH, end - at))
                self.detect(events, at)
                at = following

    def _restored(self, saved: Saved) -> int | None:
        try:
            self.rules.restore(saved.state)
        except StateError as error:
            _log.warning("the saved state of correlations cannot be used", extra={"why": str(error)})
            return None
        return saved.offset

    def detect(self, events: Sequence[Event], first: int) -> list[Detection]:
        """All detections of a batch, whose first event stands at `first` of the journal."""
        with self._lock:
            self._recall.begin(events, first)
            return self.rules.detect(events, first)

    def places(self) -> Mapping[str, int]:
        """Where in the journal the events of the last batch stand, by id, and those that its detections recalled."""
        return self._recall.places()

    def replace(self, made: Callable[[RuleSet], RuleSet], versions: Mapping[str, str]) -> None:
        """Have another set evaluate from the next batch on; the last one given counts. `versions`: of all its content, by id.

        It is `made` of the one that runs, between two batches, for it takes over what is compiled. Raises: what `made` raises.
        """
        with self._lock:
            self._next = made(self.rules), versions

    def take_over(self) -> Mapping[str, str] | None:
        """Swap to the set that waits, if one does; what unchanged correlations remember stays. The versions, or None where none waits."""
        with self._lock:
            waiting, self._next = self._next, None
        if waiting is None:
            return None
        rules, versions = waiting
        rules.adopt(self.rules)
        self.rules = rules
        self._saved_at -= SAVE_EVERY_S
        return versions

    def save(self, offset: int, *, wait: bool = False) -> None:
        """Save what correlations remember at this offset, if it is time; `wait`: in any case, and until it is durable."""
        if self.rules.correlates and (wait or time.monotonic() - self._saved_at >= SAVE_EVERY_S):
            self._saved_at = time.monotonic()
            self._state.save(offset, last_id(self._journal, offset), self.rules.state, wait=wait)

    def _warm_up_from(self, committed: int) -> int:
        """The offset of the first event that a correlation could still look back on; bounded, which the log then says."""
        start = max(self._journal.start(), committed - MOST_WARM_UP)
        if committed <= start:
            return committed
        since = self._journal.fetch(committed - 1).ingested - self.rules.looks_back - _RECEIVED_APART
        low, high = start, committed - 1
        while low < high:
            middle = (low + high) // 2
            if self._journal.fetch(middle).ingested < since:
                low = middle + 1
            else:
                high = middle
        if low == start > self._journal.start():
            _log.warning("correlations look back on a part of their time only", extra={"from": start})
        return low
