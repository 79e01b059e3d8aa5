"""The ledger's nouns: a `Fact` is what an engine or a person decided; an `Entry` is a fact with its place in the tree.

Their one byte form is made here: what is hashed today must give the same bytes on any machine in ten years.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from iso27001.errors import LedgerError
from iso27001.verifier.notes import rfc3339

__all__ = ["Entry", "Fact", "canonical", "decode", "encode", "encode_all", "rfc3339", "rfc3339_all"]


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


class Entry(NamedTuple):
    """A fact with its sequence number (from 0): leaf `seq` of the Merkle tree."""

    seq: int
    fact: Fact


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value: UTF-8, NFC text, keys sorted by code point, no spaces, moments as RFC 3339 UTC.

    What leaves of the tree and hashes are made of. Whole numbers stay whole: 1 and 1.0 are different values.
    Raises: LedgerError for what JSON cannot say (NaN, sets, bytes, a naive datetime, half a surrogate pair, keys that NFC makes equal).
    """
    try:
        raw = orjson.dumps(value, option=_OPTIONS, default=_plain)
        if b"null" in raw:  # the encoder writes NaN as null
            _refuse_not_finite(value)
        if raw.isascii() or unicodedata.is_normalized("NFC", raw.decode()):
            return raw
        return orjson.dumps(_nfc(orjson.loads(raw)), option=_OPTIONS)
    except TypeError as error:
        raise LedgerError(f"not a JSON value: {error.__cause__ or error}") from error


def rfc3339_all(moments: Sequence[datetime]) -> list[str]:
    """`rfc3339` of each, in a fifth of the time. Raises: LedgerError if one is naive."""
    if any(moment.tzinfo is not UTC for moment in moments):
        return [rfc3339(moment) for moment in moments]
    texts = orjson.dumps(moments, option=orjson.OPT_UTC_Z)[2:-2].decode().split('","')
    return [text if len(text) == 27 else f"{text[:19]}.000000Z" for text in texts]  # the encoder leaves out .000000


def encode(fact: Fact, time: str = "") -> bytes:
    """The bytes of a fact, of which its leaf hash is made; `time`: its time as text, where at hand. Raises: LedgerError."""
    time = time or rfc3339(fact.time)
    return canonical({"actor": fact.actor, "body": fact.body, "id": fact.id, "kind": fact.kind, "time": time})


def encode_all(facts: Sequence[Fact], times: Sequence[str]) -> list[bytes]:
    """`encode` of each: what needs a look at each fact is looked for in all of them at once. Raises: LedgerError."""
    try:
        raws = [
            orjson.dumps(
                {"actor": fact.actor, "body": fact.body, "id": fact.id, "kind": fact.kind, "time": time},
                option=_OPTIONS,
                default=_plain,
            )
            for fact, time in zip(facts, times, strict=True)
        ]
    except TypeError as error:
        raise LedgerError(f"not a JSON value: {error.__cause__ or error}") from error
    whole = b"".join(raws)
    if whole.isascii() and b"null" not in whole:
        return raws
    return [
        raw if raw.isascii() and b"null" not in raw else encode(fact, time)
        for raw, fact, time in zip(raws, facts, times, strict=True)
    ]


def decode(raw: bytes) -> Fact:
    """The fact of its bytes. Raises: LedgerError."""
    try:
        plain = orjson.loads(raw)
        time = datetime.fromisoformat(plain["time"])
        return Fact(plain["id"], plain["kind"], time, plain["actor"], plain["body"])
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerError(f"not the bytes of a fact: {error}") from error


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a {type(value).__name__}")


_FINITE = frozenset({str, int, bool, type(None)})


def _refuse_not_finite(value: Any) -> None:
    if isinstance(value, float) and not math.isfinite(value):
        raise TypeError(f"the number {value}")
    items = value if isinstance(value, list | tuple) else value.values() if isinstance(value, Mapping) else ()
    for item in items:
        if type(item) not in _FINITE:
            _refuse_not_finite(item)


def _nfc(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_nfc(item) for item in value]
    if isinstance(value, dict):
        normal = {_nfc(key): _nfc(item) for key, item in value.items()}
        if len(normal) != len(value):
            raise TypeError("keys that differ only in their Unicode form")
        return normal
    return value
