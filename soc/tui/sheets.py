"""One alert or incident in, the lines of its detail pages out: why it matched, the raw events, the rule, its history. No terminal here.

Values that made the rule match are marked where they stand: in the match, in the event's field, in the raw line and in the rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from collectors.event import Value
from soc.alert import Alert, AlertStatus
from soc.detect import Match
from soc.reason import words
from soc.tui import rows
from soc.tui.rows import Locale
from soc.tui.span import Line, Role, Span, line

PEEKED = 4
"""Matches told under the list, as far as its width goes."""

MAX_EVENTS = 20
"""Events shown of one alert; the rest is counted."""

MAX_VALUE = 70_000
"""Characters shown of one value: more than the longest line that syslog carries, less than what would stall a terminal."""

MAX_MARKS = 500
"""Places marked in one value."""

_LITERAL = re.compile(r"[^*?]{2,}")
_NOT_LITERAL = frozenset(
    {"re", "cidr", "gt", "gte", "lt", "lte", "exists", "fieldref", "base64", "base64offset", "wide", "utf16"}
)
"""Modifiers whose pattern is no part of the value's text: there the whole value is marked."""

_TECHNIQUE = re.compile(r"attack\.(t\d{4}(?:\.\d{3})?)", re.IGNORECASE)


def overview(alert: Alert, now: datetime, locale: Locale) -> list[Line]:
    """What one needs in order to decide: what, how bad, why it matched, whom it is about, until when."""
    return [
        _head(alert, now, locale),
        line(Span(alert.title, Role.STRONG)),
        line(Span(_about(alert), Role.DIM), indent=2),
        *section(locale, "why", _why(alert.matched, locale)),
        *section(locale, "risk", _risk(alert, locale)),
        *section(locale, "about", _about_whom(alert, locale)),
        *section(locale, "when", _when(alert, now, locale)),
    ]


def events(alert: Alert, documents: Sequence[Mapping[str, Value]], locale: Locale) -> list[Line]:
    """The raw line and every field of the newest events behind the alert, newest first."""
    shown = list(reversed(documents))[:MAX_EVENTS]
    if not shown:
        return [line(Span(locale.say("events.none"), Role.DIM))]
    lines: list[Line] = []
    for number, document in enumerate(shown, 1):
        title = locale.say("events.title", number=number, count=alert.count)
        time = locale.written(str(document.get("@timestamp", "")), "%Y-%m-%d %H:%M:%S")
        lines += [
            line(Span(title, Role.HEAD), Span(f"  {time}", Role.DIM)),
            *_event(document, alert.matched, locale),
            line(),
        ]
    if alert.count > len(shown):
        lines.append(line(Span(locale.say("events.more", count=alert.count - len(shown)), Role.DIM)))
    return lines


def rule(alert: Alert, source: str, locale: Locale) -> list[Line]:
    """The rule as its author wrote it, with the parts that matched marked."""
    if not source:
        return [line(Span(locale.say("rule.none", id=alert.rule_id), Role.DIM))]
    wanted = _places(alert.matched)
    lines = []
    for number, (content, hit) in enumerate(_with_hits(source, wanted), 1):
        role = Role.MARK if hit else Role.PLAIN
        lines.append(line(Span(f"{number:4} ", Role.DIM), Span(content.expandtabs(4), role), indent=5))
    return lines


def history(alert: Alert, locale: Locale) -> list[Line]:
    """Who decided, did or said what, when and why, oldest first."""
    stamp = "%Y-%m-%d %H:%M:%S"
    told: list[tuple[datetime, str, str, str]] = []
    for change in alert.history:
        reason = f" · {locale.say(f'reason.{change.reason}')}" if change.reason else ""
        told.append((change.time, locale.say(f"status.long.{change.status}") + reason, change.actor, change.note))
    told += [(note.time, locale.say(f"note.{note.kind}"), note.actor, note.text) for note in alert.notes]
    first = line(Span(locale.clock(alert.first_seen, stamp), Role.DIM), f"  {locale.say('history.opened')}")
    return [
        first,
        *(
            line(
                Span(locale.clock(time, stamp), Role.DIM),
                "  ",
                Span(what, Role.STRONG),
                f"  {actor}",
                Span(f"  {why}" if why else ""),
                indent=21,
            )
            for time, what, actor, why in sorted(told)
        ),
    ]


def peek(alert: Alert, locale: Locale) -> list[Line]:
    """Two lines under the list: what matched in the alert under the cursor, what its log source asks last, and its risk in words."""
    why: list[Span] = []
    for match in sorted(alert.matched, key=lambda match: match.where.partition("/")[0] == "logsource")[:PEEKED]:
        gap = "  " if why else ""
        why += [Span(f"{gap}{match.subject or locale.say('why.text')} ", Role.DIM), *_value(match)]
    return [
        line(Span(f"{locale.say('section.why')}: ", Role.KEY), *why),
        line(
            Span(f"{locale.say('section.risk')}: ", Role.KEY),
            "; ".join(words(why, locale.language) for why in alert.risk_why),
        ),
    ]


def _head(alert: Alert, now: datetime, locale: Locale) -> Line:
    badge = Span(
        f" {rows.SHAPES[alert.level].strip()} {rows.level_name(alert.level, locale)} ", rows.LEVEL_ROLES[alert.level]
    )
    status = locale.say(f"status.long.{alert.status}")
    reason = f" · {locale.say(f'reason.{alert.reason}')}" if alert.reason else ""
    count = locale.say("seen", count=alert.count) if alert.count > 1 else ""
    return line(
        badge,
        f"  {locale.say('risk')} ",
        Span(str(alert.risk), Role.STRONG),
        f"  {status}{reason}  ",
        _due(alert, now, locale),
        f"  {count}" if count else "",
    )


def _due(alert: Alert, now: datetime, locale: Locale) -> Span:
    if alert.status is not AlertStatus.NEW:
        return Span("")
    left = alert.due - now
    if left > timedelta():
        return Span(locale.say("due.in", time=rows.short(left)))
    return Span(locale.say("due.over", time=rows.short(-left)), Role.WARN)


def _about(alert: Alert) -> str:
    return " · ".join(filter(None, (f"{alert.rule_id}", alert.logsource, ", ".join(techniques(alert.tags)))))


def techniques(tags: Iterable[str]) -> list[str]:
    """Techniques of ATT&CK among tags."""
    return [match[1].upper() for tag in tags if (match := _TECHNIQUE.fullmatch(tag))]


def section(locale: Locale, name: str, lines: Iterable[Line]) -> Iterator[Line]:
    """Lines under a heading; nothing where there is none."""
    body = list(lines)
    if body:
        yield line()
        yield line(Span(locale.say(f"section.{name}"), Role.HEAD))
        yield from body


def _why(matched: Sequence[Match], locale: Locale) -> Iterator[Line]:
    if not matched:
        yield line(Span(f"  {locale.say('why.none')}", Role.DIM))
    for match in matched:
        selection, _, rest = match.where.partition("/")
        modifiers = " ".join(rest.split("|")[1:]) or "="
        field = Span(match.subject or locale.say("why.text"), Role.STRONG)
        source = Span(f"   ({selection})", Role.DIM)
        if match.pattern in (match.value, ""):
            yield line("  ", field, Span(f" {modifiers} ", Role.DIM), Span(match.value, Role.MARK), source, indent=4)
        else:
            yield line("  ", field, Span(f" {modifiers} ", Role.DIM), match.pattern, source, indent=4)
            yield line("    ", *_value(match), indent=4)


def _value(match: Match) -> list[Span]:
    wanted = needles(match)
    return mark(match.value, wanted) if wanted else [Span(match.value, Role.MARK)]


def _risk(alert: Alert, locale: Locale) -> Iterator[Line]:
    for why in alert.risk_why:
        yield line(f"  {words(why, locale.language)}", indent=2)


def _about_whom(alert: Alert, locale: Locale) -> Iterator[Line]:
    others = sorted(set(alert.entities) - {alert.entity})
    for one in (alert.entity, *others):
        yield line(
            Span(f"  {one.kind:<18}", Role.DIM),
            Span(one.value, Role.STRONG if one == alert.entity else Role.PLAIN),
            indent=20,
        )
    if alert.system:
        yield line(Span(f"  {locale.say('fact.system'):<18}", Role.DIM), alert.system, indent=20)


def _when(alert: Alert, now: datetime, locale: Locale) -> Iterator[Line]:
    stamp = "%Y-%m-%d %H:%M:%S"
    told = {
        "first_seen": locale.clock(alert.first_seen, stamp),
        "last_seen": f"{locale.clock(alert.last_seen, stamp)}  ({locale.say('ago', time=rows.short(now - alert.last_seen))})",
        "due": locale.clock(alert.due, stamp),
        "decide_by": locale.clock(alert.decide_by, stamp) if alert.decide_by else "",
        "snoozed": locale.clock(alert.snoozed_until, stamp) if alert.snoozed_until else "",
        "suppressed_by": alert.suppressed_by,
        "merged_into": alert.merged_into,
        "duplicates": ", ".join(alert.duplicates),
        "tlp": f"TLP:{alert.tlp.value.upper()}",
        "labels": ", ".join(alert.labels),
        "assignee": alert.assignee,
        "incident": alert.incident_id,
    }
    yield from facts(told, locale)


def facts(told: Mapping[str, str], locale: Locale) -> Iterator[Line]:
    """A line for each fact that has a value, under the catalogue's name of it."""
    for name, value in told.items():
        if value:
            yield line(Span(f"  {locale.say(f'fact.{name}'):<18}", Role.DIM), value, indent=20)


def _event(document: Mapping[str, Value], matched: Sequence[Match], locale: Locale) -> Iterator[Line]:
    everywhere = [needle for match in matched for needle in (needles(match) or [match.value])]
    original = document.get("event.original")
    if original not in (None, ""):
        yield line("  ", *mark(_shown(original, locale), everywhere), indent=2)
        yield line()
    for field in sorted(set(document) - {"event.original"}):
        hits = [match for match in matched if match.field == field or not match.field]
        content = _shown(document[field], locale)
        whole = any(match.field == field and not needles(match) for match in hits)
        spans = [Span(content, Role.MARK)] if whole else mark(content, [n for match in hits for n in needles(match)])
        yield line(Span(f"  {field:<28} ", Role.KEY if any(m.field for m in hits) else Role.DIM), *spans, indent=31)


def _shown(value: Value, locale: Locale) -> str:
    content = ", ".join(map(str, value)) if isinstance(value, list) else "null" if value is None else str(value)
    if len(content) <= MAX_VALUE:
        return content
    return f"{content[:MAX_VALUE]}… {locale.say('events.cut', count=len(content) - MAX_VALUE)}"


def needles(match: Match) -> list[str]:
    """The texts to look for in the value: the pattern without its wildcards, nothing where the pattern is no text."""
    modifiers = set(match.where.split("|")[1:])
    if modifiers & _NOT_LITERAL:
        return []
    return [
        found.replace("\\\\", "\\") for found in _LITERAL.findall(match.pattern.replace("\\*", "*").replace("\\?", "?"))
    ]


def mark(content: str, wanted: Iterable[str]) -> list[Span]:
    """The text with each place where a wanted text stands marked, whatever the case of its letters."""
    words = sorted({word for word in wanted if word}, key=len, reverse=True)
    if not words:
        return [Span(content)]
    pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
    spans: list[Span] = []
    at = 0
    for number, found in enumerate(pattern.finditer(content)):
        if number == MAX_MARKS:
            break
        spans += [Span(content[at : found.start()]), Span(found[0], Role.MARK)]
        at = found.end()
    return [span for span in (*spans, Span(content[at:])) if span.text]


def _places(matched: Sequence[Match]) -> set[tuple[str, str]]:
    """(selection, key of its field) of each match: `selection/CommandLine|contains` and `selection/1/CommandLine` alike."""
    places = set()
    for match in matched:
        selection, _, rest = match.where.partition("/")
        places.add((selection, rest.rpartition("/")[2]))
    return places


def _with_hits(source: str, wanted: set[tuple[str, str]]) -> Iterator[tuple[str, bool]]:
    """Each line of a rule, and whether it belongs to a key that matched: found by indentation, as a reader would."""
    names = {selection for selection, _ in wanted}
    selection, depth, key_depth = "", -1, -1
    for content in source.split("\n"):
        bare = content.lstrip(" -")
        indent = len(content) - len(bare)
        name = bare.partition(":")[0].strip("'\" ")
        if bare and indent <= depth:
            selection, depth, key_depth = "", -1, -1
        if not selection and name in names and ":" in bare and indent > 0:
            selection, depth = name, indent
            yield content, True
            continue
        if key_depth >= 0 and bare and indent <= key_depth:
            key_depth = -1
        if selection and key_depth < 0 and (selection, name) in wanted:
            key_depth = indent
        yield content, key_depth >= 0
