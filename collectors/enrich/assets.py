"""Which system an event belongs to, and how much that system matters.

ECS has no `asset.*`. The system goes into `service.name` (its id in the inventory), because what an inventory of a data centre lists are
services and not machines, and its criticality (1 to 5) into `labels.criticality`. Where the record names another `service.name` itself,
that name is kept as `labels.service_name`. An event of no known system is handed on as it is. Where the source's address is that of a
machine of ours, its name goes into `source.domain`: the way that somebody took from one host to the next.

What decides, first come first served, from the exact to the general: the system that the application names (`egov.system`), a
`service.name` that is already a system's id, the database, the virtual host, the host, the address served. The address that a request
comes from never decides: it is who acts, not what is watched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from collectors.event import Value

_REMEMBERED = 50_000
"""Distinct names or addresses whose answer is kept; a flood of invented ones empties the memory and does not fill it."""


@dataclass(frozen=True, slots=True)
class Asset:
    """What the look-up needs of one system.

    `hosts`: names or patterns with `*`, any case, of machines or virtual hosts. `addresses`: addresses or networks. `databases`: their
    names as the database server logs them.
    """

    id: str
    criticality: int
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()


class AssetTable:
    """Systems, found by what events say. `system_of` costs a handful of dictionary look-ups an event."""

    def __init__(self, assets: Iterable[Asset], machines: Mapping[str, str] | None = None) -> None:
        """`machines`: address -> host name of machines of ours. Raises: ValueError for an address that is none."""
        known = list(assets)
        self.machines: Mapping[str, str] = dict(machines or {})
        self.criticality: Mapping[str, int] = {asset.id: asset.criticality for asset in known}
        self._added: dict[str, Mapping[str, Value]] = {
            asset.id: {"service.name": asset.id, "labels.criticality": asset.criticality} for asset in known
        }
        by_id = {asset.id: asset.id for asset in known}.get
        by_host, by_address = _Remembering(_host_search(known)), _Remembering(_address_search(known))
        self._steps: tuple[tuple[str, Callable[[str], str | None]], ...] = (
            ("egov.system", by_id),
            ("service.name", by_id),
            ("postgresql.log.database", {name: asset.id for asset in known for name in asset.databases}.get),
            ("url.domain", by_host.__getitem__),
            ("host.name", by_host.__getitem__),
            ("destination.ip", by_address.__getitem__),
            ("host.ip", by_address.__getitem__),
        )

    def adds(self, fields: Mapping[str, Value], time: datetime) -> Mapping[str, Value] | None:
        """What an event with these fields gets; `time` changes nothing."""
        del time
        system, address = self.system_of(fields), fields.get("source.ip")
        added = self._added[system] if system is not None else None
        if added is not None:
            said = fields.get("service.name")
            if said is not None and said != system:
                added = {**added, "labels.service_name": said}
        if address.__class__ is str and address in self.machines and "source.domain" not in fields:
            return {**(added or {}), "source.domain": self.machines[str(address)]}
        return added

    def system_of(self, fields: Mapping[str, Value]) -> str | None:
        """The id of the system that an event with these fields belongs to, or None."""
        for name, look_up in self._steps:
            if name in fields and (value := fields[name]) is not None:
                found = look_up(value) if type(value) is str else _first(value, look_up)
                if found is not None:
                    return found
        return None


def _first(value: Value, look_up: Callable[[str], str | None]) -> str | None:
    """The first answer for the items of a list; anything else is looked up by its text."""
    items = value if isinstance(value, list) else [value]
    return next((found for item in items if (found := look_up(str(item))) is not None), None)


class _Remembering(dict[str, "str | None"]):
    """Answers of a search by its argument."""

    def __init__(self, search: Callable[[str], str | None]) -> None:
        super().__init__()
        self._search = search

    def __missing__(self, key: str) -> str | None:
        if len(self) >= _REMEMBERED:
            self.clear()
        answer = self[key] = self._search(key)
        return answer


def _host_search(assets: Sequence[Asset]) -> Callable[[str], str | None]:
    """Host name -> system: exact names first, then patterns in the order of the inventory; a name also counts without its domain."""
    exact = {host.lower(): asset.id for asset in assets for host in asset.hosts if "*" not in host}
    patterns = [
        (re.compile(translate(host.lower())), asset.id) for asset in assets for host in asset.hosts if "*" in host
    ]

    def search(name: str) -> str | None:
        full = name.lower()
        for candidate in (full, full.partition(".")[0]):
            found = exact.get(candidate) or next((system for regex, system in patterns if regex.match(candidate)), None)
            if found is not None:
                return found
        return None

    return search


def _address_search(assets: Sequence[Asset]) -> Callable[[str], str | None]:
    """Address -> system: the narrowest network that holds it. Raises: ValueError for a network that is none."""
    networks: list[tuple[IPv4Network | IPv6Network, str]] = [
        (ip_network(address), asset.id) for asset in assets for address in asset.addresses
    ]
    networks.sort(key=lambda pair: -pair[0].prefixlen)

    def search(text: str) -> str | None:
        try:
            address = ip_address(text)
        except ValueError:
            return None
        return next((system for network, system in networks if address in network), None)

    return search
