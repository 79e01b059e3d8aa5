"""A service's API over HTTPS in, one record for each object of its replies out; goes on where the journal says it was.

Delivery and keys: `collectors.sources.poll_config`. Requests run in a thread of their own, so that the source ends at once when it is told
to. What fails is tried again: after `Retry-After` where the service says so (RFC 9110 section 10.2.3), else after ever longer pauses.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import NamedTuple

from collectors.errors import SourceError
from collectors.record import Mark, Position, RawRecord
from collectors.sources.poll_config import PollConfig
from collectors.sources.poll_page import Page, page_of, text_at, with_parameter
from collectors.sources.source import BATCH_RECORDS, Batch, Counts

log = logging.getLogger(__name__)

_STREAM = "poll"
_DIGEST_BYTES = 16
_REMEMBERED = 20_000
"""Digests of the last page that are journalled with each batch: a longer page that is read again would be taken again."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0
_LOOK_S = 0.1


class _Failure(NamedTuple):
    """Why there is no page, and how long the service asks us to wait; 0: it does not say."""

    why: str
    wait_s: float = 0.0


class PollSource:
    """Asks when driven."""

    def __init__(self, config: PollConfig, marks: Mapping[str, Mark]) -> None:
        self._config = config
        self.counts = Counts()
        self._headers = _headers(config)
        mark = marks.get(self._key)
        self._url = mark.path if mark else ""
        self._ordinal = mark.offset if mark else 0
        tail = mark.tail if mark else b""
        self._seen = dict.fromkeys(tail[at : at + _DIGEST_BYTES] for at in range(0, len(tail), _DIGEST_BYTES))
        self._closed = threading.Event()

    @property
    def id(self) -> str:
        """As in soc.yaml."""
        return self._config.id

    @property
    def _key(self) -> str:
        return f"{self._config.id}\0{_STREAM}"

    def batches(self, stop: threading.Event) -> Iterator[Batch]:
        """A batch for each page, or several; waits `every` where the service has no more."""
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            url = self._url or self._first()
            got = self._fetched(url, stop)
            if got is None:
                return
            if isinstance(got, _Failure):
                self.counts.failed += 1
                wait_s = got.wait_s or pause_s
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                log.warning(
                    "the service gave no records", extra={"source": self.id, "error": got.why, "again_in_s": wait_s}
                )
                stop.wait(wait_s)
                continue
            pause_s = _FIRST_PAUSE_S
            new = yield from self._handed_over(url, got)
            if not got.follows or (got.follows == url and not new):
                stop.wait(self._config.every.total_seconds())

    def close(self) -> None:
        """Ask no more; a second time changes nothing."""
        self._closed.set()

    def _first(self) -> str:
        config = self._config
        if not config.since:
            return config.url
        start = datetime.now(UTC) - config.start  # noqa: TID251  sources say from when on they read
        return with_parameter(config.url, config.since, start.isoformat(timespec="seconds").replace("+00:00", "Z"))

    def _handed_over(self, url: str, page: Page) -> Generator[Batch, None, int]:
        """The records of a page that were not taken before; gives how many."""
        received = datetime.now(UTC)  # noqa: TID251  sources say when a record was received
        known, here = self._seen, dict[bytes, None]()
        new: list[tuple[bytes, bytes]] = []
        for data in page.records:
            digest = blake2b(data, digest_size=_DIGEST_BYTES).digest()
            if digest in known or digest in here:
                self.counts.repeated += 1
            else:
                new.append((digest, data))
            here[digest] = None
        following = page.follows or self._since(page) or url
        for begin in range(0, len(new), BATCH_RECORDS):
            part = new[begin : begin + BATCH_RECORDS]
            last = begin + len(part) == len(new)
            self._url = following if last else url
            self._seen = here if last else self._seen | dict.fromkeys(digest for digest, _ in part)
            records = [RawRecord(data, self.id, self._place(number), received) for number, (_, data) in enumerate(part)]
            self._ordinal += len(part)
            self.counts.add(records)
            yield Batch(records, {self._key: self._mark()})
        if not new and following != url:
            self._url = following
            yield Batch(marks={self._key: self._mark()})
        return len(new)

    def _place(self, number: int) -> Position:
        return Position("", _STREAM, self._ordinal + number, self._ordinal + number + 1)

    def _since(self, page: Page) -> str:
        """Where to ask from on after the last page: from the greatest moment of its records."""
        config = self._config
        if not config.since:
            return ""
        moments = [text_at(data, config.since_field) for data in page.records]
        latest = max((moment for moment in moments if moment), default="")
        return with_parameter(config.url, config.since, latest) if latest else ""

    def _mark(self) -> Mark:
        tail = b"".join(list(self._seen)[-_REMEMBERED:])
        return Mark(self.id, _STREAM, self._url, self._ordinal, self._ordinal, tail=tail, tail_bytes=len(tail))

    def _fetched(self, url: str, stop: threading.Event) -> Page | _Failure | None:
        """A page, or why there is none; None when it was told to stop."""
        answer: queue.SimpleQueue[Page | _Failure] = queue.SimpleQueue()
        thread = threading.Thread(target=lambda: answer.put(self._asked(url)), name=f"poll {self.id}", daemon=True)
        thread.start()
        while not (stop.is_set() or self._closed.is_set()):
            try:
                return answer.get(timeout=_LOOK_S)
            except queue.Empty:
                continue
        return None

    def _asked(self, url: str) -> Page | _Failure:
        import urllib3

        config = self._config
        wait = urllib3.Timeout(total=config.timeout.total_seconds())
        trust = str(config.ca_file) if config.ca_file else None
        try:
            with (
                urllib3.PoolManager(retries=False, timeout=wait, ca_certs=trust) as pool,
                pool.request("GET", url, headers=self._headers, preload_content=False, redirect=False) as reply,
            ):
                if reply.status != 200:
                    return _Failure(f"HTTP {reply.status}", _retry_after(reply.headers.get("retry-after", "")))
                body = b""
                while chunk := reply.read(65_536, decode_content=True):
                    body += chunk
                    if len(body) > config.max_reply_bytes:
                        return _Failure(f"a reply of more than {config.max_reply_bytes:,} bytes")
                headers = {name.lower(): value for name, value in reply.headers.items()}
            return page_of(config, url, body, headers)
        except (urllib3.exceptions.HTTPError, SourceError, OSError, ValueError) as error:
            return _Failure(str(error)[:200])


def _headers(config: PollConfig) -> dict[str, str]:
    """What every request says. Raises: SourceError where the file cannot be read or a line is no header."""
    said = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "soc-collector"}
    if config.headers_file is None:
        return said
    try:
        lines = config.headers_file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{config.id}: {config.headers_file} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        name, found, value = line.partition(":")
        if not line.strip() or line.startswith("#"):
            continue
        if not found or not name.strip().isascii() or not value.strip():
            raise SourceError(f"{config.id}: {config.headers_file}:{number}: not a header, Name: value")
        said[name.strip()] = value.strip()
    return said


def _retry_after(said: str) -> float:
    """Seconds that the service asks us to wait; 0 where it does not say, or says a date."""
    return min(float(said), _LONGEST_PAUSE_S) if said.isascii() and said.isdigit() and len(said) < 7 else 0.0
