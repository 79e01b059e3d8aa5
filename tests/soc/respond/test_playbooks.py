"""A playbook is planned word for word, approved by other eyes, run once, and what is wrong with it is told with its place."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from iso27001.ledger import Fact
from soc.alert import Entity
from soc.detect import Level
from soc.errors import FaultsError, SocError
from soc.incident import Incident, Phase
from soc.respond import Config, Playbook, Run, StepState, running
from soc.respond.planning import PlanError, plan
from soc.respond.playbooks import load, proposed
from tests.soc.desk_fixtures import DAY

SHIPPED = Path(__file__).parents[3] / "playbooks"


def incident(*entities: tuple[str, str], level: Level = Level.HIGH) -> Incident:
    return Incident(
        "I-1",
        "t",
        level,
        80,
        Phase.DETECT_REPORT,
        DAY,
        DAY,
        tuple(Entity(*e) for e in entities),
        (),
        ("attack.initial-access",),
        (),
        (),
        (),
    )


ATTACK = incident(("source.ip", "203.0.113.9"), ("user.name", "tuan.hs"))


@pytest.fixture
def firewall(tmp_path: Path) -> Path:
    """A real command that writes its arguments, one a line, as a firewall's client would take them."""
    script = tmp_path / "fw"
    script.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/calls\n[ "$2" != "203.0.113.66" ] || exit 3\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return script


@pytest.fixture
def config(firewall: Path) -> Config:
    return Config(
        commands={
            "block_address": (str(firewall), "add", "{address}"),
            "unblock_address": (str(firewall), "del", "{address}"),
        }
    )


@pytest.fixture
def block(config: Config) -> Playbook:
    return load([SHIPPED], config)["block-address"]


def clock() -> Iterator[datetime]:
    at = DAY
    while True:
        at += timedelta(seconds=1)
        yield at


class Ledger:
    """The facts of one test, in order, and the run as they tell it."""

    def __init__(self, first: Fact) -> None:
        self.facts = [first]

    @property
    def run(self) -> Run:
        [run] = running.runs(self.facts).values()
        return run

    def states(self) -> list[str]:
        return [step.state.value for step in self.run.steps]


def test_the_shipped_playbook_is_proposed_for_an_attack_with_an_address(block: Playbook) -> None:
    assert proposed([block], ATTACK) == [block]
    assert proposed([block], incident(("user.name", "lan"))) == []
    assert proposed([block], incident(("source.ip", "203.0.113.9"), level=Level.LOW)) == []


def test_the_plan_shows_the_command_word_for_word(block: Playbook, config: Config, firewall: Path) -> None:
    made = plan(block, ATTACK, {}, config, actor="lan", now=DAY)
    step = next(s for s in made.steps if s.kind == "command")
    assert step.argv == (str(firewall), "add", "203.0.113.9")
    assert step.undo_argv == (str(firewall), "del", "203.0.113.9")
    assert "203.0.113.9" in made.steps[0].text


@pytest.mark.parametrize(
    "bad", ["; rm -rf /", "--help", "$(id)", "203.0.113.9 ", "999.1.1.1", "", "127.0.0.1", "\n10.0.0.1"]
)
def test_a_value_that_is_no_address_or_is_protected_makes_no_plan(block: Playbook, config: Config, bad: str) -> None:
    with pytest.raises(PlanError):
        plan(block, ATTACK, {"address": bad}, config, actor="lan", now=DAY)


def test_a_missing_value_is_asked_for_by_name(block: Playbook, config: Config) -> None:
    with pytest.raises(PlanError, match="--set address=VALUE"):
        plan(block, incident(), {}, config, actor="lan", now=DAY)


def planned_ledger(block: Playbook, config: Config, **given: str) -> Ledger:
    return Ledger(running.planned(plan(block, ATTACK, given, config, actor="lan", now=DAY)))


def go(ledger: Ledger) -> None:
    ticks = clock()
    list(running.execute(ledger.run, actor="lan", clock=lambda: next(ticks), write=ledger.facts.append))


def test_nothing_runs_before_the_approval_of_somebody_else(block: Playbook, config: Config, tmp_path: Path) -> None:
    ledger = planned_ledger(block, config)
    with pytest.raises(running.ApprovalError, match="ask a colleague"):
        running.approve(ledger.run, config, actor="lan", now=DAY)
    ledger.facts.append(running.confirm(ledger.run, "look", "no gateway", actor="lan", now=DAY))
    go(ledger)
    assert not (tmp_path / "calls").exists()
    ledger.facts.append(running.approve(ledger.run, config, actor="minh", now=DAY))
    go(ledger)
    assert (tmp_path / "calls").read_text() == "add\n203.0.113.9\n"
    assert ledger.states() == ["done", "done", "awaiting-person", "awaiting-person"]


def test_a_finished_step_is_not_repeated(block: Playbook, config: Config, tmp_path: Path) -> None:
    ledger = planned_ledger(block, config)
    ledger.facts.append(running.confirm(ledger.run, "look", "", actor="lan", now=DAY))
    ledger.facts.append(running.approve(ledger.run, config, actor="minh", now=DAY))
    go(ledger)
    go(ledger)
    assert (tmp_path / "calls").read_text().count("add") == 1


def test_a_step_that_began_and_did_not_end_waits_for_a_person(block: Playbook, config: Config, tmp_path: Path) -> None:
    ledger = planned_ledger(block, config)
    ledger.facts.append(running.confirm(ledger.run, "look", "", actor="lan", now=DAY))
    ledger.facts.append(running.approve(ledger.run, config, actor="minh", now=DAY))

    def power_cut(fact: Fact) -> None:
        ledger.facts.append(fact)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(running.execute(ledger.run, actor="lan", clock=lambda: DAY, write=power_cut))
    assert ledger.run.steps[1].state is StepState.UNKNOWN
    with pytest.raises(SocError, match="no end is recorded"):
        go(ledger)
    assert not (tmp_path / "calls").exists()


def test_a_command_that_fails_stops_the_run_and_says_how(block: Playbook, config: Config) -> None:
    ledger = planned_ledger(block, config, address="203.0.113.66")
    ledger.facts.append(running.confirm(ledger.run, "look", "", actor="lan", now=DAY))
    ledger.facts.append(running.approve(ledger.run, config, actor="minh", now=DAY))
    go(ledger)
    assert (ledger.run.steps[1].state, ledger.run.steps[1].exit_code) == (StepState.FAILED, 3)
    assert ledger.run.finished


def test_a_missing_program_is_a_failed_step(block: Playbook) -> None:
    config = Config(commands={"block_address": ("/no/such/program", "{address}"), "unblock_address": ("/bin/true",)})
    ledger = planned_ledger(block, config)
    ledger.facts.append(running.confirm(ledger.run, "look", "", actor="lan", now=DAY))
    ledger.facts.append(running.approve(ledger.run, config, actor="minh", now=DAY))
    go(ledger)
    assert "No such file" in ledger.run.steps[1].output


def test_all_faults_of_a_playbook_are_told_with_their_places(tmp_path: Path, config: Config) -> None:
    path = tmp_path / "bad.yml"
    path.write_text(
        "id: x\ntitle: t\ndescription: d\nowner: o\nreviewed: '2026-11-22'\ninputs: {address: {type: ip}}\n"
        "steps:\n  - {id: a, kind: command, title: t, command: block_adress}\n  - {id: a, kind: manual, title: t, text: 'see {adress}'}\n"
    )
    with pytest.raises(FaultsError) as caught:
        load([tmp_path], config)
    assert [(f.line, f.column) for f in caught.value.faults] == [(8, 47), (9, 10), (9, 43)]
    assert 'did you mean "block_address"?' in str(caught.value)
    assert 'did you mean "address"?' in str(caught.value)
