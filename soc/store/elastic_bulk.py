"""Bulk actions in, one outcome for each out: split by size, what was refused for now sent again, the rest for the caller to judge.

Source of truth: Elasticsearch reference, "Bulk API": a request that succeeds carries items that each have their own status.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from elasticsearch import ApiError, Elasticsearch

from soc.errors import UnreachableError
from soc.store.elastic import BLOCKED, PAUSES_S, WORTH_A_RETRY, answering, reason_of, wait

MAX_ACTIONS = 2_000
MAX_BYTES = 5_000_000
"""Of one request, where the server's answer stays well under a second; a longer action goes alone."""

IN_FLIGHT = 2
"""Requests at a time: the node works on one while the next travels. Creations of documents know no order."""


_WANTED = ("errors", "items.*.status", "items.*.error")
"""Of the answer: a fifth of its bytes."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action: 200 or 201 done, 409 conflict, others with the server's reason."""

    status: int
    reason: str = ""

    @property
    def passes(self) -> bool:
        """Whether the same action may be taken later: the node is busy, or has closed the index for writing (disk full, maintenance)."""
        return self.status in WORTH_A_RETRY or (self.status == 403 and self.reason.startswith(BLOCKED))


_CREATED = Outcome(201)


@dataclass(frozen=True, slots=True)
class _Request:
    """Actions one after the other, and where each ends."""

    body: bytearray
    ends: list[int]

    def action(self, number: int) -> bytes:
        """One of them."""
        return bytes(self.body[self.ends[number - 1] if number else 0 : self.ends[number]])

    def part(self, numbers: Iterable[int]) -> _Request:
        """These of them."""
        [request] = _requests(map(self.action, numbers))
        return request


def bulk(client: Elasticsearch, actions: Iterable[bytes]) -> list[Outcome]:
    """Sends actions (each: action line, newline, source, newline) and gives their outcomes in the same order.

    They are asked for while earlier ones travel. Raises: UnreachableError where some are still not taken after all attempts, or the
    connection broke: those before may be done; SocError.
    """
    outcomes: list[Outcome] = []
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        travelling: deque[Future[list[Outcome]]] = deque()
        for request in _requests(actions):
            if len(travelling) == IN_FLIGHT:
                outcomes += travelling.popleft().result()
            travelling.append(pool.submit(_settled, client, request))
        for answer in travelling:
            outcomes += answer.result()
    return outcomes


def _settled(client: Elasticsearch, request: _Request) -> list[Outcome]:
    """One request, and what was refused for now again after a pause. Raises: as bulk."""
    outcomes = _send(client, request)
    for pause in (*PAUSES_S, None):
        waiting = [i for i, outcome in enumerate(outcomes) if outcome.passes]
        if not waiting:
            break
        if pause is None:
            last = outcomes[waiting[-1]]
            raise UnreachableError(
                f"Elasticsearch does not take {len(waiting)} of {len(outcomes)} documents ({last.status}): {last.reason}"
            )
        wait(pause)
        again = _send(client, request.part(waiting))
        for i, outcome in zip(waiting, again, strict=True):
            outcomes[i] = outcome
    return outcomes


def _requests(actions: Iterable[bytes]) -> Iterator[_Request]:
    body, ends = bytearray(), list[int]()
    for action in actions:
        if ends and (len(body) + len(action) > MAX_BYTES or len(ends) == MAX_ACTIONS):
            yield _Request(body, ends)
            body, ends = bytearray(), []
        body += action
        ends.append(len(body))
    if ends:
        yield _Request(body, ends)


def _send(client: Elasticsearch, request: _Request) -> list[Outcome]:
    """In halves where the request is larger than the server, or a proxy before it, takes."""
    count = len(request.ends)
    with answering():
        try:
            answer = client.bulk(operations=cast("Any", request.body), filter_path=_WANTED)  # goes out as it is
        except ApiError as error:
            if error.meta.status != 413:
                raise
            if count == 1:
                return [Outcome(413, reason_of(error.body))]
            half = count // 2
            return [each for part in (range(half), range(half, count)) for each in _send(client, request.part(part))]
    if not answer["errors"]:
        return [_CREATED] * count
    return [_outcome(next(iter(item.values()))) for item in answer["items"]]


def _outcome(item: dict[str, object]) -> Outcome:
    status = item["status"]
    assert isinstance(status, int)
    return Outcome(status, reason_of(item["error"]) if "error" in item else "")
