"""A rule and what a person names as an event in, the account of the event's whole path out.

received -> read by a parser -> enriched -> taken by the rule's source -> its leaves -> its filters -> did it run then -> does it fire;
of a correlation: its rules on the event -> the groups that it falls in -> what they are short of, until when -> the detections around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from soc.app.engine_then import Then, then
from soc.app.received import MOST, Received, around
from soc.app.site import Site
from soc.detect.account import Account, Accountant
from soc.detect.correlation import ENDLESS, Lateness, Network
from soc.detect.group_account import CorrelationAccount, CorrelationAccountant
from soc.detect.sigma import ir
from soc.detect.sigma.references import Loaded
from soc.errors import SocError

_START = 4
"""Digits of an id that are enough to look for it."""


@dataclass(frozen=True, slots=True)
class Explained:
    """One event's path. `account` is None where the record is no event; `then`: how the rule stood when the event was received, None
    for records that the engine never saw; `silenced_by`: correlations that use the rule, so that it does not alert by itself.
    """

    received: Received
    account: Account | CorrelationAccount | None
    then: Then | None = None
    silenced_by: tuple[str, ...] = ()

    @property
    def fires(self) -> bool:
        """Whether the rule fires."""
        return self.account is not None and self.account.fires


def find_rule(content: Sequence[Loaded], named: str) -> Loaded:
    """The rule or correlation that a person means by its id, the start of it, its name, its title or its file. Raises: SocError."""
    low, rules = named.lower(), [pair for pair in content if not isinstance(pair[1], ir.Filter)]
    file = Path(named).resolve() if Path(named).is_file() else None
    fits: list[Callable[[Loaded], bool]] = [
        lambda pair: pair[1].id == low or pair[1].name == named,
        lambda pair: file is not None and Path(pair[0]).resolve() == file,
        lambda pair: len(low) >= _START and pair[1].id.startswith(low),
        lambda pair: pair[1].title.lower() == low,
    ]
    for fit in fits:
        found = [pair for pair in rules if fit(pair)]
        meant = [pair for pair in found if isinstance(pair[1], ir.Correlation)] or found
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise SocError(f'"{named}" means {len(meant)} rules: {", ".join(each.id for _, each in meant[:5])}')
    raise SocError(f"there is no rule {named}; `soc rules list` lists them")


def explain(site: Site, content: Sequence[Loaded], rule: Loaded, records: Sequence[Received]) -> Iterator[Explained]:
    """What becomes of each record at a detection rule (of many, of the first that it fires on, or of the first at all); at a correlation,
    of the last record that one of its rules fires on.
    """
    path, found = rule
    if isinstance(found, ir.Correlation):
        yield _correlated(site, content, found, records)
        return
    assert isinstance(found, ir.Rule), "find_rule gives no filters"
    accountant = Accountant(path, found, content)
    silenced = _silenced_by(found, content)
    fired = accountant.fires([received.event for received in records if received.event is not None])
    telling = [received for received in records if received.event is not None and received.event.id in fired]
    for received in (telling or records)[:MOST] if len(records) > MOST else records:
        event = received.event
        account = accountant.of(event) if event else None
        yield Explained(received, account, _then(site, found, received), silenced)


def _correlated(site: Site, content: Sequence[Loaded], rule: ir.Correlation, records: Sequence[Received]) -> Explained:
    config = site.config.detect
    accountant = CorrelationAccountant(rule, content, Lateness(config.lateness, config.lateness_of))
    read = [received for received in records if received.event is not None]
    if not read:
        return Explained(records[-1], None) if records else _nothing()
    received = next((each for each in reversed(read) if each.event and accountant.hit(each.event)), read[-1])
    event = received.event
    assert event is not None, "it was read"
    if received.journalled:
        near = around(site, event, accountant.before, accountant.after)
    else:  # a file: its records are all there is, and it does not matter when they come
        accountant = CorrelationAccountant(rule, content, ENDLESS)
        near = iter([[each.event for each in read if each.event is not None]])
    account = accountant.of(event, near)
    return Explained(received, account, _then(site, rule, received), _silenced_by(rule, content))


def _silenced_by(rule: ir.Rule | ir.Correlation, content: Sequence[Loaded]) -> tuple[str, ...]:
    titles = {each.id: each.title for _, each in content}
    return tuple(titles[each] for each in Network(content).silenced.get(rule.id, ()))


def _nothing() -> Explained:
    raise SocError("there is no record to explain")


def _then(site: Site, rule: ir.Rule | ir.Correlation, received: Received) -> Then | None:
    if not received.journalled or received.event is None:
        return None
    return then(site, rule.id, rule.version, received.event.ingested)
