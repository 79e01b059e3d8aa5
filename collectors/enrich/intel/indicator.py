"""`Indicator`: one value that somebody vouches to be an attacker's, in the one spelling by which it is looked up.

Source of truth: STIX 2.1 §6 (the names of the kinds) and Appendix A (confidence), TLP 2.0. Values come defanged (`hxxp://a[.]example`), in
any case and with host bits where people write them; what is no value of its kind is refused, and so is one that half the world matches.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import NamedTuple

import msgspec


class Kind(StrEnum):
    """What a value is; a network of addresses is of its addresses' kind."""

    IPV4 = "ipv4-addr"
    IPV6 = "ipv6-addr"
    DOMAIN = "domain-name"
    URL = "url"
    FILE = "file"
    EMAIL = "email-addr"


TLP = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED")
"""The markings of TLP 2.0, by how far a value may be passed on; WHITE of TLP 1.0 is CLEAR."""

HASHES = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
"""Hexadecimal digits of a hash -> its name in ECS `file.hash.*`."""

MAX_VALUE = 8_192
"""Characters of a value, an event's or an indicator's; what is longer is not looked at."""

_WIDEST = {Kind.IPV4: 8, Kind.IPV6: 19}
"""Shortest prefix of a network that is an indicator; a shorter one is a mistake or a joke: 0.0.0.0/0 would match every event."""


class Indicator(msgspec.Struct, frozen=True):
    """One indicator. `value`: in its usual spelling. `confidence`: 0 to 100, None where nobody says. `tlp`: one of TLP, "" for none.

    `valid_from`, `valid_until`: aware UTC, the second excluded; None for no bound. `subdomains`: whether names below a domain match too.
    `id`: the producer's. `name`: what it is about, in words. `reference`: where to read on.
    """

    kind: Kind
    value: str
    id: str = ""
    name: str = ""
    reference: str = ""
    confidence: int | None = None
    tlp: str = ""
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    subdomains: bool = False

    def valid(self, time: datetime) -> bool:
        """Whether it counts for an event of this time."""
        return (self.valid_from is None or self.valid_from <= time) and not self.ended(time)

    def ended(self, time: datetime) -> bool:
        """Whether it counts no more at this time."""
        return self.valid_until is not None and self.valid_until <= time


class Net(NamedTuple):
    """The addresses of one family whose first `prefix` bits are those of `packed` (4 or 16 bytes, the others 0)."""

    packed: bytes
    prefix: int


# --- values of events: any text in, what is looked up out ------------------------------------------------------------------------------


def packed(text: str) -> bytes | None:
    """The 4 or 16 bytes of an address (`::ffff:192.0.2.7` is 192.0.2.7), or None where it is none."""
    try:
        if ":" not in text:
            return socket.inet_pton(socket.AF_INET, text)
        found = socket.inet_pton(socket.AF_INET6, text.partition("%")[0])
    except (OSError, ValueError):  # ValueError: a NUL or a surrogate in it
        return None
    return found[12:] if found.startswith(_MAPPED) else found


_MAPPED = b"\0" * 10 + b"\xff\xff"


def domain_of(text: str) -> str:
    """A name as it is looked up: lower case, no dot at the end, A-labels (RFC 5890); "" for what is no name of two labels or more."""
    name = text.rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return ""
    return name if "." in name and len(name) <= _MAX_NAME else ""


_MAX_NAME = 253
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#\\]*)([^#]*)", re.IGNORECASE)
_PORTS = {"http": ":80", "https": ":443", "ftp": ":21"}


def url_of(text: str) -> tuple[str, str]:
    """A URL as it is looked up, and its host: scheme and host in lower case, no fragment, no port that the scheme has anyway (RFC 3986
    §6.2); ("", "") for what is none."""
    match = _URL.match(text)
    if match is None:
        return "", ""
    scheme, authority, rest = match.groups()
    scheme = scheme.lower()
    user, at, host = authority.rpartition("@")
    host = host.lower().removesuffix(_PORTS.get(scheme, ":"))
    bare = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return (f"{scheme}://{user}{at}{host}{rest if rest[:1] == '/' else '/' + rest}", bare) if host else ("", "")


_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#\\]*@)?(\[[^\]/]*\]|[^/?#\\:]+)")


def host_of(text: str) -> str:
    """The host of a URL as it is written, without the work of `url_of`; "" where there is none."""
    match = _HOST.match(text)
    return match[1].strip("[]") if match else ""


# --- networks ----------------------------------------------------------------------------------------------------------------------------


def within(address: bytes, prefix: int) -> Net:
    """The network of a prefix that holds an address."""
    unset = len(address) * 8 - prefix
    return Net((int.from_bytes(address) >> unset << unset).to_bytes(len(address)), prefix)


def net_of(indicator: Indicator) -> Net | None:
    """The network that an indicator is; None for a single address and for any other kind."""
    if "/" not in indicator.value or indicator.kind not in _WIDEST:
        return None
    network = ip_network(indicator.value)
    return Net(network.network_address.packed, network.prefixlen)


def text_of(address: bytes, prefix: int | None = None) -> str:
    """An address, or the network of a prefix, as an indicator's value."""
    return str(ip_address(address)) if prefix is None else f"{ip_address(address)}/{prefix}"


# --- values of indicators: what a feed writes in, its one spelling out -------------------------------------------------------------------


def spelled(kind: Kind, text: str) -> tuple[Kind, str]:
    """The usual spelling of an indicator's value, and its kind: an address may be of the other family than its producer says.

    Raises: ValueError for what is no value of the kind, or matches too much.
    """
    value = text.strip().replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").replace("[@]", "@")
    if value[:3].lower() == "hxx":
        value = "htt" + value[3:]
    if not value or len(value) > MAX_VALUE or not value.isprintable():
        raise ValueError(f"{_shown(text)} is no value that can be looked up")
    return _SPELLINGS[kind](value)


def kind_of(text: str) -> Kind:
    """What a value is by its form. Raises: ValueError where it is none that we know."""
    value = text.strip().replace("[.]", ".")
    if "://" in value:
        return Kind.URL
    if "@" in value:
        return Kind.EMAIL
    if _hash(value):
        return Kind.FILE
    if packed(value.partition("/")[0]) is not None:
        return Kind.IPV6 if ":" in value else Kind.IPV4
    if "." in value:
        return Kind.DOMAIN
    raise ValueError(f"{_shown(text)} is no address, name, URL, hash or e-mail address: name its type")


def _hash(value: str) -> bool:
    return len(value) in HASHES and _HEX.fullmatch(value) is not None


_HEX = re.compile(r"[0-9A-Fa-f]+")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


def _address(value: str) -> tuple[Kind, str]:
    try:
        network = ip_network(value)
    except ValueError as error:
        raise ValueError(f"{_shown(value)} is no address or network") from error
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen == 128:
        return Kind.IPV4, str(mapped)
    kind = Kind.IPV4 if network.version == 4 else Kind.IPV6
    if network.prefixlen < _WIDEST[kind]:
        raise ValueError(f"{value} is wider than /{_WIDEST[kind]}: that is no indicator")
    return kind, str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _domain(value: str) -> tuple[Kind, str]:
    name = domain_of(value)
    if not name or not all(_LABEL.fullmatch(label) for label in name.split(".")) or packed(name) is not None:
        raise ValueError(f"{_shown(value)} is no domain name of two labels or more")
    return Kind.DOMAIN, name


def _url(value: str) -> tuple[Kind, str]:
    url, _ = url_of(value)
    if not url:
        raise ValueError(f"{_shown(value)} is no URL with scheme and host")
    return Kind.URL, url


def _file(value: str) -> tuple[Kind, str]:
    if not _hash(value):
        raise ValueError(f"{_shown(value)} is no MD5, SHA-1, SHA-256 or SHA-512 in hexadecimal digits")
    return Kind.FILE, value.lower()


def _email(value: str) -> tuple[Kind, str]:
    local, at, host = value.rpartition("@")
    if not at or not local or " " in value:
        raise ValueError(f"{_shown(value)} is no e-mail address")
    return Kind.EMAIL, f"{local.lower()}@{_domain(host)[1]}"


_SPELLINGS: dict[Kind, Callable[[str], tuple[Kind, str]]] = {
    Kind.IPV4: _address,
    Kind.IPV6: _address,
    Kind.DOMAIN: _domain,
    Kind.URL: _url,
    Kind.FILE: _file,
    Kind.EMAIL: _email,
}


def tlp_of(text: str) -> str:
    """A marking of TLP 2.0, of "tlp:amber", "Amber" or "WHITE". Raises: ValueError."""
    marking = text.strip().upper().removeprefix("TLP:")
    marking = "CLEAR" if marking == "WHITE" else marking
    if marking not in TLP:
        raise ValueError(f"{_shown(text)} is no TLP marking: {', '.join(TLP)}")
    return marking


def confidence_word(confidence: int | None) -> str:
    """ECS's word for a confidence, by STIX 2.1 Appendix A."""
    if confidence is None:
        return "Not Specified"
    return "None" if confidence <= 0 else "Low" if confidence < 30 else "Medium" if confidence < 70 else "High"


def moment(text: str) -> datetime:
    """A time of RFC 3339, or a date (its beginning in UTC), as aware UTC. Raises: ValueError."""
    try:
        time = datetime.fromisoformat(text.strip())
        return (time.replace(tzinfo=UTC) if time.tzinfo is None else time).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{_shown(text)} is no time; write 2026-11-30 or 2026-11-30T08:00:00Z") from error


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")
