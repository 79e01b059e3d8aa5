"""The chain of custody of one item: who had it, from whom to whom, where, why, and what its hash was (ISO/IEC 27037:2012 clause 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CustodyAction(StrEnum):
    """What was done with the item."""

    COLLECT = "collect"
    TRANSFER = "transfer"
    EXAMINE = "examine"
    COPY = "copy"
    RETURN = "return"
    DESTROY = "destroy"


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One step. `giver` "": it was collected. `holder`: who has it afterwards. `sha256`: of its bytes at that moment."""

    time: datetime
    actor: str
    action: CustodyAction
    giver: str
    holder: str
    place: str
    why: str
    sha256: str


def custody_fault(chain: Sequence[CustodyEntry]) -> str:
    """Where a chain is broken, in words; empty where it is not.

    A chain begins with a collection, every step is made from whoever held the item, time does not go back, the hash stays that of the item
    until it is collected anew, and nothing follows its destruction.
    """
    if not chain or chain[0].action is not CustodyAction.COLLECT:
        return "the chain does not begin with a collection"
    before = chain[0]
    for number, step in enumerate(chain[1:], 2):
        if before.action is CustodyAction.DESTROY:
            return f"step {number} ({step.action}) follows the destruction"
        if step.time < before.time:
            return f"step {number} ({step.action}) is earlier than step {number - 1}"
        if step.action is not CustodyAction.COLLECT:
            if step.giver != before.holder:
                return f"step {number} ({step.action}) is from {step.giver}, but {before.holder} had it"
            if step.sha256 != before.sha256:
                return f"step {number} ({step.action}) found another hash than step {number - 1}"
        before = step
    return ""
