"""The configuration of the poller of a service's API.

Delivery: effectively once. The cursor and the digests of the records of the last two pages are journalled in the same frame as the records,
so a crash neither loses nor repeats any, as long as the service gives again what it gave. A service that keeps records for fewer days than
our machine is down has lost them: that is the service's promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from collectors.sources.keys import check_encoding, check_timezone


@dataclass(frozen=True, slots=True)
class PollConfig:
    """`url`: the first page, https but for loopback. `every`: how long to wait once there is no more. `records`: where in a reply they are
    (`data.items`), "" where the reply is their list.

    `next`: where a reply says what comes after it, the first that is there: `link` (RFC 8288, rel="next"), `header:NAME` or `body:PATH`; a
    whole URL of the same server, or with `parameter` what that query parameter gets. `since`: the query parameter that asks for records
    from a moment on, which is the greatest `since_field` (a path in a record) so far, and before the first record `start` ago.
    `headers_file`: lines `Name: value` with what must not stand in soc.yaml (Authorization). `ca_file`: whom to trust instead of the
    system's authorities. `max_reply_bytes`: a longer reply is refused and told, not cut.
    """

    id: str
    url: str
    every: timedelta = timedelta(minutes=1)
    records: str = ""
    next: tuple[str, ...] = ()
    parameter: str = ""
    since: str = ""
    since_field: str = ""
    start: timedelta = timedelta(days=1)
    headers_file: Path | None = None
    ca_file: Path | None = None
    timeout: timedelta = timedelta(seconds=30)
    max_reply_bytes: int = 32 * 1024 * 1024
    format: str = "json"
    encoding: str = "utf-8"
    timezone: str = ""
    kind: Literal["poll"] = "poll"

    def __post_init__(self) -> None:
        check_encoding(self.encoding)
        check_timezone(self.timezone)
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError('"url" is not one of http or https')
        if parts.scheme == "http" and not _is_this_machine(parts.hostname):
            raise ValueError('"url" must be https: what goes over http can be read and changed by others')
        for each in self.next:
            if each != "link" and not each.startswith(("header:", "body:")):
                raise ValueError(f'"next" is "link", "header:NAME" or "body:PATH", not "{each[:40]}"')
        if bool(self.since) != bool(self.since_field):
            raise ValueError('"since" (a query parameter) and "since_field" (a path in a record) go together')
        if self.parameter and not self.next:
            raise ValueError('"parameter" gets what "next" finds: name that too')


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
