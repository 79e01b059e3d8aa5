"""The role that detects: it evaluates the partitions of the journal, and correlates the shares, that the brokers give this process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from collectors.errors import CollectorError
from collectors.journal.kafka_peer import KafkaPeer
from collectors.journal.kafka_stage import Members, OvertakenError
from soc.app.loops import RETRY_S
from soc.app.site import Site
from soc.app.stages.correlating import CorrelatingShare
from soc.app.stages.evaluating import EvaluatingPartition, SharedRules
from soc.app.stages.messages import Topics
from soc.app.stages.role import Role
from soc.detect.split import Singles

GROUP = "workers"
LOOK_S = 0.2
"""Between two looks what is ours."""
_END_S = 10.0

_log = logging.getLogger(__name__)


class _Piece(Protocol):
    """One partition or share at work."""

    def step(self) -> object:
        """Go on, or wait a little where there is nothing to do. Raises: JournalError."""
        ...

    def close(self) -> None:
        """Leave the brokers."""
        ...


class _Work:
    """A thread that goes on with one piece until it is told to end, and opens it anew where the brokers fail."""

    def __init__(self, opened: Callable[[], _Piece], name: str) -> None:
        self.over = threading.Event()
        self._opened = opened
        self._name = name

    def run(self) -> None:
        """Until it is `over`."""
        while not self.over.is_set():
            piece: _Piece | None = None
            try:
                piece = self._opened()
                _log.info("taken over", extra={"work": self._name})
                while not self.over.is_set():
                    piece.step()
                if isinstance(piece, CorrelatingShare):
                    piece.save()
            except OvertakenError as error:  # the brokers say soon whether it is still ours
                _log.warning("another process does this now", extra={"work": self._name, "error": str(error)})
                self.over.wait(RETRY_S)
            except CollectorError as error:
                _log.error("it goes on anew", extra={"work": self._name, "error": str(error)})
                self.over.wait(RETRY_S)
            finally:
                if piece is not None:
                    piece.close()


class Detect(Role):
    """One of the processes that share the work."""

    def __init__(self, site: Site, topics: Topics) -> None:
        """Build everything, so that every fault is told before the first event. Raises: SocError, FaultsError, CollectorError."""
        super().__init__(site)
        self._topics = topics
        self._content = site.content()
        budget = site.config.detect.rule_budget
        self._rules = SharedRules(Singles(self._content, topics.shares), budget, site.clock, self.metrics)
        self._model = site.logon_model()
        self.rules = len(self._rules.rules) + (self._model is not None)
        self.metrics.rules.set(self.rules)
        self._peer = KafkaPeer(topics.journal)
        site.at_close(self._peer.close)
        self._members = Members(topics.journal, GROUP, (topics.journal, topics.hits))
        self._works: dict[tuple[str, int], tuple[_Work, threading.Thread]] = {}
        self._threads.append(self._loops.thread("members", self._share))

    def stop(self) -> None:
        """Finish the batches that are under way, save what is remembered, and leave the rest to the others."""
        super().stop()
        self._members.close()

    def _share(self) -> None:
        """Do what is ours, and leave what is not any more."""
        while not self._over.is_set():
            ours = self._members.ours(LOOK_S)
            self._end([place for place in self._works if place not in ours])
            for place in ours - self._works.keys():
                self._begin(*place)
        self._end([*self._works])

    def _begin(self, topic: str, partition: int) -> None:
        opened = self._evaluating if topic == self._topics.journal.topic else self._correlating
        work = _Work(lambda: opened(partition), f"{topic}/{partition}")
        thread = self._loops.thread(f"{topic}/{partition}", work.run)
        self._works[topic, partition] = work, thread
        thread.start()

    def _end(self, places: list[tuple[str, int]]) -> None:
        ended = [self._works.pop(place) for place in places]
        for work, _ in ended:
            work.over.set()
        for _, thread in ended:
            thread.join(_END_S)

    def _evaluating(self, partition: int) -> _Piece:
        return EvaluatingPartition(self._topics, partition, self._peer, self._rules, self._model, self.metrics)

    def _correlating(self, share: int) -> _Piece:
        return CorrelatingShare(self.site, self._topics, share, self._peer, self._content, self.metrics)
