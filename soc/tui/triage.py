"""What an analyst decides in, the desk's calls out, with an undo that overwrites no one else's decision. No terminal here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from soc.alert import Alert, AlertStatus, CloseReason
from soc.tui.desk import Desk

Verb = Literal["acknowledge", "close"]

UNDO_DEPTH = 100


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """Nothing was done: `key` of the message that says why, and its values."""

    def __init__(self, key: str, /, **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


@dataclass(frozen=True, slots=True)
class Step:
    """One decision that was carried out: the alerts as they stood before it, and the status and reason that it gave them."""

    verb: Verb
    before: tuple[Alert, ...]
    status: AlertStatus
    reason: CloseReason | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The alerts that it changed."""
        return tuple(alert.id for alert in self.before)


class Triage:
    """The decisions of one session, latest last. Every method blocks as the desk does."""

    def __init__(self, desk: Desk, *, read_only: bool = False) -> None:
        self._desk = desk
        self._read_only = read_only
        self._steps: list[Step] = []

    def acknowledge(self, ids: Sequence[str]) -> Step:
        """Acknowledge those that are new. Raises: Refusal when none is, or read-only; SocError."""
        self._may_change()
        found = self._desk.alerts(ids)
        before = tuple(alert for alert in found if alert.status is AlertStatus.NEW)
        if not before:
            raise _decided("refused.not_new", found)
        self._desk.acknowledge([alert.id for alert in before])
        return self._keep(Step("acknowledge", before, AlertStatus.ACKNOWLEDGED))

    def close(self, ids: Sequence[str], reason: CloseReason, note: str = "") -> Step:
        """Close those that are open. Raises: Refusal when none is, or read-only; SocError."""
        self._may_change()
        found = self._desk.alerts(ids)
        before = tuple(alert for alert in found if alert.status is not AlertStatus.CLOSED)
        if not before:
            raise _decided("refused.closed", found)
        self._desk.close([alert.id for alert in before], reason, note)
        return self._keep(Step("close", before, AlertStatus.CLOSED, reason))

    def undo(self) -> Step:
        """Take the last decision back; what was acknowledged before it was closed is acknowledged again.

        Raises: Refusal when there is none, or when another analyst changed one of its alerts since; SocError.
        """
        self._may_change()
        if not self._steps:
            raise Refusal("refused.nothing_to_undo")
        step = self._steps[-1]
        now = self._desk.alerts(step.ids)
        if any((alert.status, alert.reason) != (step.status, step.reason) for alert in now) or len(now) != len(
            step.ids
        ):
            self._steps.pop()
            raise Refusal("refused.changed_since", count=len(step.ids))
        self._desk.reopen(step.ids)
        acknowledged = [alert.id for alert in step.before if alert.status is AlertStatus.ACKNOWLEDGED]
        if acknowledged:
            self._desk.acknowledge(acknowledged)
        return self._steps.pop()

    def _may_change(self) -> None:
        if self._read_only:
            raise Refusal("refused.read_only")

    def _keep(self, step: Step) -> Step:
        self._steps = [*self._steps[-UNDO_DEPTH + 1 :], step]
        return step


def _decided(key: str, found: Sequence[Alert]) -> Refusal:
    """That others have decided already, and who."""
    who = dict.fromkeys(change.actor for alert in found for change in alert.history[-1:])
    return Refusal(key, who=", ".join(who)) if who else Refusal("gone")
