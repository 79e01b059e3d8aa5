"""The fields of an event in, `threat.*` out where a value of them is an indicator. Names as in ECS 8.17 (`threat.indicator.*`, and
`threat.enrichments.matched.*` of all that matched).

Each value is looked up once and its answer remembered (`REMEMBERED` of each kind), so what an event costs is a handful of dictionary
look-ups. Of the set an array of 64-bit hashes is in memory, 8 MB for a million, with a filter of 4 MB before it, by which most values
that are no indicator are known at once; what has a hash of it is confirmed by the set on the disk.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from collectors.enrich.intel.indicator import (
    HASHES,
    MAX_VALUE,
    Indicator,
    Kind,
    confidence_word,
    domain_of,
    host_of,
    net_of,
    packed,
    text_of,
    url_of,
    within,
)
from collectors.enrich.intel.store import IndicatorStore, Known, nets, of_value, values
from collectors.enrich.intel.told import IndicatorError
from collectors.enrich.intel.warning import read_lists
from collectors.enrich.renewed import Renewed
from collectors.event import Value

REMEMBERED = 32_768
"""Distinct values of each kind whose answer is kept, 3 MB each as values go; a flood of new ones empties the memory."""

_LONGEST_KEPT = 512
"""Characters of a value whose answer is kept: so 20 MB for each kind, whatever an attacker sends."""

MOST_COUNTED = 10_000
"""Indicators whose matches are counted by themselves; those of further ones under their feed alone."""

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

    has: Callable[[Hashable], bool]
    of_value: Callable[[str], Sequence[Known]]
    prefixes: Mapping[int, tuple[int, ...]]
    subdomains: bool
    size: int


class IndicatorMatcher:
    """Looks values up in the set of a site, as it stands: a new set is taken at the next event. For any number of threads."""

    def __init__(self, store: IndicatorStore, lists: Sequence[Path] = (), *, early: bool = False) -> None:
        """`lists`: files of values that never match. `early`: whether events from before an indicator's validity match too, as who looks
        back wants it: feeds name things after the fact. Raises: IndicatorError where the set or a list cannot be read."""
        self._set = Renewed("indicators", [store.path], partial(_opened, store))
        self._lists = Renewed("warning lists", lists, partial(read_lists, lists))
        self._early = early
        self._lock = threading.Lock()
        self.warned = 0
        """Distinct values that a feed names and a warning list keeps from matching, since the start; as far as they are remembered."""
        self.matched: Counter[tuple[str, str]] = Counter()
        """Events that matched, by the indicator that they show and its feed, since the start."""
        self._look = _Looking(self._set.value, self._not_warned)

    @property
    def size(self) -> int:
        """How many indicators there are."""
        return self._look.set.size

    @property
    def files(self) -> Sequence[Renewed[Any]]:
        """What it reads: the set and the lists."""
        return self._set, self._lists

    def refresh(self) -> None:
        """Take the set and the lists as they are now, where they changed; what cannot be read is told, and the one before goes on."""
        if any([self._set.refresh(), self._lists.refresh()]):
            with self._lock:
                self._look = _Looking(self._set.value, self._not_warned)

    def adds(self, fields: Mapping[str, Value], time: datetime) -> dict[str, Value] | None:
        """The `threat.*` fields of what matches and is valid at this time, and "threat" among the categories; None where nothing does."""
        hits = self.hits(fields)
        if hits and self._early:
            hits = [hit for hit in hits if not hit.known.indicator.ended(time)]
        elif hits:
            hits = [hit for hit in hits if hit.known.indicator.valid(time)]
        return self._matched(hits, fields) if hits else None

    def _matched(self, hits: Sequence[Hit], fields: Mapping[str, Value]) -> dict[str, Value]:
        hits = sorted(hits, key=lambda hit: (-_sureness(hit.known), hit.field, hit.value, hit.known.feed))
        shown = hits[0].known
        key = shown.indicator.value, shown.feed
        with self._lock:
            self.matched[key if key in self.matched or len(self.matched) < MOST_COUNTED else ("", shown.feed)] += 1
        return _fields(hits, fields.get("event.category"))

    def hits(self, fields: Mapping[str, Value]) -> list[Hit]:
        """Every value that is an indicator, with each feed that says so, whatever its validity."""
        found: list[Hit] = []
        look = self._look
        if not look.set.size:
            return found
        for name in _WATCHED.intersection(fields):
            answers = look.answers[name]
            value = fields[name]
            for text in value if value.__class__ is list else (value,):
                answer = answers[text] if text.__class__ is str else ()
                if answer:
                    found += [Hit(name, str(text), known) for known in answer]
        return found

    def matched_by_feed(self) -> Counter[str]:
        """Events that matched, by the feed that they show."""
        found: Counter[str] = Counter()
        with self._lock:
            for (_, feed), events in self.matched.items():
                found[feed] += events
        return found

    def of_value(self, kind: Kind, value: str) -> list[Known]:
        """The indicators that a value of this kind is, those on warning lists included."""
        return list(_Looking(self._look.set, lambda _: True).of_kind[kind][value])

    def warning(self, kind: Kind, value: str) -> str:
        """The warning list that has a value; "" where none does."""
        return self._lists.value.names(kind, value)

    def _not_warned(self, known: Known) -> bool:
        if not self._lists.value.names(known.indicator.kind, known.indicator.value):
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
            _Remembering(lambda host: found.has(_host_key(host.lower())), too_long=False),
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

    def _of(self, key: Hashable, value: str) -> Answer:
        """The rows of a value whose key is in the set."""
        return tuple(each for each in self.set.of_value(value) if self._accepts(each)) if self.set.has(key) else ()

    def _address(self, text: str) -> Answer:
        address = packed(text)
        if address is None:
            return ()
        has = self.set.has
        found = self._of(address, text_of(address)) if has(address) else ()
        for prefix in self.set.prefixes[len(address)]:
            net = within(address, prefix)
            if has(net):
                found += self._of(net, text_of(*net))
        return found

    def _domain(self, text: str) -> Answer:
        if (text[-1:].isdigit() or ":" in text) and packed(text) is not None:
            return self._address(text)
        name = domain_of(text)
        if not name:
            return ()
        found = self._of(name, name)
        if self.set.subdomains:
            above = name.partition(".")[2]
            while "." in above:
                found += tuple(each for each in self._of(above, above) if each.indicator.subdomains)
                above = above.partition(".")[2]
        return found

    def _url(self, text: str) -> Answer:
        host = host_of(text)
        if not host:
            return ()
        found = self._hosts[host]
        if self._has_urls[host]:
            url = url_of(text)[0]
            found += self._of(url, url)
        return found

    def _email(self, text: str) -> Answer:
        local, at, host = text.rpartition("@")
        name = domain_of(host)
        if not at or not name:
            return ()
        address = f"{local.lower()}@{name}"
        return self._of(address, address) + self._hosts[name]

    def _file(self, text: str) -> Answer:
        found: Answer = ()
        for part in text.lower().split(","):  # Sysmon: "SHA256=...,MD5=..."
            value = part.rpartition("=")[2]
            if len(value) in HASHES:
                found += self._of(value, value)
        return found


_WATCHED = frozenset((*_ADDRESS_FIELDS, *_DOMAIN_FIELDS, *_URL_FIELDS, *_EMAIL_FIELDS, *_FILE_FIELDS))


# --- the set in memory -----------------------------------------------------------------------------------------------------------------

_FILTER_BITS = 16
"""Of the filter for each indicator, rounded up to a power of 2: at most 6 values in 100 that are none get past it."""

_HOST = "host"


def _host_key(host: str) -> Hashable:
    """What says that there are URLs of a host (in lower case) in the set."""
    return _HOST, host


def _keys(rows: Iterable[tuple[str, str]]) -> Iterator[Hashable]:
    """What each indicator is looked up by: addresses by their bytes, networks by theirs and the prefix, all others by their text."""
    for kind, value in rows:
        if kind in (Kind.IPV4, Kind.IPV6):
            net = net_of(Indicator(Kind(kind), value))
            yield packed(value) if net is None else net
            continue
        yield value
        if kind == Kind.URL:
            yield _host_key(host_of(value))


def _opened(store: IndicatorStore) -> _Set:
    """The set of a store. Raises: IndicatorError."""
    connection = store.open()
    if connection is None:
        return _Set(lambda _: False, lambda _: (), {4: (), 16: ()}, subdomains=False, size=0)
    try:
        hashes = array("q", map(hash, _keys(values(connection))))
        what = nets(connection)
    except sqlite3.Error as error:
        raise IndicatorError(f"{store.path} cannot be read: {error}") from error
    lock = threading.Lock()

    def rows(value: str) -> Sequence[Known]:
        try:
            with lock:
                return of_value(connection, value)
        except sqlite3.Error as error:
            _log.error("an indicator cannot be read from the set", extra={"path": str(store.path), "error": str(error)})
            return ()

    return _Set(_finder(hashes), rows, what.prefixes, what.subdomains, what.total)


def _finder(hashes: array[int]) -> Callable[[Hashable], bool]:
    """Whether something has one of these hashes. Python hashes text and bytes with a secret of the process (PEP 456), so nobody can make
    values that pass."""
    import numpy as np

    found = np.frombuffer(hashes, np.int64) if hashes else np.empty(0, np.int64)
    found.sort()
    bits = 1 << max(3, (len(hashes) * _FILTER_BITS - 1).bit_length())
    mask = bits - 1
    filter_ = np.zeros(bits >> 3, np.uint8)
    places = found & mask
    np.bitwise_or.at(filter_, places >> 3, (1 << (places & 7)).astype(np.uint8))
    flags = filter_.tobytes()

    def has(key: Hashable) -> bool:
        number = hash(key)
        place = number & mask
        if not flags[place >> 3] >> (place & 7) & 1:
            return False
        at = bisect_left(hashes, number)
        return at < len(hashes) and hashes[at] == number

    return has


# --- what an event gets ------------------------------------------------------------------------------------------------------------------


def _fields(hits: Sequence[Hit], category: Value) -> dict[str, Value]:
    """Fields of the first match, that its feed is surest of; beside it every value and field that matched."""
    known, feed, _ = hits[0].known
    added: dict[str, Value] = {
        "event.category": _with_threat(category),
        "threat.feed.name": feed,
        "threat.indicator.type": known.kind.value,
        "threat.indicator.name": known.value,
        "threat.indicator.confidence": confidence_word(known.confidence),
        "threat.enrichments.matched.atomic": _unlike([hit.value for hit in hits]),
        "threat.enrichments.matched.field": _unlike([hit.field for hit in hits]),
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
