"""One reply of an API in, its records as they were written and what comes next out. No I/O.

Sources of truth: RFC 8288 (Web Linking, section 3) for `Link`; RFC 3986 section 5 for what is relative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from collectors.errors import SourceError
from collectors.sources.poll_config import PollConfig

_LINK = re.compile(r'<([^<>]{1,8192})>((?:\s*;\s*[\w*-]{1,64}\s*=\s*(?:"[^"]{0,512}"|[^\s",;]{1,512}))*+)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]{0,512}\s)?next(?:\s[^"]{0,512})?"|next\b)', re.IGNORECASE)
_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder().decode


class Page(NamedTuple):
    """`records`: as the service wrote them. `follows`: the URL of the page after it, "" where it says none."""

    records: Sequence[bytes]
    follows: str


def page_of(config: PollConfig, url: str, body: bytes, headers: Mapping[str, str]) -> Page:
    """What a reply holds. Raises: SourceError where it is not what the configuration says."""
    try:
        records = [bytes(raw) for raw in _list(at(body, config.records))]
    except (msgspec.DecodeError, KeyError, RecursionError) as error:
        where = f'"{config.records}" of the reply' if config.records else "the reply"
        raise SourceError(f"{where} is no list: {str(error)[:120]}") from error
    for place in config.next:
        found = _said(place, body, headers)
        if found:
            return Page(records, _address(config, url, found))
    return Page(records, "")


def at(data: bytes, path: str) -> msgspec.Raw | bytes:
    """The JSON at a path of names with dots between them. A name may have dots itself (`@odata.nextLink`): the longest is tried first.

    Raises: KeyError where there is none, msgspec.DecodeError where the data is no object.
    """
    if not path:
        return data
    members = _object(data)
    parts = path.split(".")
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        if name in members:
            return at(members[name], ".".join(parts[count:]))
    raise KeyError(path)


def text_at(record: bytes, path: str) -> str:
    """The text at a path of a record, "" where there is none."""
    try:
        value = _any(at(record, path))
    except (msgspec.DecodeError, KeyError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""


def with_parameter(url: str, name: str, value: str) -> str:
    """The URL with one query parameter set, the others as they are."""
    parts = urlsplit(url)
    query = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] != name]
    return urlunsplit(parts._replace(query=urlencode([*query, (name, value)])))


def _said(place: str, body: bytes, headers: Mapping[str, str]) -> str:
    if place == "link":
        links = _LINK.finditer(headers.get("link", "")[:65_536])
        return next((link[1] for link in links if _NEXT.search(link[2])), "")
    how, _, name = place.partition(":")
    return headers.get(name.lower(), "") if how == "header" else text_at(body, name)


def _address(config: PollConfig, url: str, found: str) -> str:
    """Where to go on. Raises: SourceError for another server: a reply must not send our credentials there."""
    if config.parameter:
        return with_parameter(config.url, config.parameter, found)
    address = urljoin(url, found)
    if urlsplit(address)[:2] != urlsplit(config.url)[:2]:
        raise SourceError(f"the reply names a next page on another server: {address[:120]!a}")
    return address
