"""All content that was loaded in, what its names of one another are worth out: who is meant, faults and warnings with their places.

Source of truth: Sigma specification 2.1: correlations and filters name rules by `id` or `name`. Here since a name is only right or wrong
among all files; so this runs after each load, also from the cache.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from soc.detect.sigma.ir import Content, Correlation, Filter, Logsource, Rule
from soc.errors import Fault
from soc.yaml_file import nearest

Loaded = tuple[str, Content]
"""A path and what its file holds."""

MAX_CHAIN = 16
"""Correlations over correlations over ...; the depth to which hits are handed on."""


class Names:
    """Who is meant by an id or a name, among the rules and correlations of a set (filters are not meant by anyone)."""

    def __init__(self, content: Sequence[Loaded]) -> None:
        self._by_id: dict[str, Loaded] = {}
        self._by_name: dict[str, list[Loaded]] = {}
        for path, each in content:
            if not isinstance(each, Filter):
                self._by_id.setdefault(each.id, (path, each))
                if each.name:
                    self._by_name.setdefault(each.name, []).append((path, each))

    def meant(self, name: str) -> list[Loaded]:
        """The content that an id (in any case) or a name means: one, none, or several where the name is ambiguous."""
        by_id = self._by_id.get(name.lower())
        return [by_id] if by_id is not None else self._by_name.get(name, [])

    def one(self, name: str) -> Rule | Correlation:
        """The one that is meant. Raises: KeyError where there is none or several; content without faults has no such name."""
        found = self.meant(name)
        if len(found) != 1 or isinstance(found[0][1], Filter):
            raise KeyError(name)
        return found[0][1]

    def known(self) -> list[str]:
        """What can be written: names, and ids of those without one."""
        return [*self._by_name, *(key for key, (_, each) in self._by_id.items() if not each.name)]


def within(rule: Logsource, scope: Logsource) -> bool:
    """Whether a rule's logsource is within a filter's: what the filter names, the rule names alike."""
    pairs = ((scope.category, rule.category), (scope.product, rule.product), (scope.service, rule.service))
    return all(not wanted or wanted == given for wanted, given in pairs)


def faults(content: Sequence[Loaded], names: Names, *, complete: bool = True) -> Iterator[Fault]:
    """Names that mean nothing, several things, the wrong thing, or each other in a circle.

    `complete`: all files could be read; else a name that means nothing may be that of a rule in one that could not.
    """
    for path, each in content:
        if isinstance(each, Correlation | Filter):
            for index, name in enumerate(each.rules):
                wrong = _wrong(each, name, names) if complete or names.meant(name) else ""
                if wrong:
                    yield at(path, each, f"rules/{index}", wrong)
    yield from _circles(content, names)


def with_sources(found: Iterable[Fault]) -> list[Fault]:
    """The faults with their lines, read again: content from the cache has none."""
    return [dataclasses.replace(fault, source=_line(fault)) for fault in found]


def _line(fault: Fault) -> str:
    try:
        return Path(fault.path).read_text(encoding="utf-8-sig").split("\n")[fault.line - 1]
    except (OSError, UnicodeDecodeError, IndexError):
        return ""


def warnings(content: Sequence[Loaded], names: Names) -> Iterator[tuple[int, str]]:
    """What is legal and does nothing: the number of the content, and words for its `warnings`."""
    rules = [each for _, each in content if isinstance(each, Rule)]
    for number, (_, each) in enumerate(content):
        if not isinstance(each, Filter):
            continue
        if not each.rules and not any(within(rule.logsource, each.logsource) for rule in rules):
            yield number, f"no rule has its logsource {each.logsource}: it hides nothing"
        for name in each.rules:
            for _, rule in names.meant(name):
                if isinstance(rule, Rule) and not within(rule.logsource, each.logsource):
                    words = f"is of {rule.logsource}, which is not within the filter's {each.logsource}"
                    yield number, f'it hides nothing of "{name}": that rule {words}'


def _wrong(each: Correlation | Filter, name: str, names: Names) -> str:
    found = names.meant(name)
    if not found:
        return f'no rule has the id or name "{name}"{nearest(name, names.known())}'
    if len(found) > 1:
        places = ", ".join(f"{path}:{other.line}" for path, other in found[:5])
        return f'{len(found)} rules have the name "{name}" ({places}): name one by its id'
    if isinstance(each, Filter) and isinstance(found[0][1], Correlation):
        bases = ", ".join(sorted(_bases(found[0][1], names)))
        return f'"{name}" is a correlation, which sees no event fields: name its base rules ({bases})'
    return ""


def _bases(top: Correlation, names: Names) -> set[str]:
    """The names of the detection rules under a correlation, as the correlations write them."""
    found: set[str] = set()
    seen, waiting = {top.id}, [top]
    while waiting:
        for name in waiting.pop().rules:
            for _, each in names.meant(name):
                if isinstance(each, Rule):
                    found.add(name)
                elif isinstance(each, Correlation) and each.id not in seen:
                    seen.add(each.id)
                    waiting.append(each)
    return found


def _circles(content: Sequence[Loaded], names: Names) -> Iterator[Fault]:
    """A fault for every correlation that comes back to itself, and for chains that are too long; iterative, for chains may be deep."""
    correlations = {each.id: (path, each) for path, each in content if isinstance(each, Correlation)}
    over: dict[str, list[tuple[int, str]]] = {
        key: [
            (index, other.id)
            for index, name in enumerate(each.rules)
            for _, other in names.meant(name)[:1]
            if isinstance(other, Correlation)
        ]
        for key, (_, each) in correlations.items()
    }
    waits = {key: len(edges) for key, edges in over.items()}
    users: dict[str, list[str]] = {key: [] for key in over}
    for key, edges in over.items():
        for _, other in edges:
            users[other].append(key)
    depth = dict.fromkeys(over, 1)
    ready = [key for key, count in waits.items() if not count]
    while ready:
        done = ready.pop()
        for user in users[done]:
            depth[user] = max(depth[user], depth[done] + 1)
            waits[user] -= 1
            if not waits[user]:
                ready.append(user)
    stuck = {key for key, count in waits.items() if count}
    for key in _in_circles(stuck, over):
        path, each = correlations[key]
        index = next(index for index, other in over[key] if other in stuck)
        words = f'"{each.rules[index]}" leads back to this correlation: a correlation cannot wait for itself'
        yield at(path, each, f"rules/{index}", words)
    for key, deep in depth.items():
        if deep == MAX_CHAIN + 1 and key not in stuck:
            path, each = correlations[key]
            words = f"a chain of more than {MAX_CHAIN} correlations over one another"
            yield at(path, each, "rules/0", words)


def _in_circles(stuck: set[str], over: Mapping[str, Sequence[tuple[int, str]]]) -> list[str]:
    """Of those that wait for ever, the ones in a circle, not those that only wait for one: what no stuck one waits for is taken away."""
    waited = dict.fromkeys(stuck, 0)
    for key in stuck:
        for _, other in over[key]:
            if other in stuck:
                waited[other] += 1
    left = set(stuck)
    free = [key for key in stuck if not waited[key]]
    while free:
        key = free.pop()
        left.discard(key)
        for _, other in over[key]:
            if other in left:
                waited[other] -= 1
                if not waited[other]:
                    free.append(other)
    return sorted(left)


def at(path: str, content: Correlation | Filter, key: str, message: str) -> Fault:
    """A fault where a name stands (`rules/0`, `group-by/1`), without its line of text."""
    place = content.places.get(key)
    if place is None:
        return Fault(path, content.line, 1, message)
    return Fault(path, place.line, place.column, message, length=place.length)
