"""Facts of key rotations in, the chain of keys out: which key may have signed a head of which size.

A rotation is a ledger fact that the old and the new key both signed; the old key signs one more head, which covers the fact, and
nothing after. So whoever trusts one key of the chain trusts the others, and a head beyond its key's time was signed by who stole it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from iso27001.verifier.notes import PublicKey

ROTATED = "ledger.key-rotated"
"""The kind of a rotation's fact."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """One rotation. `seq`: its entry; `statement`: what both keys signed."""

    seq: int
    old: PublicKey
    new: PublicKey
    statement: bytes
    by_old: bytes
    by_new: bytes

    @property
    def sound(self) -> bool:
        """Whether both keys signed it."""
        return self.old.verifies(self.by_old, self.statement) and self.new.verifies(self.by_new, self.statement)


def statement(origin: str, old: PublicKey, new: PublicKey, time: str) -> bytes:
    """What both keys sign of a rotation. `time`: that of its fact."""
    keys = "\n".join(base64.b64encode(key.raw).decode() for key in (old, new))
    return f"{origin}\nkey rotation\n{keys}\n{time}\n".encode()


def body_of(old: PublicKey, new: PublicKey, by_old: bytes, by_new: bytes) -> dict[str, str]:
    """The body of a rotation's fact."""
    parts = {"old": old.raw, "new": new.raw, "signed_by_old": by_old, "signed_by_new": by_new}
    return {name: base64.b64encode(part).decode() for name, part in parts.items()}


def read_rotation(seq: int, origin: str, time: str, body: Mapping[str, Any]) -> Rotation:
    """The rotation of a fact. Raises: ValueError where it is none."""
    try:
        parts = {
            name: base64.b64decode(body[name], validate=True)
            for name in ("old", "new", "signed_by_old", "signed_by_new")
        }
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"no rotation: {error}") from error
    if len(parts["old"]) != 32 or len(parts["new"]) != 32:
        raise ValueError("no rotation: keys of 32 bytes are expected")
    old, new = PublicKey(parts["old"]), PublicKey(parts["new"])
    return Rotation(seq, old, new, statement(origin, old, new, time), parts["signed_by_old"], parts["signed_by_new"])


@dataclass(frozen=True, slots=True)
class Term:
    """The sizes of heads that a key may sign: from `since` to `until` (None: to this day), both included."""

    key: PublicKey
    since: int = 0
    until: int | None = None


def terms(trusted: PublicKey, rotations: Iterable[Rotation]) -> list[Term]:
    """The keys of the chain that `trusted` stands in, in order, each with its sizes; `trusted` alone where it stands in none.

    A rotation that does not continue the chain, or that its keys did not sign, is left out.
    """
    keys: list[PublicKey] = []
    ends: list[int] = []
    for rotation in rotations:
        if rotation.sound and (not keys or keys[-1] == rotation.old):
            keys += [rotation.new] if keys else [rotation.old, rotation.new]
            ends.append(rotation.seq + 1)
    if trusted not in keys:
        return [Term(trusted)]
    bounds: list[int | None] = [*ends, None]
    return [Term(key, since, until) for key, since, until in zip(keys, [0, *ends], bounds, strict=True)]
