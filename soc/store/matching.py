"""`EventQuery.equals` in, one predicate over documents out: what "equal" means, for every implementation alike.

Values are compared as text ("22" equals 22, true equals "true"), case and all. A list in the document holds each of its elements; a
list that is wanted asks for each of its elements. None asks for an absent field. Address fields (ECS type ip: `source.ip`,
`dns.resolved_ip`) are compared as addresses, and a network (10.0.0.0/8) equals each address in it: what Elasticsearch's type `ip` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv6Network, ip_network

from collectors.event import Value

Predicate = Callable[[Mapping[str, Value]], bool]


def holds(equals: Mapping[str, Value]) -> Predicate:
    """The predicate that is true of a document in which every field of `equals` is equal."""
    checks = [(field, _check(field, wanted)) for field, wanted in equals.items()]
    return lambda document: all(check(document.get(field)) for field, check in checks)


def is_address(field: str) -> bool:
    """Whether a field holds IP addresses: its last part is `ip` or ends in `_ip`. Names that Windows gives (`winlog.*`) are not ECS."""
    last = field.rpartition(".")[2]
    return (last == "ip" or last.endswith("_ip")) and not field.startswith("winlog.")


def _check(field: str, wanted: Value) -> Callable[[Value], bool]:
    if wanted is None:
        return lambda value: value is None or value == []
    if isinstance(wanted, list):
        each = [_check(field, element) for element in wanted]
        return lambda value: all(check(value) for check in each)
    one = in_network(str(wanted)) if is_address(field) else _sametext_of(text_of(wanted))
    return lambda value: any(map(one, value)) if isinstance(value, list) else one(value)


def _sametext_of(wanted: str) -> Callable[[str | float | None], bool]:
    return lambda value: value is not None and text_of(value) == wanted


def in_network(wanted: str) -> Callable[[str | float | None], bool]:
    """Whether a value is the address `wanted` or one in that network; of what is neither, nothing is."""
    try:
        network = _network(wanted)
    except ValueError:
        return lambda _: False

    def check(value: str | float | None) -> bool:
        try:
            return _network(str(value)).subnet_of(network)
        except ValueError:  # "-", "LOCAL": what some logs write for no address
            return False

    return check


def _network(text: str) -> IPv6Network:
    """An address or network in the space of IPv6, IPv4 as ::ffff:0:0/96: how Lucene keeps them, so 192.0.2.7 equals ::ffff:192.0.2.7."""
    network = ip_network(text, strict=False)
    if isinstance(network, IPv6Network):
        return network
    return IPv6Network((0xFFFF << 32 | int(network.network_address), 96 + network.prefixlen))


def text_of(value: str | float) -> str:
    """A scalar as the text that it is compared by."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
