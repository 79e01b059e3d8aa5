"""Warning lists in, whether a value is known to be harmless out: what stands on one never becomes an alert, whatever a feed says.

Two forms, found by the content: lines of values (`#` begins a remark), and MISP's warninglists (`{"name", "type", "list"}`, of the types
cidr, hostname and string). A name covers those below it, a network its addresses, any other value itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from collectors.enrich.intel.indicator import Indicator, Kind, Net, kind_of, net_of, packed, spelled, url_of, within
from collectors.enrich.intel.told import BAD_JSON, IndicatorError, Told

MAX_BYTES = 64 * 1024 * 1024


class WarningLists:
    """The lists of a site together."""

    def __init__(self, lists: Iterable[tuple[str, Iterable[Indicator]]] = ()) -> None:
        """`lists`: names and their values."""
        self._values: dict[tuple[Kind, str], str] = {}
        self._nets: dict[Net, str] = {}
        for name, values in lists:
            for each in values:
                net = net_of(each)
                if net is not None:
                    self._nets.setdefault(net, name)
                else:
                    self._values.setdefault((each.kind, each.value), name)
        self._prefixes = {size: sorted({n.prefix for n in self._nets if len(n.packed) == size}) for size in (4, 16)}

    def __len__(self) -> int:
        return len(self._values) + len(self._nets)

    def names(self, kind: Kind, value: str) -> str:
        """The list that has an indicator's value, or a network or name around it; of a URL, that has its host. "" where none does."""
        found = self._values.get((kind, value), "")
        if found:
            return found
        if kind is Kind.URL:
            host = url_of(value)[1]
            return self.names(Kind.IPV4 if packed(host) else Kind.DOMAIN, host)
        if kind is Kind.DOMAIN:
            labels = value.split(".")
            above = (".".join(labels[at:]) for at in range(1, len(labels) - 1))
            return next((self._values[Kind.DOMAIN, name] for name in above if (Kind.DOMAIN, name) in self._values), "")
        if kind in (Kind.IPV4, Kind.IPV6):
            return self._address(value)
        return ""

    def _address(self, value: str) -> str:
        text, _, bits = value.partition("/")
        address = packed(text)
        if address is None:
            return ""
        for version in (Kind.IPV4, Kind.IPV6):
            if not bits and (version, value) in self._values:
                return self._values[version, value]
        longest = int(bits) if bits else len(address) * 8
        nets = (within(address, prefix) for prefix in self._prefixes[len(address)] if prefix <= longest)
        return next((self._nets[net] for net in nets if net in self._nets), "")


class _Misp(msgspec.Struct):
    values: list[str] = msgspec.field(name="list")
    type: str = "string"


def read_lists(paths: Sequence[Path]) -> WarningLists:
    """The lists of these files. Raises: IndicatorError with every fault in them, at its place."""
    told = Told()
    lists = [(path.name, list(_values(path, told))) for path in paths]
    if told.faults:
        raise IndicatorError("\n".join(told.faults))
    return WarningLists(lists)


def _values(path: Path, told: Told) -> Iterable[Indicator]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise IndicatorError(f"{path} is larger than {MAX_BYTES >> 20} MB")
        data = path.read_bytes()
    except OSError as error:
        raise IndicatorError(f"{path} cannot be read: {error.strerror}") from error
    if data.lstrip()[:1] == b"{":
        try:
            found = msgspec.json.decode(data, type=_Misp)
        except BAD_JSON as error:
            raise IndicatorError(f"{path} is no warning list of MISP: {error}") from error
        if found.type not in ("cidr", "hostname", "string"):
            raise IndicatorError(f'{path}: lists of type "{found.type}" are not read: cidr, hostname, string')
        values = [(f"{path}: list[{number}]", each) for number, each in enumerate(found.values)]
    else:
        text = data.decode("utf-8-sig", "backslashreplace")
        values = [(f"{path}:{number}", line.partition("#")[0]) for number, line in enumerate(text.splitlines(), 1)]
    for place, value in values:
        if value.strip():
            try:
                yield Indicator(*_wide(value.strip()))
            except ValueError as error:
                told.fault(place, str(error))


def _wide(value: str) -> tuple[Kind, str]:
    """As `spelled`, and a network of any width: a list may well name 10.0.0.0/8 or fc00::/7. Raises: ValueError."""
    from ipaddress import ip_network

    kind = kind_of(value.removeprefix("."))
    if kind in (Kind.IPV4, Kind.IPV6) and "/" in value:
        return kind, str(ip_network(value))
    return spelled(kind, value.removeprefix("."))
