"""The event store and the journal in; what is older than the site keeps it dropped, each with a fact of the ledger that explains the gap.

    store.dropped     rows of sealed segments (soc.app.store_retention), indices of Elasticsearch (soc.app.index_retention)
    journal.dropped   the oldest files of the journal (soc.app.journal_retention)

The fact is written first: what a run that died did not do of what it said, the next one does.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from soc.app.journal_retention import journal_plans
from soc.app.keeping import Looked, Plan
from soc.app.legal_minimum import keeping
from soc.app.sealing import tell_sealed
from soc.app.site import Site
from soc.app.store_retention import finish, store_plans
from soc.store.config import StoreKind


def retain(site: Site, over: Callable[[], bool] = lambda: False) -> list[Looked]:
    """Drop what is due, until `over` says so; what was looked at. Nothing while another process does it.

    Raises: FaultsError where soc.yaml keeps less than the law demands; OSError, CollectorError, IsoError: what is done by then is done.
    """
    found = []
    with alone(site) as nobody_else:
        if nobody_else:
            tell_sealed(site)
            finish(site)
            for plan in plans(site):
                if over():
                    break
                plan.carry_out()
                found.append(plan.looked)
    return found


def plans(site: Site) -> Iterator[Plan]:
    """What there is to do, from the oldest file on to the first that is young. Raises: as `retain`."""
    keep, now = keeping(site), site.clock()
    if site.config.store.kind is StoreKind.LOCAL:
        yield from store_plans(site, keep, now)
    else:
        from soc.app.index_retention import index_plans

        yield from index_plans(site, keep, now)
    if site.config.journal.kind == "local":
        yield from journal_plans(site, site.config.journal.retention, now)


@contextmanager
def alone(site: Site, *, wait: bool = False) -> Iterator[bool]:
    """Whether no other process drops anything until the end; `wait` until it is so. Raises: OSError."""
    fd = os.open(site.config.data / "retention.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    try:
        yield _taken(fd, wait=wait)
    finally:
        os.close(fd)


def _taken(fd: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
