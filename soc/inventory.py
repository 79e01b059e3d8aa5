"""inventory.yml in, `Inventory` out: the systems that the data centre answers for, who answers for each, and which one an event is about.

The organisation and its names are a list of periods, not a constant: authorities merge and are renamed, and a report names the one that was
in office on its date. `level` is that of the Vietnamese scheme of protection by level (Decree 331/2026/NĐ-CP, before it 85/2016/NĐ-CP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from collectors.enrich import Asset as TableEntry
from collectors.enrich import AssetTable
from collectors.enrich.machine_files import Machine as MachineRow
from collectors.event import Value
from soc.binding import bind
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, read_one

SCHEMA = "inventory/1"


@dataclass(frozen=True, slots=True)
class LogSource:
    """A log that a system is expected to send: what it is, in words, and the `event.dataset` that it arrives as."""

    log: str
    dataset: str


@dataclass(frozen=True, slots=True)
class Asset:
    """One information system. `id`: as in `egov.system` and `service.name`. `owner`: a role, never a person's name.

    `criticality`: 1 (least) to 5, for scoring. `level`: 1 to 5 of the legal scheme. `personal_data`: whether it holds any, which decides on
    the legal clocks of an incident. `hosts`, `addresses`, `databases`: how its events are known (collectors.enrich).
    """

    id: str
    vi: str
    en: str
    criticality: int
    level: int
    owner: str
    personal_data: bool
    logs: tuple[LogSource, ...]
    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for a number out of 1 to 5, an address that is none, or a system without any log."""
        for name, number in (("criticality", self.criticality), ("level", self.level)):
            if not 1 <= number <= 5:
                raise ValueError(f"{self.id}: {name} {number} is not 1 to 5")
        if not self.logs:
            raise ValueError(f"{self.id}: no log is expected; a system that sends nothing cannot be watched")
        for address in self.addresses:
            ip_network(address)

    def name(self, language: str) -> str:
        """The system's name in "vi" or "en"."""
        return self.vi if language == "vi" else self.en


@dataclass(frozen=True, slots=True)
class Organisation:
    """Who runs the data centre in a period: `since` and `until` are ISO dates, both included; no `until` means until further notice.

    `authority_vi`, `authority_en`: whom it answers to, as a notice in that language names it; one without the other is not enough.
    """

    vi: str
    en: str
    since: str
    until: str = ""
    authority_vi: str = ""
    authority_en: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Raises: ValueError for a date that is none, an end before the beginning, or an authority that is named in one language."""
        if bool(self.authority_vi) != bool(self.authority_en):
            missing = "authority_en" if self.authority_vi else "authority_vi"
            raise ValueError(f"{missing} is missing: a notice is written in English or in Vietnamese")
        begins = date.fromisoformat(self.since)
        if self.until and date.fromisoformat(self.until) < begins:
            raise ValueError(f"the period ends on {self.until}, before it begins on {self.since}")

    def name(self, language: str) -> str:
        """Its name in "vi" or "en"."""
        return self.vi if language == "vi" else self.en

    def authority(self, language: str) -> str:
        """Whom it answers to, in "vi" or "en"; "" where nobody said."""
        return self.authority_vi if language == "vi" else self.authority_en

    def covers(self, day: date) -> bool:
        """Whether the period holds this day."""
        return date.fromisoformat(self.since) <= day and (not self.until or day <= date.fromisoformat(self.until))


@dataclass(frozen=True, slots=True)
class Machine:
    """A host of ours with its addresses: what comes from one of them came by way of this host."""

    name: str
    addresses: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises: ValueError for an address that is none."""
        for address in self.addresses:
            ip_address(address)


@dataclass(frozen=True, slots=True)
class _File:
    """The file as written."""

    schema: str
    systems: tuple[Asset, ...]
    machines: tuple[Machine, ...] = ()
    organisation: tuple[Organisation, ...] = ()

    def __post_init__(self) -> None:
        """Raises: ValueError for another schema."""
        if self.schema != SCHEMA:
            raise ValueError(f'schema "{self.schema}" is not "{SCHEMA}"')


@dataclass(frozen=True, slots=True)
class Inventory:
    """The systems in the order of the file, and the organisation by period."""

    assets: tuple[Asset, ...]
    organisations: tuple[Organisation, ...] = ()
    machines: tuple[Machine, ...] = ()
    _table: AssetTable = field(init=False, repr=False, compare=False)
    _by_id: Mapping[str, Asset] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the systems."""
        entries = (TableEntry(a.id, a.criticality, a.hosts, a.addresses, a.databases) for a in self.assets)
        by_address = {str(ip_address(a)): machine.name for machine in self.machines for a in machine.addresses}
        object.__setattr__(self, "_table", AssetTable(entries, by_address))
        object.__setattr__(self, "_by_id", {asset.id: asset for asset in self.assets})

    def with_machines(self, more: Sequence[MachineRow]) -> Inventory:
        """The same with machines of other files: hosts and addresses of the systems that they name."""
        own: dict[str, list[MachineRow]] = {}
        for each in more:
            own.setdefault(each.system, []).append(each)
        assets = tuple(
            replace(
                asset,
                hosts=(*asset.hosts, *(each.name for each in own.get(asset.id, ()))),
                addresses=(*asset.addresses, *(a for each in own.get(asset.id, ()) for a in each.addresses)),
            )
            for asset in self.assets
        )
        machines = tuple(Machine(each.name, each.addresses) for each in more)
        return Inventory(assets, self.organisations, (*self.machines, *machines))

    def asset(self, system: str) -> Asset | None:
        """The system of an id, or None."""
        return self._by_id.get(system)

    def table(self) -> AssetTable:
        """How events are matched to systems: what `collectors.enrich.enrich` takes."""
        return self._table

    def of_event(self, fields: Mapping[str, Value]) -> Asset | None:
        """The system that an event with these fields is about, enriched or not; None where the inventory does not know it."""
        system = self._table.system_of(fields)
        return None if system is None else self._by_id[system]

    def organisation(self, day: date) -> Organisation | None:
        """Who ran the data centre on a day, or None where no period covers it."""
        return next((each for each in self.organisations if each.covers(day)), None)


def load_inventory(path: Path) -> Inventory:
    """The inventory of a file. Raises: FaultsError with every fault in it, at its place."""
    document = read_one(path)
    file = bind(document, _File)
    faults = [*_twice(document, file), *_overlaps(document, file)]
    if faults:
        raise FaultsError(faults)
    return Inventory(file.systems, file.organisation, file.machines)


def _twice(document: Document, file: _File) -> Iterator[Fault]:
    """An id, a database, a host or an address that two systems claim: events of it would go to whichever came last."""
    for key, values in (
        ("id", [(asset.id,) for asset in file.systems]),
        ("hosts", [tuple(host.lower() for host in asset.hosts) for asset in file.systems]),
        ("addresses", [tuple(str(ip_network(a)) for a in asset.addresses) for asset in file.systems]),
        ("databases", [asset.databases for asset in file.systems]),
    ):
        claimed: dict[str, str] = {}
        for number, (asset, names) in enumerate(zip(file.systems, values, strict=True)):
            for place, name in enumerate(names):
                at: tuple[Any, ...] = ("systems", number, key) if key == "id" else ("systems", number, key, place)
                if name in claimed:
                    yield document.fault(at, f'"{name}" is already that of {claimed[name]}')
                claimed[name] = asset.id


def _overlaps(document: Document, file: _File) -> Iterator[Fault]:
    """Two organisations in office on one day."""
    for number, each in enumerate(file.organisation):
        for earlier in file.organisation[:number]:
            if earlier.covers(date.fromisoformat(each.since)) or each.covers(date.fromisoformat(earlier.since)):
                message = f"{earlier.en} is still in office on that day: give its period an end (until)"
                yield document.fault(("organisation", number, "since"), message)
