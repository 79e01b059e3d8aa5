"""A checked YAML document in, its content in our own form out, or every fault that a value or condition has, each with its place.

Source of truth: Sigma specification 2.1. Values are made into patterns by .values, and by pySigma (.chain) where they are not plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, Any

import msgspec

from soc.detect.sigma import condition
from soc.detect.sigma.check import MAX_FAULTS
from soc.detect.sigma.correlation_parse import correlation, place
from soc.detect.sigma.ir import And, Content, Filter, Leaf, Logsource, Node, Not, Or, Pattern, Place, Rule, id_of
from soc.detect.sigma.logic import without_a_match
from soc.detect.sigma.values import UnfitError, plain
from soc.detect.sigma.weight import weight
from soc.errors import Fault, FaultsError
from soc.yaml_file import Document, Key

if TYPE_CHECKING:
    from soc.detect.sigma.chain import Chain

Placeholders = Mapping[str, list[str]]


def content(document: Document, raw: bytes, placeholders: Placeholders) -> Content:
    """The content of one document that `check` found no fault in; `raw` is its file's bytes. Raises: FaultsError."""
    if "correlation" in document.data:
        return correlation(document, _shared(document, raw) | _judged(document.data))
    if "filter" in document.data:
        return _filter(document, raw, placeholders)
    return rule(document, raw, placeholders)


def rule(document: Document, raw: bytes, placeholders: Placeholders) -> Rule:
    """The detection rule of one document, as `content`. Raises: FaultsError."""
    built = _Builder(document, "detection", placeholders)
    tree = None if built.faults else built.tree()
    if tree is None or built.faults:
        raise FaultsError(built.faults)
    return Rule(
        **_shared(document, raw),
        **_judged(document.data),
        logsource=_logsource(document.data),
        tree=tree,
        warnings=tuple(dict.fromkeys(built.warnings())),
    )


def _filter(document: Document, raw: bytes, placeholders: Placeholders) -> Filter:
    section = document.data["filter"]
    built = _Builder(document, "filter", placeholders)
    tree = None if built.faults else built.tree()
    faults = list(built.faults)
    if tree is not None and not without_a_match(tree):
        written = section["condition"]
        mended = f"not {written}" if written.split() == [written] else f"not ({written})"
        message = (
            "the rules would fire only where a selection matches, which is the benign case: a filter's condition says "
            f'what still fires; write "{mended}"'
        )
        faults.append(document.fault(("filter", "condition"), message))
    if faults or tree is None:
        raise FaultsError(faults)
    named = section["rules"]
    rules = () if named == "any" else (named,) if isinstance(named, str) else tuple(named)
    tuning = document.data.get("tuning", {})
    return Filter(
        **_shared(document, raw),
        logsource=_logsource(document.data),
        rules=rules,
        tree=tree,
        warnings=tuple(dict.fromkeys(built.warnings())),
        places={f"rules/{at}": _place_of_rule(document, at) for at in range(len(rules))},
        **{key: tuning.get(key, "") for key in ("reason", "owner", "expires")},
    )


def _place_of_rule(document: Document, at: int) -> Place:
    return place(document, ("filter", "rules", at))


def _shared(document: Document, raw: bytes) -> dict[str, Any]:
    """What all kinds of content have."""
    data = document.data
    name, title = data.get("name") or "", data["title"]
    return {
        "id": str(data.get("id") or id_of(name or title)).lower(),
        "title": title,
        "version": sha256(raw).hexdigest(),
        "description": data.get("description") or "",
        "line": document.line,
        "name": name,
    }


def _judged(data: Mapping[str, Any]) -> dict[str, Any]:
    """What an alert is judged by, of detection rules and correlations."""
    return {
        "level": str(data.get("level") or "medium").lower(),
        "tags": tuple(data.get("tags") or ()),
        "falsepositives": tuple(map(str, data.get("falsepositives") or ())),
    }


def _logsource(data: Mapping[str, Any]) -> Logsource:
    logsource = data["logsource"]
    return Logsource(*((logsource.get(key) or "").lower() for key in ("category", "product", "service")))


class _Builder:
    """The selections of one document as trees, with the faults and warnings met on the way."""

    def __init__(self, document: Document, section: str, placeholders: Placeholders) -> None:
        self.document = document
        self.section = section
        self.placeholders = placeholders
        self.faults: list[Fault] = []
        self._chain: Chain | None = None
        self.selections: dict[str, Node] = {}
        for name, definition in document.data[section].items():
            if name != "condition" and not (name == "rules" and section == "filter"):
                node = self._selection((section, str(name)), str(name), definition)
                self.selections[str(name)] = node or And(())

    def warnings(self) -> list[str]:
        """What was met that is no fault."""
        return [] if self._chain is None else self._chain.warnings

    def tree(self) -> Node | None:
        """The whole rule: its conditions, any of them."""
        conditions = self.document.data[self.section]["condition"]
        several = isinstance(conditions, list)
        found = []
        for index, words in enumerate(conditions if several else [conditions]):
            try:
                found.append(condition.parse(words, self.selections)[0])
            except condition.ConditionError as error:
                at: tuple[Key, ...] = (self.section, "condition", index) if several else (self.section, "condition")
                self.faults.append(condition.fault(self.document, at, words, error.problem))
        return _any(found) if found else None

    def _selection(self, place: tuple[Key, ...], name: str, definition: object) -> Node | None:
        if isinstance(definition, dict):
            return _all(
                [node for key, value in definition.items() if (node := self._item(place, name, key, value)) is not None]
            )
        if isinstance(definition, list):
            if any(isinstance(item, dict) for item in definition):
                nodes = [
                    self._selection((*place, index), f"{name}[{index}]", item) for index, item in enumerate(definition)
                ]
                return _any([node for node in nodes if node is not None])
            return self._item(place[:-1], name, None, definition, place)
        return self._item(place[:-1], name, None, definition, place)

    def _item(
        self, place: tuple[Key, ...], name: str, key: str | None, value: object, at: tuple[Key, ...] | None = None
    ) -> Node | None:
        """One `field|modifiers: values` (key None: bare keywords)."""
        if len(self.faults) >= MAX_FAULTS:
            return None
        field, *words = key.split("|") if key is not None else [""]
        at = at if at is not None else (*place, str(key))
        where = name if key is None else f"{name}/{key}"
        single = not isinstance(value, list)
        each: list[Any] = [value] if not isinstance(value, list) else value
        groups = plain(field, words, each)
        linked, negated = "all" in words, False
        if groups is None:
            groups = []
            for index, raw in enumerate(each):
                try:
                    patterns, linked, negated = self._chained().patterns(field, words, raw)
                    groups.append(patterns)
                except UnfitError as error:
                    self.faults.append(self.document.fault(at if single else (*at, index), str(error)))
                    if len(self.faults) >= MAX_FAULTS:
                        return None
        if len(groups) != len(each):
            return None
        node: Node = (
            And(tuple(_leaf(where, field, group) for group in groups))
            if linked and len(groups) > 1
            else _leaf(where, field, tuple(pattern for group in groups for pattern in group))
        )
        return Not(node) if negated else node

    def _chained(self) -> Chain:
        if self._chain is None:
            from soc.detect.sigma.chain import Chain  # imports pySigma: only where a value is not plain

            self._chain = Chain(self.placeholders)
        return self._chain


def _leaf(where: str, field: str, patterns: tuple[Pattern, ...]) -> Leaf:
    key = blake2b(msgspec.msgpack.encode(patterns), digest_size=16).digest()
    return Leaf(where, field, patterns, weight(patterns), key)


def _all(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else And(tuple(nodes))


def _any(nodes: list[Node]) -> Node:
    return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))
