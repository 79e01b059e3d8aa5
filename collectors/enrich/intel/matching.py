"""The fields of an event in, `threat.*` out where a value of them is an indicator. Names as in ECS 8.17 (`threat.indicator.*`, and
`threat.enrichments.matched.*` of all that matched).

Each value is looked up once and its answer remembered (`REMEMBERED` of each kind), so what an event costs is a handful of dictionary
look-ups. The set is an array of keys of 63 bits, 8 MB for a million; what has a key of it is confirmed by the set on the disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from collectors.enrich.intel.indicator import (
    DOMAIN,
    EMAIL,
    FILE,
    HASHES,
    MAX_VALUE,
    URL,
    Indicator,
    Kind,
    address_key,
    confidence_word,
    domain_of,
    host_key,
    host_of,
    key_of,
    net_key,
    packed,
    url_of,
    within,
)
from collectors.enrich.intel.reading import IndicatorError
from collectors.enrich.intel.store import IndicatorStore, Known, keys, nets, of_key
from collectors.enrich.intel.warning import WarningLists
from collectors.event import Value

REMEMBERED = 32_768
"""Distinct values of each kind whose answer is kept, 3 MB each as values go; a flood of new ones empties the memory."""

_LONGEST_KEPT = 512
"""Characters of a value whose answer is kept: so 20 MB for each kind, whatever an attacker sends."""

_log = logging.getLogger(__name__)


def _sides(names: str, *sides: str) -> list[str]:
    return [f"{side}.{name}" for side in sides for name in names.split()]


_ADDRESS_FIELDS = (
    *_sides("ip nat.ip", "source", "destination", "client", "server"),
    "dns.resolved_ip",
    "related.ip",
)
_DOMAIN_FIELDS = (
    *_sides("domain", "source", "destination", "client", "server", "url"),
    *("dns.question.name", "tls.client.server_name", "related.hosts", "http.request.headers.host"),
)
_URL_FIELDS = ("url.full", "url.original", "http.request.referrer")
_EMAIL_FIELDS = (
    *_sides("from.address to.address sender.address reply_to.address cc.address bcc.address", "email"),
    "user.email",
)
_FILE_FIELDS = (
    *_sides(
        "hash.md5 hash.sha1 hash.sha256 hash.sha512",
        "file",
        "process",
        "process.parent",
        "dll",
        "email.attachments.file",
    ),
    *("related.hash", "winlog.event_data.Hashes", "winlog.event_data.Hash"),
)
"""ECS fields, and Sysmon's list of hashes, whose values are looked up."""


class Hit(NamedTuple):
    """A value of an event that is an indicator."""

    field: str
    value: str
    known: Known


Answer = tuple[Known, ...]


class _Set(NamedTuple):
    """A set as it stood when it was opened."""

    has: Callable[[int], bool]
    of_key: Callable[[int], Sequence[Known]]
    prefixes: Mapping[int, tuple[int, ...]]
    subdomains: bool
    size: int


class IndicatorMatcher:
    """Looks values up in the set of a site, as it stands: a new set is taken at the next event. For any number of threads."""

    def __init__(self, store: IndicatorStore, warnings: WarningLists | None = None) -> None:
        """Raises: IndicatorError where there is a set that cannot be read."""
        self._store = store
        self._warnings = warnings or WarningLists()
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self.warned = 0
        """Distinct values that a feed names and a warning list keeps from matching, since the start; as far as they are remembered."""
        self._look = _Looking(_opened(store), self._not_warned)
        self._stamp = _stamp(store)

    @property
    def size(self) -> int:
        """How many keys are matched."""
        return self._look.set.size

    def refresh(self) -> None:
        """Take the set as it is now, where it is another one; a set that cannot be read is told, and the one before goes on."""
        stamp = _stamp(self._store)
        if stamp == self._stamp:
            return
        with self._lock:
            if stamp == self._stamp:
                return
            self._stamp = stamp
            try:
                self._look = _Looking(_opened(self._store), self._not_warned)
            except IndicatorError as error:
                _log.error("the new set of indicators is refused; the one before goes on", extra={"error": str(error)})
                return
            _log.info("a new set of indicators is matched from here on", extra={"indicators": self._look.set.size})

    def adds(self, fields: Mapping[str, Value], time: datetime) -> dict[str, Value] | None:
        """The `threat.*` fields of what matches and is valid at this time, and "threat" among the categories; None where nothing does."""
        hits = [hit for hit in self.hits(fields) if hit.known.indicator.valid(time)]
        return _fields(hits, fields.get("event.category")) if hits else None

    def hits(self, fields: Mapping[str, Value]) -> list[Hit]:
        """Every value that is an indicator, with each feed that says so, whatever its validity."""
        found: list[Hit] = []
        look = self._look
        for name in _WATCHED.intersection(fields):
            answers = look.answers[name]
            value = fields[name]
            for text in value if value.__class__ is list else (value,):
                answer = answers[text] if text.__class__ is str else ()
                if answer:
                    found += [Hit(name, str(text), known) for known in answer]
        return found

    def of_value(self, kind: Kind, value: str) -> list[Known]:
        """The indicators that a value of this kind is, those on warning lists included."""
        return list(_Looking(self._look.set, lambda _: True).of_kind[kind][value])

    def warning(self, kind: Kind, value: str) -> str:
        """The warning list that has a value; "" where none does."""
        return self._warnings.names(kind, value)

    def _not_warned(self, known: Known) -> bool:
        if not self._warnings.names(known.indicator.kind, known.indicator.value):
            return True
        self.warned += 1
        return False


T = TypeVar("T")


class _Remembering(dict[str, T]):
    """Answers of a search by its argument."""

    def __init__(self, search: Callable[[str], T], too_long: T) -> None:
        super().__init__()
        self._search = search
        self._too_long = too_long

    def __missing__(self, value: str) -> T:
        length = len(value)
        answer = self._search(value) if length <= MAX_VALUE else self._too_long
        if length <= _LONGEST_KEPT:
            if len(self) >= REMEMBERED:
                self.clear()
            self[value] = answer
        return answer


_Answers = partial(_Remembering[Answer], too_long=())


class _Looking:
    """What one set answers. `answers`: field -> the answers for its values."""

    def __init__(self, found: _Set, accepts: Callable[[Known], bool]) -> None:
        self.set = found
        self._accepts = accepts
        address, domain, url = _Answers(self._address), _Answers(self._domain), _Answers(self._url)
        email, file = _Answers(self._email), _Answers(self._file)
        self._hosts, self._has_urls = (
            domain,
            _Remembering(lambda host: found.has(host_key(host.lower())), too_long=False),
        )
        self.answers: dict[str, _Remembering[Answer]] = {
            **dict.fromkeys(_ADDRESS_FIELDS, address),
            **dict.fromkeys(_DOMAIN_FIELDS, domain),
            **dict.fromkeys(_URL_FIELDS, url),
            **dict.fromkeys(_EMAIL_FIELDS, email),
            **dict.fromkeys(_FILE_FIELDS, file),
        }
        self.of_kind = {
            Kind.IPV4: address,
            Kind.IPV6: address,
            Kind.DOMAIN: domain,
            Kind.URL: url,
            Kind.FILE: file,
            Kind.EMAIL: email,
        }

    def _of(self, key: int, fits: Callable[[Indicator], bool]) -> Answer:
        if not self.set.has(key):
            return ()
        return tuple(each for each in self.set.of_key(key) if fits(each.indicator) and self._accepts(each))

    def _address(self, text: str) -> Answer:
        address = packed(text)
        if address is None:
            return ()
        found = self._of(address_key(address), lambda known: packed(known.value) == address)
        for prefix in self.set.prefixes[len(address)]:
            found += self._of(net_key(within(address, prefix)), lambda known: "/" in known.value)
        return found

    def _domain(self, text: str) -> Answer:
        if packed(text) is not None:
            return self._address(text)
        name = domain_of(text)
        if not name:
            return ()
        found = self._of(key_of(DOMAIN, name.encode()), lambda known: known.value == name)
        if self.set.subdomains:
            above = name.partition(".")[2]
            while "." in above:
                found += self._above(above)
                above = above.partition(".")[2]
        return found

    def _above(self, name: str) -> Answer:
        return self._of(key_of(DOMAIN, name.encode()), lambda known: known.value == name and known.subdomains)

    def _url(self, text: str) -> Answer:
        host = host_of(text)
        if not host:
            return ()
        found = self._hosts[host]
        if self._has_urls[host]:
            url = url_of(text)[0]
            found += self._of(key_of(URL, url.encode("utf-8", "surrogatepass")), _equals(url))
        return found

    def _email(self, text: str) -> Answer:
        local, at, host = text.rpartition("@")
        name = domain_of(host)
        if not at or not name:
            return ()
        address = f"{local.lower()}@{name}"
        exact = self._of(key_of(EMAIL, address.encode("utf-8", "surrogatepass")), lambda known: known.value == address)
        return exact + self._hosts[name]

    def _file(self, text: str) -> Answer:
        found: Answer = ()
        for part in text.lower().split(","):  # Sysmon: "SHA256=...,MD5=..."
            value = part.rpartition("=")[2]
            if len(value) in HASHES:
                found += self._of(key_of(FILE, value.encode("utf-8", "surrogatepass")), _equals(value))
        return found


_WATCHED = frozenset((*_ADDRESS_FIELDS, *_DOMAIN_FIELDS, *_URL_FIELDS, *_EMAIL_FIELDS, *_FILE_FIELDS))


def _equals(value: str) -> Callable[[Indicator], bool]:
    return lambda known: known.value == value


# --- the set in memory -----------------------------------------------------------------------------------------------------------------

_BUCKET_BITS = 16
"""Keys are found by their first bits in a table of where they begin, then by bisection: 4 steps for a million instead of 20."""


def _opened(store: IndicatorStore) -> _Set:
    """The set of a store. Raises: IndicatorError."""
    connection = store.open()
    if connection is None:
        return _Set(lambda _: False, lambda _: (), {4: (), 16: ()}, subdomains=False, size=0)
    found = array("Q", keys(connection))
    begins = array("L", _begins(found))
    what = nets(connection)
    lock = threading.Lock()

    def has(key: int) -> bool:
        bucket = key >> 63 - _BUCKET_BITS
        end = begins[bucket + 1]
        at = bisect_left(found, key, begins[bucket], end)
        return at < end and found[at] == key

    def rows(key: int) -> Sequence[Known]:
        try:
            with lock:
                return of_key(connection, key)
        except sqlite3.Error as error:
            _log.error("an indicator cannot be read from the set", extra={"path": str(store.path), "error": str(error)})
            return ()

    return _Set(has, rows, what.prefixes, what.subdomains, len(found))


def _begins(found: array[int]) -> Iterator[int]:
    at = 0
    for bucket in range(1 << _BUCKET_BITS):
        at = bisect_left(found, bucket << 63 - _BUCKET_BITS, at)
        yield at
    yield len(found)


def _stamp(store: IndicatorStore) -> tuple[int, int] | None:
    try:
        status = store.path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


# --- what an event gets ------------------------------------------------------------------------------------------------------------------


def _fields(hits: Sequence[Hit], category: Value) -> dict[str, Value]:
    """Fields of the match that its feed is surest of; beside it every value and field that matched."""
    ordered = sorted(hits, key=lambda hit: (-_sureness(hit.known), hit.field, hit.value, hit.known.feed))
    field, atomic, (known, feed, _) = ordered[0]
    added: dict[str, Value] = {
        "event.category": _with_threat(category),
        "threat.feed.name": feed,
        "threat.indicator.type": known.kind.value,
        "threat.indicator.name": known.value,
        "threat.indicator.confidence": confidence_word(known.confidence),
        "threat.enrichments.matched.atomic": _unlike([atomic, *(hit.value for hit in ordered)]),
        "threat.enrichments.matched.field": _unlike([field, *(hit.field for hit in ordered)]),
        "threat.enrichments.matched.type": "indicator_match_rule",
    }
    if known.kind is Kind.FILE:
        added[f"threat.indicator.file.hash.{HASHES[len(known.value)]}"] = known.value
    elif known.kind is Kind.URL:
        added["threat.indicator.url.full"] = known.value
    elif known.kind is Kind.DOMAIN:
        added["threat.indicator.url.domain"] = known.value
    elif known.kind is Kind.EMAIL:
        added["threat.indicator.email.address"] = known.value
    elif "/" not in known.value:
        added["threat.indicator.ip"] = known.value
    for name, text in (
        ("id", known.id),
        ("description", known.name),
        ("reference", known.reference),
        ("marking.tlp", known.tlp),
        ("first_seen", known.valid_from.isoformat() if known.valid_from else ""),
    ):
        if text:
            added[f"threat.indicator.{name}"] = text
    return added


def _sureness(known: Known) -> int:
    return -1 if known.indicator.confidence is None else known.indicator.confidence


def _unlike(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _with_threat(category: Value) -> Value:
    """The categories of an event with "threat" among them: by it rules of the log source category threat_intel find it."""
    given = category if isinstance(category, list) else [] if category is None else [category]
    others = [str(each) for each in given if each != "threat"]
    return [*others, "threat"] if others else "threat"
