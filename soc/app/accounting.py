"""What flowed, what was measured and what is overdue in, facts of the ledger and its signed head out: what happens at every tick."""

from __future__ import annotations

import dataclasses
import logging
import threading

from collectors.errors import CollectorError
from iso27001.errors import IsoError
from iso27001.ledger import Fact
from soc.app.anchoring import write_heads
from soc.app.auditing import accounted_to, failed_audits
from soc.app.canary import Canaries
from soc.app.conservation import Conservation, Evaluated
from soc.app.escalation import Escalation
from soc.app.indexing import Indexing
from soc.app.measuring import Measuring
from soc.app.reminding import Reminding
from soc.app.retention import retain
from soc.app.sealing import tell_sealed
from soc.app.silence import Silence
from soc.app.site import Site
from soc.app.watch import ledger_checked
from soc.errors import SocError

TICK_S = 60.0
"""Between two conservation facts and signed heads."""

RETAIN_EVERY_S = 3_600.0
"""Between two looks for what retention drops."""

_log = logging.getLogger(__name__)


class Accounting:
    """Of the one process that writes the ledger."""

    def __init__(self, site: Site, conservation: Conservation, evaluation: Evaluated, indexing: Indexing) -> None:
        self._site = site
        self._conservation = conservation
        self._evaluation = evaluation
        self._indexing = indexing
        self._measuring = Measuring(site)
        self._reminding = Reminding(site)
        self._canaries = Canaries(site)
        self._escalation = Escalation(site)
        self._audited_to = accounted_to(site)
        self._silence = Silence(site)

    def measure(self) -> None:
        """Take the measures that are due."""
        try:
            _, verdict = self._measuring.take()
            self._conservation.tell(ledger_checked(verdict, self._site.clock()) if verdict else [])
            self._conservation.tell([*self._reminding.look(self._site.clock())])
            self._conservation.tell([*self._canaries.look(self._site.clock())])
        except (IsoError, CollectorError, SocError) as error:
            _log.error("measures could not be taken", extra={"error": str(error)})

    def account(self) -> None:
        """Write what flowed since the last time, sign, and tell what is not as it should be."""
        try:
            now = self._site.clock()
            failed, self._audited_to = failed_audits(self._site, self._audited_to)
            self._conservation.tell(failed)
            fact = account(self._site, self._conservation, self._evaluation, self._indexing)
            self._conservation.tell([*self._silence.look(fact.body if fact else None, now)])
            self._conservation.tell([*self._escalation.look(now)])  # last: the store of alerts may be down
        except (IsoError, CollectorError, SocError) as error:
            _log.error("the ledger could not be signed", extra={"error": str(error)})

    def retain(self, over: threading.Event) -> None:
        """Drop what is kept no longer, every hour until it is `over`."""
        wait_s = TICK_S
        while not over.wait(wait_s):
            wait_s = RETAIN_EVERY_S
            try:
                for each in retain(self._site, over.is_set):
                    if each.dropped:
                        _log.info("events were dropped that are kept no longer", extra=dataclasses.asdict(each))
            except (OSError, IsoError, CollectorError, SocError) as error:
                _log.error("what is kept no longer could not be dropped", extra={"error": str(error)})


def account(site: Site, conservation: Conservation, evaluation: Evaluated, indexing: Indexing) -> Fact | None:
    """Write what flowed since the last time and which segments were sealed, then sign; the fact, where anything flowed."""
    fact = conservation.record(site.clock(), evaluation, indexing)
    tell_sealed(site)
    sign(site)
    return fact


def sign(site: Site) -> None:
    """Sign the ledger as it stands, unless it stands as it was signed, and write the head a second time."""
    now, ledger = site.clock(), site.ledger
    last = ledger.last_head()
    if last is None or last.size != ledger.size:
        write_heads(site, [ledger.sign(max(now, last.time) if last else now)])
