"""CSV files of machines in, as an asset database exports them; `Machine`s out, beside those of the inventory.

    name,addresses,system
    portal-02,192.0.2.11; 2001:db8::11,one-stop-shop

Source of truth: RFC 4180. `system` is an id of the inventory, or nothing where a machine serves several.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from collectors.enrich.rows import refuse, rows

_COLUMNS = ("name", "addresses", "system")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. `addresses`: in their usual spelling. `system`: an id of the inventory, "" for none."""

    name: str
    addresses: tuple[str, ...]
    system: str


def read_machines(paths: Sequence[Path], systems: Sequence[str]) -> list[Machine]:
    """The machines of these files. `systems`: the ids that the inventory knows. Raises: TableError with every fault in them."""
    faults: list[str] = []
    names: dict[str, str] = {}
    addresses: dict[str, str] = {}
    found = []
    for path in paths:
        for place, cells in rows(path, _COLUMNS, faults):
            machine = _machine(place, cells, systems, faults)
            if machine is None:
                continue
            faults += _twice(place, [machine.name.lower()], names)
            faults += _twice(place, machine.addresses, addresses)
            found.append(machine)
    refuse(faults)
    return found


def _twice(place: str, values: Sequence[str], seen: dict[str, str]) -> list[str]:
    """Faults for names or addresses that another line has; `seen`: value -> its first place."""
    faults = [f'{place}: "{value}" already stands in {seen[value]}' for value in values if value in seen]
    seen.update((value, place) for value in values if value not in seen)
    return faults


def _machine(place: str, cells: Mapping[str, str], systems: Sequence[str], faults: list[str]) -> Machine | None:
    name, system = cells["name"], cells["system"]
    if not name or not name.isprintable():
        faults.append(f"{place}: no name")
        return None
    if system and system not in systems:
        near = difflib.get_close_matches(system, systems, 1, 0.6)
        faults.append(
            f'{place}: the inventory has no system "{system[:80]}"' + (f'; did you mean "{near[0]}"?' if near else "")
        )
        return None
    try:
        addresses = tuple(str(ip_address(each.strip())) for each in cells["addresses"].split(";") if each.strip())
    except ValueError as error:
        faults.append(f"{place}: {str(error)[:120]}")
        return None
    return Machine(name, addresses, system)
