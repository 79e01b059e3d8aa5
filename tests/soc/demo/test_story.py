"""The shipped rules against the truth of the recorded day: what happened is found, where and when it happened."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import soc
from soc.detect import Detection, Level
from soc.detect.ruleset import load
from tests.soc.demo.test_records import all_events, manifest

RULES = Path(soc.__file__).parents[1] / "rules"
BEYOND_RULES = {"the copy staged on the portal with the stolen deploy key"}
"""Each of its records alone is an ordinary one, and no count tells: it needs the hour and the habits of an account."""


@cache
def detections() -> tuple[Detection, ...]:
    rules = load([RULES])
    return (*rules.detect(all_events()), *rules.finish())


def found(chapter: dict[str, Any]) -> list[Detection]:
    """What fired on records of the chapter's host and time that name its actor."""
    began, ended = (datetime.fromisoformat(chapter[end]) for end in ("began", "ended"))
    return [
        each
        for each in detections()
        for event in each.events
        if began <= event.time <= ended + timedelta(seconds=2)
        and event.get("host.name") == chapter["host"]
        and chapter["actor"] in event.original
    ]


def test_every_misdeed_that_records_or_their_number_betray_is_found() -> None:
    missed = {chapter["text"] for chapter in manifest()["story"] if chapter["malicious"] and not found(chapter)}
    assert missed <= BEYOND_RULES


def test_correlations_tell_what_single_records_do_not() -> None:
    correlated = [each for each in detections() if each.rule.kind == "correlation"]
    titles = {each.rule.title for each in correlated}
    assert {
        "Many Accounts Tried over SSH from One Address",
        "SSH Password Guessed, as Failures Were Followed by a Log-in",
        "sudo Refused Several Commands, Then One Was Run as root",
        "Many Refused Portal Log-ins from One Address, Then One That Opened",
        "One Officer Looked Up a Great Many Citizens",
        "Citizens Looked Up in Numbers, Then Records Copied Out by the Same Account",
    } <= titles
    assert sum(len(each.events) >= 20 for each in correlated) >= 2
    guilty = {chapter["actor"] for chapter in manifest()["story"] if chapter["malicious"]}
    assert all(guilty & set(each.group) for each in correlated), "no correlation accuses the honest"


def test_nothing_that_only_looks_bad_is_called_critical() -> None:
    harmless = [chapter for chapter in manifest()["story"] if not chapter["malicious"]]
    assert len(harmless) >= 10
    assert not [d.rule.title for chapter in harmless for d in found(chapter) if d.rule.level is Level.CRITICAL]


def test_ordinary_records_hardly_fire_anything() -> None:
    """From seven in the morning, outside of every chapter: at most two detections in a thousand records, the guesses and probes that
    every address on the Internet gets included; not counted is the job that the attack left running.
    """
    told = {id(detection) for chapter in manifest()["story"] for detection in found(chapter)}
    morning = datetime.fromisoformat(f"{manifest()['date']}T07:00:00+07:00")
    day = [event for event in all_events() if event.time >= morning]
    left_running = "Scheduled Job Downloads Code and Runs It"
    noise = [
        d for d in detections() if d.events[0].time >= morning and id(d) not in told and d.rule.title != left_running
    ]
    assert len(noise) <= 2 * len(day) / 1000, sorted(d.rule.title for d in noise)
