"""One incident in, the lines of its page out: what, how grave, which clocks run, what is to be done, what proves it, and its story."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from soc.incident import Incident, TaskState
from soc.incident.classification import CLASSES, GROUPS
from soc.incident.clocks import Clocks, ClockState, NoticeClock
from soc.incident.merging import title_in
from soc.reason import name_of, words
from soc.tui import rows
from soc.tui.messages import CATALOGUE
from soc.tui.rows import Locale
from soc.tui.sheets import facts, section, techniques
from soc.tui.span import Line, Role, Span, line

STAMP = "%Y-%m-%d %H:%M:%S"
OVER = frozenset({ClockState.OVERDUE, ClockState.WARNING})


def incident(one: Incident, clocks: Clocks | None, now: datetime, locale: Locale) -> list[Line]:
    """The page."""
    told = {
        "phase": rows.phase(one, locale),
        "class": named(CLASSES, one.severity, locale),
        "group": named(GROUPS, one.group, locale),
        "assignee": one.assignee,
        "tlp": f"TLP:{one.tlp.value.upper()}",
        "labels": ", ".join(one.labels),
        "opened": locale.clock(one.opened, STAMP),
        "last_seen": locale.clock(one.last_seen, STAMP),
        "closed": locale.clock(one.closed, STAMP) if one.closed else "",
        "merged_into": one.merged_into,
        "alerts": str(len(one.alert_ids)),
        "systems": ", ".join(one.systems),
        "entities": ", ".join(map(rows.entity, one.entities)),
        "attack": ", ".join(techniques(one.tags)),
    }
    badge = Span(
        f" {rows.SHAPES[one.level].strip()} {rows.level_name(one.level, locale)} ", rows.LEVEL_ROLES[one.level]
    )
    return [
        line(badge, f"  {locale.say('risk')} ", Span(str(one.risk), Role.STRONG), *_urgent(clocks, now, locale)),
        line(Span(title_in(one, locale.language), Role.STRONG)),
        line(),
        *facts(told, locale),
        *section(locale, "clocks", _clocks(clocks, now, locale)),
        *section(locale, "tasks", _tasks(one, now, locale)),
        *section(locale, "custody", _evidence(one, locale)),
        *section(locale, "review", _review(one, locale)),
        *section(locale, "linked", (line(f"  {words(why, locale.language)}", indent=2) for why in one.why)),
        *section(locale, "timeline", _story(one, locale)),
    ]


def named(names: Mapping[str, tuple[str, str]], key: str, locale: Locale) -> str:
    """`M2 Serious`; nothing where nobody said."""
    return f"{key} {names[key][locale.language == 'vi']}" if key else ""


def clock_cell(clock: NoticeClock | None, now: datetime) -> tuple[str, Role]:
    """The time that is left to the next notice that was not sent, `!` where there is none left."""
    if clock is None:
        return "", Role.PLAIN
    left = clock.due - now
    late = clock.state is ClockState.OVERDUE
    text = f"!{rows.short(-left)}" if late else rows.short(left)
    return text, Role.WARN if clock.state in OVER else Role.PLAIN


def next_clock(clocks: Clocks | None) -> NoticeClock | None:
    """The most urgent notice that was not sent."""
    waiting = (clock for clock in (clocks.notices if clocks else ()) if clock.sent is None)
    return min(waiting, key=lambda clock: clock.due, default=None)


def _urgent(clocks: Clocks | None, now: datetime, locale: Locale) -> Iterator[Span]:
    if (clock := next_clock(clocks)) is not None:
        cell, role = clock_cell(clock, now)
        yield Span(f"  {locale.say('column.clock')} ")
        yield Span(locale.say(f"clock.{clock.state}", time=cell.lstrip("!")), role)


def _clocks(clocks: Clocks | None, now: datetime, locale: Locale) -> Iterator[Line]:
    for clock in clocks.notices if clocks else ():
        cell, role = clock_cell(clock, now)
        state = locale.say(f"clock.{clock.state}", time=cell.lstrip("!"))
        to = clock.rule.to_vi if locale.language == "vi" else clock.rule.to
        yield line(
            Span(f"  {locale.clock(clock.due, STAMP)}  ", Role.DIM),
            Span(state, Role.PLAIN if clock.sent else role),
            f"  {to}",
            Span(f"  {clock.rule.id}: {words(clock.why, locale.language)}", Role.DIM),
            indent=23,
        )
    for gap in clocks.gaps if clocks else ():
        yield line(Span(f"  ! {gap}", Role.WARN), indent=4)


def _tasks(one: Incident, now: datetime, locale: Locale) -> Iterator[Line]:
    for task in one.tasks:
        late = task.state is TaskState.OPEN and task.due is not None and task.due < now
        mark = {TaskState.OPEN: "!" if late else "·", TaskState.DONE: "+", TaskState.DROPPED: "-"}[task.state]
        due = f"  {locale.clock(task.due, STAMP)}" if task.due else ""
        yield line(
            Span(f"  {mark} ", Role.WARN if late else Role.KEY),
            Span(task.title, Role.STRONG if task.state is TaskState.OPEN else Role.DIM),
            Span(f"  {task.id}{f'  {task.assignee}' if task.assignee else ''}{due}", Role.DIM),
            indent=4,
        )


def _evidence(one: Incident, locale: Locale) -> Iterator[Line]:
    for item in one.evidence:
        yield line(Span(f"  {item.name}", Role.STRONG), Span(f"  {item.id}  sha256 {item.sha256}", Role.DIM), indent=4)
        for entry in item.custody:
            intact = "" if entry.intact is None else f"  {locale.say('yes') if entry.intact else '!'}"
            yield line(
                Span(f"    {locale.clock(entry.time, STAMP)}  ", Role.DIM),
                f"{entry.actor}: {name_of(entry.deed, locale.language)}, {entry.where}: {entry.why}{intact}",
                indent=8,
            )


def _review(one: Incident, locale: Locale) -> Iterator[Line]:
    if one.review is not None:
        review = one.review
        yield from facts(
            {"cause": review.cause, "lessons": review.lessons, "improvements": review.improvements}, locale
        )


def _story(one: Incident, locale: Locale) -> Iterator[Line]:
    for entry in one.timeline:
        kind = locale.say(f"story.{entry.kind}") if f"story.{entry.kind}" in CATALOGUE else entry.kind
        yield line(
            Span(locale.clock(entry.time, "%m-%d %H:%M:%S"), Role.DIM),
            "  ",
            Span(f"{kind:<9}", Role.KEY),
            Span(f"  {words(entry.text, locale.language)}"),
            Span(f"  {entry.actor}" if entry.actor else "", Role.DIM),
            indent=27,
        )
