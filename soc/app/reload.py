"""Rule folders that change in, new content for the running engine out; a set with any fault is refused in the open and the old one goes on.

A thread of its own looks at the folders every few seconds (stat only) and at once when asked (SIGHUP). It loads; the engine swaps between
two batches, so each event is evaluated exactly once, by one set.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from soc.app.rule_files import Loaded, RuleFiles, Stamp
from soc.errors import Fault, FaultsError

SETTLE_S = 0.3
"""Folders are loaded once they stood still for this long: an editor or `git checkout` may be half-way."""

FOREVER_S = 3600.0
"""Between two looks where soc.yaml asks for none: only a signal ends the wait."""

_log = logging.getLogger(__name__)


class Reloader:
    """Watches the folders of a site. `take` gets each new set (and may raise FaultsError), `refuse` the faults of one that cannot be."""

    def __init__(
        self, files: RuleFiles, every_s: float, take: Callable[[Loaded], None], refuse: Callable[[list[Fault]], None]
    ) -> None:
        """`every_s`: between two looks; 0 for none, so that only `ask` has an effect."""
        self._files = files
        self._every_s = every_s
        self._take = take
        self._refuse = refuse
        self._refused: Mapping[str, Stamp] = {}
        self._asked = threading.Event()
        self._over = threading.Event()

    def ask(self) -> None:
        """Look now, and load even what did not change; also from a signal handler."""
        self._asked.set()

    def stop(self) -> None:
        """End `run`."""
        self._over.set()
        self._asked.set()

    def run(self) -> None:
        """Look and load until stopped."""
        while True:
            asked = self._asked.wait(self._every_s or FOREVER_S)
            self._asked.clear()
            if self._over.is_set():
                return
            if asked or self._every_s:
                self.look(asked=asked)

    def look(self, *, asked: bool = False) -> None:
        """Load what changed, if anything did. The same refused files are told once, unless somebody asks."""
        stamps = self._files.stamps()
        if not asked and (not self._files.changed(stamps) or stamps == self._refused):
            return
        while not self._over.wait(SETTLE_S):
            before, stamps = stamps, self._files.stamps()
            if stamps == before:
                break
        try:
            self._take(self._files.load(stamps))
        except FaultsError as error:
            self._refused = stamps
            self._refuse(error.faults)
            for fault in error.faults:
                _log.error("a changed rule is refused; the rules as they were go on", extra={"fault": str(fault)})
            return
        self._refused = {}
