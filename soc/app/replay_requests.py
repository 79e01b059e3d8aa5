"""A person's wish to try dead letters again in, what came of it out: done here, or by the `soc run` that writes the journal.

The wish is a fact of the ledger, and so is the answer: a SOC that dies in between answers after its next start, and an auditor sees who
asked for what.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from collectors.errors import CollectorError
from collectors.journal import writer_of
from iso27001.errors import IsoError
from iso27001.ledger import Entry, Fact
from soc.app.replaying import Append, Replay, replay
from soc.errors import SocError

if TYPE_CHECKING:
    from soc.app.site import Site

ASKED = "deadletters.asked"
ANSWERED = "deadletters.answered"

LOOK_S = 1.0
"""Between two looks into the ledger."""

_MOST_REASONS = 100
"""Reasons that an answer names, those of the most letters."""

_log = logging.getLogger(__name__)


def replayed(site: Site, actor: str, source_id: str = "", *, dry_run: bool = False) -> Replay:
    """Try every dead letter (of one source) again; where a SOC runs, wait for it to. Raises: SocError, FaultsError, CollectorError."""
    if dry_run:
        return replay(site, actor, source_id)
    if _writer(site) not in (0, os.getpid()):
        return _answer(site, _ask(site, actor, source_id))
    journal = site.journal
    return replay(site, actor, source_id, lambda events, marks: journal.append(events, marks, []))


def _writer(site: Site) -> int:
    return writer_of(site.journal_folder)


def _ask(site: Site, actor: str, source_id: str) -> Entry:
    now = site.clock()
    fact = Fact(f"{ASKED}:{now.isoformat()}", ASKED, now, actor, {"source": source_id})
    [entry] = site.ledger.append([fact])
    return entry


def _answer(site: Site, asked: Entry) -> Replay:
    """What the SOC that runs answers. Raises: SocError where it could not, or none runs any more."""
    while True:
        runs = _writer(site)
        for entry in site.ledger.entries(after=asked.seq, kinds=[ANSWERED]):
            body = entry.fact.body
            if body["asked"] == asked.fact.id:
                if body["error"]:
                    raise SocError(f"soc run could not replay all dead letters: {body['error']}")
                return _result(body)
        if not runs:
            raise SocError("soc run ended before all dead letters were replayed; it goes on when it runs again")
        time.sleep(LOOK_S)


class Replayer:
    """Does what people ask for, in the process that writes the journal. `append`: puts events there, and counts them."""

    def __init__(self, site: Site, append: Append) -> None:
        self._site = site
        self._append = append
        self._looked_to = -1
        self._waiting: list[Fact] = []

    def run(self, stop: threading.Event) -> None:
        """Look and answer until `stop`; what is under way then is gone on with after the next start."""
        while not stop.wait(LOOK_S):
            try:
                self._look(stop)
            except IsoError as error:
                _log.error("the ledger does not answer; trying again", extra={"error": str(error)})

    def _look(self, stop: threading.Event) -> None:
        ledger = self._site.ledger
        size = ledger.size
        entries = [entry.fact for entry in ledger.entries(after=self._looked_to, kinds=[ASKED, ANSWERED])]
        answered = {fact.body["asked"] for fact in entries if fact.kind == ANSWERED}
        self._waiting += [fact for fact in entries if fact.kind == ASKED and fact.id not in answered]
        self._looked_to = size - 1
        while self._waiting and not stop.is_set():
            self._do(self._waiting[0], stop)
            del self._waiting[0]

    def _do(self, asked: Fact, stop: threading.Event) -> None:
        """Replay and answer; that a disk is full, or a file of enrichment cannot be read, is an answer too."""
        result, why = Replay(), ""
        try:
            result = replay(self._site, asked.actor, asked.body["source"], self._append, stop.is_set)
        except (CollectorError, SocError) as error:
            _log.error("dead letters could not be replayed", extra={"error": str(error)})
            why = str(error)
        if stop.is_set() and not why:
            return  # perhaps not to the end
        body = {"asked": asked.id, "error": why, **_told(result)}
        self._site.ledger.append([Fact(f"{ANSWERED}:{asked.id}", ANSWERED, self._site.clock(), "engine", body)])


def _told(result: Replay) -> dict[str, Any]:
    """A result as a fact holds it."""
    reasons = [[*key, count] for key, count in result.reasons.most_common(_MOST_REASONS)]
    counts = {"replayed": dict(result.replayed), "stayed": dict(result.stayed)}
    return {"looked": result.looked, "before": result.before, **counts, "reasons": reasons}


def _result(body: Mapping[str, Any]) -> Replay:
    found = Replay(body["looked"], body["before"])
    found.replayed.update(body["replayed"])
    found.stayed.update(body["stayed"])
    found.reasons.update({(source, reason): count for source, reason, count in body["reasons"]})
    return found
