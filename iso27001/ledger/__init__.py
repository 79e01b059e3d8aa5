"""The ledger's nouns: a `Fact` is what an engine or a person decided; an `Entry` is a fact with its place in the tree."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec


@dataclass(frozen=True, slots=True)
class Fact:
    """One decision. `kind`: "alert.opened", "measure.sample", …; `actor`: "engine", or the name of a person; `body`: JSON values only.

    `id` names it uniquely: appending a fact whose id the ledger holds adds nothing, so a replay after a crash changes nothing.
    """

    id: str
    kind: str
    time: datetime
    actor: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact with its sequence number (from 0): leaf `seq` of the Merkle tree."""

    seq: int
    fact: Fact


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value: UTF-8, NFC text, sorted keys, no spaces. What leaves of the tree and hashes are made of."""
    return msgspec.json.encode(_normal(value), order="sorted")


def _normal(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_normal(k): _normal(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(v) for v in value]
    return value
