"""What every role of the running SOC has: metrics, loops, a start and an end."""

from __future__ import annotations

import threading

from soc.app.life import Life
from soc.app.loops import Loops
from soc.app.memory import settle
from soc.app.site import Site
from soc.metrics import Metrics


class Role(Life):
    """A process at its part of the work; `start` and `stop`, or as a context manager. Subclasses add threads and end them in `stop`."""

    rules = 0

    def __init__(self, site: Site) -> None:
        self.site = site
        self.metrics = Metrics()
        self._loops = Loops(self.metrics)
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.broken = self._loops.broken
        """Set when a loop failed: whoever runs this stops it then; what is durable is taken up at the next start."""
        self._server = self.metrics.serve(site.config.metrics.listen) if site.config.metrics.listen else None

    def start(self) -> None:
        """Begin."""
        settle()
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is under way."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._server is not None:
            self._server.stop()

    def reload(self) -> None:
        """Rules are loaded at the start of a role: whoever changes them starts the processes that detect anew, one by one."""

    def finished(self) -> bool:
        """Whether all is read that ever comes."""
        return False

    def summary(self) -> str:
        """What it did, in one line."""
        return ""
