"""Texts of an address field and an address or a network in, the few texts out that may be of it and are worth reading as addresses.

An address of IPv4 is written in one way alone (`ipaddress`: four numbers, no zeros before them); what else may equal it has a colon
(::ffff:192.0.2.7) or a slash.
"""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_MAPPED = IPv6Network("::ffff:0:0/96")
_OCTET = 8


def suspects(values: pa.Array, wanted: str) -> NDArray[np.intp]:
    """Places of the texts that `soc.store.matching.in_network(wanted)` may hold of, or that are `wanted` in one case or the other."""
    begin, whole = _told(wanted)
    if begin is None:
        return np.arange(len(values))
    found = pc.equal(values, begin) if whole else pc.starts_with(values, begin)
    for sign in ":/":
        found = pc.or_(found, pc.match_substring(values, sign))
    return np.flatnonzero(np.asarray(pc.fill_null(found, fill_value=False)))


@cache
def _told(wanted: str) -> tuple[str | None, bool]:
    """How such an address of IPv4 begins, and whether that is all of it; None where that tells nothing."""
    try:
        network = ip_network(wanted, strict=False)
    except ValueError:
        return None, False
    if isinstance(network, IPv4Network):
        octets = str(network.network_address).split(".")[: network.prefixlen // _OCTET]
        return ".".join(octets) + "." * (0 < len(octets) < 4), len(octets) == 4
    return ("", True) if not network.overlaps(_MAPPED) else (None, False)
