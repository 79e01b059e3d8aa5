"""soc.tui.triage: decisions and how they are taken back."""

from __future__ import annotations

import pytest

from soc.alert import AlertStatus, CloseReason
from soc.tui.triage import Refusal, Triage
from tests.soc.tui.desk_in_memory import DeskInMemory, night

NEW, ACK, CLOSED = AlertStatus.NEW, AlertStatus.ACKNOWLEDGED, AlertStatus.CLOSED
A, B = "00000000", "00000001"


def statuses(desk: DeskInMemory, *ids: str) -> list[AlertStatus]:
    return [desk.held[key].status for key in ids]


def test_only_what_is_new_is_acknowledged() -> None:
    desk = night()
    desk.change([A], ACK)
    step = Triage(desk).acknowledge([A, B])
    assert step.ids == (B,)
    assert desk.calls[-1] == f"acknowledged {B}"


def test_acknowledging_what_is_acknowledged_is_refused_in_words() -> None:
    desk = night()
    desk.change([A], ACK)
    with pytest.raises(Refusal, match=r"refused\.not_new"):
        Triage(desk).acknowledge([A])


def test_who_decides_second_is_told_who_was_first_or_that_it_is_gone() -> None:
    desk = night()
    desk.change([A], CLOSED, CloseReason.BENIGN, actor="lan")
    with pytest.raises(Refusal) as second:
        Triage(desk).close([A], CloseReason.TRUE_POSITIVE)
    assert second.value.values == {"who": "lan"}
    assert desk.held[A].reason is CloseReason.BENIGN
    with pytest.raises(Refusal, match="gone"):
        Triage(desk).close(["unknown"], CloseReason.BENIGN)


def test_undo_of_a_close_gives_each_alert_its_own_status_back() -> None:
    desk = night()
    triage = Triage(desk)
    triage.acknowledge([A])
    triage.close([A, B], CloseReason.BENIGN, "patch window")
    assert statuses(desk, A, B) == [CLOSED, CLOSED]
    assert desk.held[B].history[-1].note == "patch window"
    triage.undo()
    assert statuses(desk, A, B) == [ACK, NEW]
    triage.undo()
    assert statuses(desk, A, B) == [NEW, NEW]
    with pytest.raises(Refusal, match=r"refused\.nothing_to_undo"):
        triage.undo()


def test_undo_adds_to_the_history_and_removes_nothing() -> None:
    desk = night()
    triage = Triage(desk)
    triage.close([A], CloseReason.DUPLICATE)
    triage.undo()
    assert [change.status for change in desk.held[A].history] == [CLOSED, NEW]


def test_undo_never_overwrites_another_analysts_decision() -> None:
    desk = night()
    triage = Triage(desk)
    triage.acknowledge([A])
    desk.change([A], CLOSED, CloseReason.TRUE_POSITIVE, actor="someone else")
    with pytest.raises(Refusal, match=r"refused\.changed_since"):
        triage.undo()
    assert statuses(desk, A) == [CLOSED]


def test_a_read_only_session_changes_nothing() -> None:
    desk = night()
    triage = Triage(desk, read_only=True)
    for decide in (lambda: triage.acknowledge([A]), lambda: triage.close([A], CloseReason.BENIGN), triage.undo):
        with pytest.raises(Refusal, match=r"refused\.read_only"):
            decide()
    assert desk.calls == []


def test_a_decision_that_failed_is_not_there_to_be_undone() -> None:
    desk = night()
    triage = Triage(desk)
    desk.fail = OSError("disk full")
    with pytest.raises(OSError, match="disk full"):
        triage.acknowledge([A])
    desk.fail = None
    with pytest.raises(Refusal, match=r"refused\.nothing_to_undo"):
        triage.undo()
