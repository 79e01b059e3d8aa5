"""The bytes of facts in, the facts and which of them are not in the one form that facts have out; with the standard library alone.

A fact is JSON (RFC 8259) with the keys actor, body, id, kind and time: UTF-8 in NFC, keys sorted by code point, no white space, no
repeated key, numbers in their shortest form, the time in RFC 3339 with six digits. `iso27001.ledger.canonical` writes it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_KEYS = ("actor", "body", "id", "kind", "time")
_BETWEEN = "\x1e"
"""What is written between facts to see where each ends."""
_decoder = json.JSONDecoder()
_encode = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False
).encode


def read(raws: Sequence[bytes]) -> tuple[list[Any], dict[int, str]]:
    """The facts as plain JSON values, and by place why one is not the canonical form of a fact. Quickest where many come together."""
    found = _together(raws)
    return (found, {}) if found is not None else _one_by_one(raws)


def _together(raws: Sequence[bytes]) -> list[Any] | None:
    """The facts where each is in canonical form, at the price of a look at all of them at once; else None."""
    whole = b",".join(raws)
    mark = _encode(_BETWEEN)
    try:
        text = f"[{whole.decode()}]"
        found = _decoder.decode(text)
        if len(found) != len(raws) or set(map(type, found)) != {dict} or set(map(tuple, found)) != {_KEYS}:
            return None
        actors, _, ids, kinds, times = zip(*map(dict.values, found), strict=True)
        if {*map(type, actors), *map(type, ids), *map(type, kinds), *map(type, times)} != {str} or mark in text:
            return None
        if not all(map(_TIME.fullmatch, times)) or not all(map(datetime.fromisoformat, times)):
            return None
        if not whole.isascii() and not unicodedata.is_normalized("NFC", text):
            return None
        # Written again with a mark between each two, which stands nowhere else, it is the same: so each is, and ends where it should.
        parted = [_BETWEEN] * (2 * len(found) - 1)
        parted[::2] = found
        return found if _encode(parted).encode() == b"[" + f",{mark},".encode().join(raws) + b"]" else None
    except (ValueError, RecursionError):
        return None


def _one_by_one(raws: Sequence[bytes]) -> tuple[list[Any], dict[int, str]]:
    found: list[Any] = []
    bad: dict[int, str] = {}
    for place, raw in enumerate(raws):
        found.append(None)
        try:
            text = raw.decode()
            fact, end = _decoder.raw_decode(text, 0)
            found[place] = fact
            if end != len(text):
                bad[place] = "not in canonical form: more than one value"
            elif reason := _shape(fact):
                bad[place] = reason
            elif not _same(fact, raw) and _write(fact).encode("utf-8", "surrogatepass") != raw:
                bad[place] = "not in canonical form"
            elif not raw.isascii() and not unicodedata.is_normalized("NFC", text):
                bad[place] = "not in canonical form (text that is not NFC)"
        except (ValueError, RecursionError, StopIteration) as error:
            bad[place] = f"not a fact: {error}"
    return found, bad


def _shape(fact: Any) -> str:
    if not isinstance(fact, dict) or tuple(fact) != _KEYS:
        return "not in canonical form: the keys actor, body, id, kind, time are expected"
    actor, _, fact_id, kind, time = fact.values()
    if not (type(actor) is type(fact_id) is type(kind) is type(time) is str):
        return "actor, id, kind and time are texts"
    if not _TIME.fullmatch(time):
        return "not in canonical form: the time"
    try:
        datetime.fromisoformat(time)
    except ValueError as error:
        return f"not a fact: {error}"
    return ""


def _same(value: Any, raw: bytes) -> bool:
    try:
        return _encode(value).encode() == raw
    except (ValueError, RecursionError):
        return False


def _write(value: Any) -> str:
    """The canonical form where floats are written as Ryu writes them (0.00001, 1e-7), which Python writes otherwise (1e-05, 1e-07)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_encode(key)}:{_write(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_write, value)) + "]"
    return _number(value) if isinstance(value, float) else str(_encode(value))


def _number(value: float) -> str:
    mantissa, _, exponent = repr(value).partition("e")
    if not exponent:
        return mantissa
    power = int(exponent)
    if power == -5:  # the one power that Ryu still writes out
        digits = mantissa.replace(".", "").removeprefix("-")
        return f"{'-' if value < 0 else ''}0.0000{digits}"
    return f"{mantissa}e{power:+d}"
