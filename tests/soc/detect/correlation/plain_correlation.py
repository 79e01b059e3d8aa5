"""An independent reading of Sigma's correlations and of our own kinds: every hit looks at all others, straight from the YAML.

Deliberately plain and slow (quadratic, and worse for order), and no code shared with soc.detect.correlation: where the two differ, one of
them is wrong. It knows all events at once, so it has no watermark and no state: what it says is what the engine must say in any order of
arrival within the lateness, in any batches, over any restart. Of events that all come too late, `lanes` says which belong together.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, replace
from fractions import Fraction

OPERATORS = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
}
UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
TIMED = 1_000_000_000
"""Taken from the number of an event for which something fired because a time was over: it comes before the events of that moment."""
DEFAULTS = {"learning": "7d", "baseline": "7d"}


@dataclass(frozen=True)
class Happening:
    """An event, or a correlation that fired at one: `time` in microseconds, `number` in order of receipt, names of the rules that fired."""

    time: int
    number: int
    fields: dict
    fired: frozenset


@dataclass(frozen=True)
class Alarm:
    """A correlation that fired: when, at which event (its number; of what did not happen, of the last one before), for which group."""

    name: str
    time: int
    number: int
    group: tuple
    figure: object
    timed: bool = False


def correlate(correlations: dict, events: list, until: int | None = None) -> list[Alarm]:
    """All alarms of all correlations (name -> the YAML section), with those that others use. `until`: the end of observation."""
    events = sorted(events, key=lambda e: (e.time, e.number))
    end = max([*(e.time for e in events), *([until] if until is not None else [])], default=0)
    done: dict[str, list[Alarm]] = {}

    def alarms(name):
        if name not in done:
            section = correlations[name]
            hits = []
            for place, rule in enumerate(section["rules"]):
                if rule in correlations:
                    by_number = {e.number: e for e in events}
                    lower = correlations[rule].get("group-by", [])
                    for alarm in alarms(rule):
                        named = dict(zip(lower, alarm.group, strict=True))
                        number = alarm.number - TIMED if alarm.timed else alarm.number
                        hits.append((alarm.time, number, place, rule, named, by_number[alarm.number].fields))
                else:
                    hits += [(e.time, e.number, place, rule, {}, e.fields) for e in events if rule in e.fired]
            done[name] = evaluate(name, section, hits, end)
        return done[name]

    return [alarm for name in correlations for alarm in alarms(name)]


def lanes(late: list, sources: list, allowed: int) -> list[list[Happening]]:
    """Late events in order of receipt, with the source of each: a lane is what one source sent, as long as it goes back by no more than
    `allowed` microseconds; what goes back by less counts as of the latest before it."""
    found: list[list[Happening]] = []
    last: dict = {}
    for event, source in zip(late, sources, strict=True):
        if source not in last or event.time < last[source][-1].time - allowed:
            last[source] = []
            found.append(last[source])
        last[source].append(replace(event, time=max([event.time, *[e.time for e in last[source]]])))
    return found


def silenced(correlations: dict) -> set:
    """Rules and correlations that a correlation names, and none generates."""
    named = {rule for section in correlations.values() for rule in section["rules"]}
    generated = {rule for section in correlations.values() if section.get("generate") for rule in section["rules"]}
    return named - generated


def seconds(text):
    return int(text[:-1]) * UNITS[text[-1]]


def texts(value):
    found = value if isinstance(value, list) else [] if value is None else [value]
    return list(dict.fromkeys(v if isinstance(v, str) else str(v) for v in found))


def takes_part(correlations: dict, event: Happening) -> bool:
    """Whether any correlation counts the event: it fires a rule of it, and has the fields to group by and to look at."""
    return any(
        grouped(section, [(event.time, event.number, 0, rule, {}, event.fields)])
        for section in correlations.values()
        for rule in section["rules"]
        if rule in event.fired
    )


def grouped(section, hits):
    """The hits that count, by group and by event: the places of the rules that fired, and the values."""
    kind = section["type"]
    fields = (section.get("condition") or {}).get("field", []) if isinstance(section.get("condition"), dict) else []
    fields = [fields] if isinstance(fields, str) else fields
    measured = kind in ("value_sum", "value_avg", "value_percentile", "value_median")
    groups: dict[tuple, dict] = {}
    for time, number, place, rule, named, event in hits:

        def read(field, rule=rule, named=named, event=event):
            field = section.get("aliases", {}).get(field, {}).get(rule, field)
            return named[field] if field in named else event.get(field)

        values = []
        if fields and measured:
            found = [read(field) for field in fields]
            cells = [cell for value in found for cell in (value if isinstance(value, list) else [value])]
            values = [n for n in map(numeric, cells) if n is not None]
        elif fields:
            values = list(itertools.product(*[texts(read(field)) for field in fields]))
        if fields and not values:
            continue
        for key in dict.fromkeys(itertools.product(*[texts(read(field)) for field in section.get("group-by", [])])):
            # an event is one thing that happened, whatever number of the correlation's rules it fires
            entry = groups.setdefault(key, {}).setdefault((time, number), [set(), []])
            entry[0].add(place)
            if measured and not entry[1]:
                entry[1] += values
            elif not measured:
                entry[1] += [v for v in values if v not in entry[1]]
    return groups


def evaluate(name, section, hits, end):
    span = seconds(section["timespan"]) * 1_000_000
    groups = grouped(section, hits)
    alarms = KINDS[section["type"]](section, span, {key: sorted(group.items()) for key, group in groups.items()}, end)
    return [
        Alarm(name, time, number % TIMED, group, figure, timed=number < 0 or timed == [True])
        for time, number, group, figure, *timed in sorted(alarms, key=lambda a: (a[0], a[4:] != (True,), a[1], a[2]))
    ]


def numeric(value):
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return value
    return float(value) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", value) else None


def holds(section, figure):
    condition = section.get("condition")
    pairs = [(OPERATORS[k], v) for k, v in (condition or {}).items() if k in OPERATORS]
    return all(compare(figure, value) for compare, value in pairs)


def within(group, time, number, span):
    """The hits in (time - span, time] that are no later than this one."""
    return [(at, entry) for at, entry in group if time - span < at[0] and at <= (time, number)]


def firing(moments, span):
    """Of (time, number, whether true, figure) in order: fire when it becomes true, and each timespan after while it stays so."""
    fired = None
    for time, number, true, figure in moments:
        if not true:
            fired = None
        elif fired is None or time - fired >= span:
            fired = time
            yield time, number, figure


def windowed(figure_of):
    """A kind that looks at the window of each hit; `figure_of` gives (whether true, figure) of the window's entries."""

    def evaluated(section, span, groups, end):
        for key, group in groups.items():
            moments = []
            for (time, number), _ in group:
                true, figure = figure_of(section, within(group, time, number, span))
                moments.append((time, number, true, figure))
            for time, number, figure in firing(moments, span):
                yield time, number, key, figure

    return evaluated


def event_count(section, window):
    return holds(section, len(window)), len(window)


def value_count(section, window):
    count = len({value for _, (_, values) in window for value in values})
    return holds(section, count), count


def measure(figure_of):
    def evaluated(section, window):
        numbers = [Fraction(n) for _, (_, values) in window for n in values]
        figure = figure_of(section, sorted(numbers))
        return holds(section, figure), figure

    return evaluated


def percentile(section, numbers, rank=None):
    place = Fraction(rank if rank is not None else section["condition"]["percentile"]) * (len(numbers) - 1) / 100
    below = math.floor(place)
    above = min(below + 1, len(numbers) - 1)
    return float(numbers[below] + (numbers[above] - numbers[below]) * (place - below))


def temporal(section, window):
    rules = section["rules"]
    present = {rules[place] for _, (places, _) in window for place in places}
    if isinstance(section.get("condition"), dict):  # "the count of different event types"
        return holds(section, len(present)), len(present)
    return expression(section, lambda name: name in present), len(present)


def temporal_ordered(section, window):
    """True where the rules that a reading of the expression needs occurred one after the other, as the correlation lists them."""
    rules = section["rules"]
    events = [places for _, (places, _) in window]
    present = {rules[place] for places in events for place in places}

    def in_order(chosen):
        at = 0
        for place in chosen:
            while at < len(events) and place not in events[at]:
                at += 1
            if at == len(events):
                return False
            at += 1
        return True

    sets = [some for n in range(len(rules) + 1) for some in itertools.combinations(range(len(rules)), n)]
    if isinstance(section.get("condition"), dict):
        figure = max(len(some) for some in sets if in_order(some))
        return holds(section, figure), figure
    true = False
    for some in sets:
        names = {rules[place] for place in some}
        # rules outside of the reading are what they are: absent ones may be asked for by `not`, present ones are not
        if in_order(some) and expression(
            section, lambda name, names=names: name in names or (None if name in present else False)
        ):
            true = True
    longest = 0
    for needed, absent in readings(section):
        if not absent & present and in_order(sorted(map(rules.index, needed))):
            longest = max(longest, len(needed))
    return true, longest


def readings(section):
    """The alternatives of an expression, multiplied out: the rules that each needs, and those that it asks to be absent."""
    text = section.get("condition") or " and ".join(section["rules"])
    names = sorted(set(re.findall(r"\w+", text)) - {"and", "or", "not"})

    class Ways(list):
        def __and__(self, other):
            return Ways([(n | m, a | b) for n, a in self for m, b in other])

        def __or__(self, other):
            return Ways([*self, *other])

        def __invert__(self):
            found = Ways([(frozenset(), frozenset())])
            for needed, absent in self:
                found &= Ways([(frozenset(), {name}) for name in needed] + [({name}, frozenset()) for name in absent])
            return found

    written = re.sub(r"\bnot\b", "~", re.sub(r"\band\b", "&", re.sub(r"\bor\b", "|", text)))
    return eval(written, {name: Ways([(frozenset({name}), frozenset())]) for name in names})


def expression(section, truth):
    """Python's `and`, `or`, `not` bind as Sigma's do. A rule of which the truth is None counts as occurring under `not` only."""
    text = section.get("condition") or " and ".join(section["rules"])
    words = re.findall(r"\(|\)|\w+", text)

    def or_(negated):
        value = and_(negated)
        while words and words[0] == "or":
            words.pop(0)
            other = and_(negated)
            value = (value and other) if negated else (value or other)
        return value

    def and_(negated):
        value = not_(negated)
        while words and words[0] == "and":
            words.pop(0)
            other = not_(negated)
            value = (value or other) if negated else (value and other)
        return value

    def not_(negated):
        word = words.pop(0)
        if word == "not":
            return not_(not negated)
        if word == "(":
            value = or_(negated)
            words.pop(0)
            return value
        known = truth(word)
        return known is False if negated else known is True

    return or_(False)


def new_value(section, span, groups, end):
    learning = seconds(section.get("learning", DEFAULTS["learning"])) * 1_000_000
    began = min((at[0] for group in groups.values() for at, _ in group), default=0)
    for key, group in groups.items():
        for (time, number), (_, values) in group:
            before = {v for at, (_, seen) in within(group, time, number, span) if at < (time, number) for v in seen}
            new = [value for value in values if value not in before]
            if new and time - began >= learning:
                yield time, number, key, ", ".join(" / ".join(value) for value in new)


def rarity(section, span, groups, end):
    learning = seconds(section.get("learning", DEFAULTS["learning"])) * 1_000_000
    everything = sorted((at, key, entry[1]) for key, group in groups.items() for at, entry in group)
    began = everything[0][0][0] if everything else 0
    moments: dict[tuple, list] = {}
    for (time, number), key, values in everything:
        window = [(k, vs) for at, k, vs in everything if time - span < at[0] and at <= (time, number)]
        enough = len({k for k, _ in window}) >= section.get("minimum", 100) and time - began >= learning
        for value in values:
            having = {k for k, vs in window if value in vs}
            true = enough and holds(section, len(having))
            moments.setdefault((key, value), []).append((time, number, true, " / ".join(value)))
    found: dict[tuple, list] = {}
    for (key, _), each in moments.items():
        for time, number, figure in firing(each, span):
            found.setdefault((time, number, key), []).append(figure)
    for (time, number, key), figures in found.items():
        (values,) = [vs for at, k, vs in everything if at == (time, number) and k == key]
        yield time, number, key, ", ".join(f for f in (" / ".join(v) for v in values) if f in figures)


def counts(group, time, number, span, baseline):
    """Hits in the window, and the mean of a window in the baseline before it."""
    inside = len(within(group, time, number, span))
    before = len([at for at, _ in group if time - span - baseline < at[0] <= time - span])
    return inside, Fraction(before * span, baseline)


def trend_began(groups):
    return min((at[0] for group in groups.values() for at, _ in group), default=0)


def spike(section, span, groups, end):
    baseline = seconds(section.get("baseline", DEFAULTS["baseline"])) * 1_000_000
    began = trend_began(groups)
    for key, group in groups.items():
        moments = []
        for (time, number), _ in group:
            inside, mean = counts(group, time, number, span, baseline)
            figure = float(inside / mean) if mean else math.inf
            learned = time - began >= span + baseline
            moments.append(
                (time, number, learned and inside >= section.get("minimum", 10) and holds(section, figure), figure)
            )
        for time, number, figure in firing(moments, span):
            yield time, number, key, figure


def flatline(section, span, groups, end):
    """Looked at when the count can have fallen: at hits, where one leaves the window, where learning ends, a timespan after it fired."""
    baseline = seconds(section.get("baseline", DEFAULTS["baseline"])) * 1_000_000
    learned = trend_began(groups) + span + baseline
    for key, group in groups.items():
        hits = [at for at, _ in group]
        times = sorted({(t + span, -1) for t, _ in hits} | {(learned, -1)} | set(hits))
        fired = None
        while times:
            time, number = times.pop(0)
            past = [at for at in hits if at <= (time, number)]
            if time > end or not past:
                continue
            inside, mean = counts(group, time, number, span, baseline)
            true = time >= learned and mean > 0 and mean >= section.get("minimum", 10)
            figure = float(inside / mean) if mean else math.nan
            if not (true and holds(section, figure)):
                fired = None
            elif fired is None or time - fired >= span:
                fired = time
                yield time, past[-1][1], key, figure, number == -1
                times = sorted({*times, (time + span, -1)})


def absence(section, span, groups, end):
    for key, group in groups.items():
        waiting = None
        for at, (places, _) in group:
            if waiting is not None and at[0] >= waiting[0] + span:
                yield waiting[0] + span, waiting[1], key, 0, True
                waiting = None
            if waiting is not None and 1 in places:
                waiting = None
            if waiting is None and 0 in places:
                waiting = at
        if waiting is not None and waiting[0] + span <= end:
            yield waiting[0] + span, waiting[1], key, 0, True


KINDS = {
    "event_count": windowed(event_count),
    "value_count": windowed(value_count),
    "value_sum": windowed(measure(lambda _, numbers: float(sum(numbers)))),
    "value_avg": windowed(measure(lambda _, numbers: float(sum(numbers) / len(numbers)))),
    "value_percentile": windowed(measure(percentile)),
    "value_median": windowed(measure(lambda section, numbers: percentile(section, numbers, 50))),
    "temporal": windowed(temporal),
    "temporal_ordered": windowed(temporal_ordered),
    "new_value": new_value,
    "rarity": rarity,
    "spike": spike,
    "flatline": flatline,
    "absence": absence,
}
