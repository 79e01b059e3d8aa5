"""An alert and what of it was benign in; a tuning file with its test and its backtest out, and how all tuning of the site stands.

Nothing is written before its backtest was seen and nothing spoke against it, or a person decided so; upstream's files are never touched.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from collectors.event import Event
from collectors.parse import formats, parse_batch
from collectors.record import Position, RawRecord
from iso27001.ledger import Fact
from soc.action import Role
from soc.alert import Alert
from soc.app.access import needs
from soc.app.backtesting import Backtest, Change, events_of
from soc.app.hidden import hidden_so_far
from soc.app.intakes import context_of
from soc.app.site import Site
from soc.detect import rule_tests
from soc.detect.backtest import differences, proposed
from soc.detect.sigma import ir
from soc.detect.sigma.check_filter import TUNING_FOLDER
from soc.detect.sigma.load import linked, read
from soc.detect.sigma.references import Loaded, Names
from soc.detect.tuning import Standing, Tuning, cases_of, choices, filter_text, standing, written
from soc.errors import FaultsError, SocError

ADDED = "tuning.added"


@dataclass(frozen=True, slots=True)
class Proposal:
    """A tuning that is not written yet. `events`: those of the alert that it was made from."""

    alert: Alert
    tuning: Tuning
    text: str
    change: Change
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """What a tuning can be made from: the alert's rule and events, and the fields to choose from with their values."""

    alert: Alert
    rule: ir.Rule
    events: tuple[Event, ...]
    choices: tuple[tuple[str, tuple[object, ...]], ...]


def case_of(site: Site, alert: Alert) -> Case:
    """What an alert offers. Raises: SocError for an alert of a correlation or model, of a rule that is gone, or without events."""
    names = {each.id: each for _, each in site.content()}
    rule = names.get(alert.rule_id)
    if isinstance(rule, ir.Correlation):
        bases = ", ".join(rule.rules)
        raise SocError(f"{alert.id} is of a correlation, which sees no fields: tune one of its rules ({bases})")
    if not isinstance(rule, ir.Rule):
        raise SocError(f"{alert.id} is of {alert.rule_id}, which is no rule of this site: there is nothing to tune")
    events = events_of(site, [alert])
    if not events:
        raise SocError(f"the journal no longer has the events of {alert.id}")
    looked_at = [match.field for match in alert.matched if match.field]
    return Case(alert, rule, tuple(events), tuple(choices(events, looked_at)))


def propose(
    site: Site, case: Case, fields: Sequence[str], *, reason: str, owner: str, expires: date, made: date
) -> Proposal:
    """The tuning that hides the alert's events by these fields, and the change that it makes. Raises: SocError, FaultsError."""
    if not reason.strip() or not owner.strip():
        raise SocError("a tuning needs a reason and an owner: someone answers for what nobody sees any more")
    if expires <= made:
        raise SocError(f"a tuning that expires on {expires} hides nothing from {made} on")
    if not fields:
        raise SocError("name the fields whose values make the case")
    cases = cases_of(case.events, list(dict.fromkeys(fields)))
    tuning = Tuning(f"Benign: {case.rule.title}"[:256], case.rule, cases, reason.strip(), owner.strip(), expires, made)
    text = filter_text(tuning)
    before = site.content()
    if any(each.id == tuning.id for _, each in before):
        raise SocError("this very case is tuned already; `soc rules tune --list` shows it")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TUNING_FOLDER / "proposed.yml"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        added = read([path], placeholders=site.placeholders)
        after = linked(proposed(before, added))
    rule_only = [pair for pair in after if pair[1].id in (case.rule.id, tuning.id)]
    if left := site.rule_set(rule_only).detect(case.events):
        raise SocError(
            f"by these fields {len(left)} of the alert's {len(case.events)} events would still alert: choose others"
        )
    return Proposal(
        case.alert, tuning, text, Change(before, after, tuple(differences(before, after))), tuple(case.events)
    )


# --- writing --------------------------------------------------------------------------------------------------------------------


def place(site: Site, name: str) -> Path:
    """Where a tuning of this name goes: `tuning/NAME.yml` in the site's first rule folder."""
    if not name or name != Path(name).name or name.startswith("."):
        raise SocError(f'"{name}" is no name for a file')
    folder = next((folder for folder in site.config.rules if folder.is_dir()), site.config.rules[0])
    return folder / TUNING_FOLDER / f"{name.removesuffix('.yml')}.yml"


def write(site: Site, proposal: Proposal, result: Backtest, path: Path, actor: str, *, forced: str = "") -> str:
    """Write the tuning and its test, and record them; why there is no test, or "".

    `forced`: the reason for going on where the backtest objects. Raises: SocError where the file is there already or cannot be written.
    """
    needs(site, actor, "tune", [proposal.alert.id], Role.LEAD)
    if path.exists():
        raise SocError(f"{path} is there already; nothing was written")
    test, why = _test(site, proposal, result)
    test_path = path.with_name(path.stem + rule_tests.SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if test:
            _replace(test_path, test)
        _replace(path, proposal.text)
    except OSError as error:
        raise SocError(f"{path} cannot be written: {error.strerror}") from error
    now = site.clock()
    tuning = proposal.tuning
    body = {
        "filter": tuning.id,
        "rule": tuning.rule.id,
        "alert": proposal.alert.id,
        "cases": [dict(case) for case in tuning.cases],
        "reason": tuning.reason,
        "owner": tuning.owner,
        "expires": tuning.expires.isoformat(),
        "change": proposal.change.digest,
        "would_have_hidden": sum(o.removed for o in result.rules),
        "objections": result.objections(),
        "forced": forced,
    }
    site.ledger.append([Fact(f"{ADDED}:{tuning.id}:{now.isoformat()}", ADDED, now, actor, body)])
    return why


def _replace(path: Path, text: str) -> None:
    """Whole or not at all: `soc run` reads the folder while it is written."""
    part = path.with_name(f".{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _test(site: Site, proposal: Proposal, result: Backtest) -> tuple[str, str]:
    """The test beside the tuning, run before it is given; else "" and why there is none."""
    hidden = proposal.events[0]
    kept = list(_kept(proposal, result))
    if not kept:
        return "", "no event shows what must stay: nothing else fired the rule, and it has no test of its own"
    for name in _formats(site, hidden):
        data = {
            "format": name,
            "received": hidden.ingested.isoformat(),
            "hidden": [hidden.original],
            "kept": [kept[0]],
        }
        text = written(data)
        if _passes(site, proposal, text):
            return text, ""
    return "", "its lines alone do not show it: a field comes from the inventory, or the formats differ"


def _kept(proposal: Proposal, result: Backtest) -> Iterator[str]:
    """Lines on which the rule must still fire: of the history, else of the rule's own test."""
    for outcome in result.rules:
        if outcome.rule.id == proposal.tuning.rule.id and outcome.stays is not None:
            yield outcome.stays.text
    paths = [Path(path) for path, each in proposal.change.before if each.id == proposal.tuning.rule.id]
    try:
        tests = rule_tests.discover(paths)
    except FaultsError:
        return
    for test in tests:
        for sample in test.samples:
            if sample.kind is rule_tests.Kind.MATCH and not sample.sequence:
                yield sample.records[0].data.decode("utf-8", "replace")


def _formats(site: Site, event: Event) -> list[str]:
    """Formats that read the event's record as it was read, that of its source first."""
    named = [source.format for source in site.config.sources if source.id == event.source]
    return [name for name in dict.fromkeys((*named, *formats())) if name != "auto" and _reads(site, name, event)]


def _reads(site: Site, name: str, event: Event) -> bool:
    record = RawRecord(event.raw, event.source, Position("", "", 0, 0), event.ingested)
    source = next((each for each in site.config.sources if each.id == event.source), None)
    parsed, _ = parse_batch([record], name, context_of(site, source))
    return any(found.fields.items() <= event.fields.items() for found in parsed)


def _passes(site: Site, proposal: Proposal, test: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / TUNING_FOLDER / "proposed.yml"
        path.parent.mkdir()
        path.write_text(proposal.text, encoding="utf-8")
        path.with_name("proposed" + rule_tests.SUFFIX).write_text(test, encoding="utf-8")
        tests = rule_tests.discover([path])
        rule: Iterable[Loaded] = [pair for pair in proposal.change.before if pair[1].id == proposal.tuning.rule.id]
        content = linked([*rule, *read([path], placeholders=site.placeholders)])
    return all(verdict.passed for verdict in rule_tests.run(tests, content))


# --- how it stands --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """One filter of the site. `hidden`: hits that it hid so far, `last`: when the engine told of some last."""

    id: str
    title: str
    path: str
    rules: tuple[str, ...]
    reason: str
    owner: str
    expires: str
    standing: Standing
    hidden: int
    last: datetime | None


def listed(site: Site) -> list[Row]:
    """Every filter of the site, those that end first before the others."""
    content = site.content()
    names, counts, now = Names(content), hidden_so_far(site), site.clock()
    rows = []
    for path, each in content:
        if isinstance(each, ir.Filter):
            count = counts.get(each.id)
            rules = tuple(names.one(name).title for name in each.rules) or (f"any of {each.logsource}",)
            about = (each.reason, each.owner, each.expires, standing(each, now))
            rows.append(
                Row(each.id, each.title, path, rules, *about, count.hits if count else 0, count.last if count else None)
            )
    return sorted(rows, key=lambda row: (row.expires or "9", row.title, row.id))
