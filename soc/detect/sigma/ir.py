"""Our own form of a rule: what the parser makes of YAML once, what the cache keeps, and what the matcher is compiled from.

Source of truth: Sigma specification 2.1 (rules and modifiers appendix). Nothing here depends on pySigma, so a start from the cache
never imports it. Modifiers are resolved: what is left of `CommandLine|wide|base64offset|contains` are three plain patterns.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import NAMESPACE_URL, uuid5

import msgspec

ANY_RUN = 0
"""A pattern part: `*`, any run of characters, also none."""
ANY_ONE = 1
"""A pattern part: `?`, exactly one character."""
ANY_DASH = 2
"""A pattern part: any of the five characters that `windash` takes for one another."""
ANY_SIGMA = 3
"""A pattern part: a lower-case sigma, which `str.lower` writes in two ways: by its place in a word."""

Part = str | int
"""Literal text, or one of ANY_RUN, ANY_ONE, ANY_DASH, ANY_SIGMA."""

DASHES = "-/\u2013\u2014\u2015"
"""Sigma specification 2.1, "windash": hyphen, slash, en dash, em dash, horizontal bar."""


class Pattern(msgspec.Struct, frozen=True, array_like=True, gc=False, omit_defaults=True):
    """One value of a detection item, modifiers applied, ready to match.

    `written`: the value as its rule writes it. `literal`: lower-case text that stands in the lower case of everything the pattern matches,
    which is what an index looks for; "" where there is none. `kind` says what it matches:

    equals, startswith, endswith, contains: text, by `literal`, without regard to case. wildcards: text, by `parts`, lower case. cased:
    text, by `parts`, as written. re: the expression `value` with `flags` of i, m, s. cidr: the network `value`. number, bool, exists:
    `value`. null: absence. compare: the number `value` by `flags` lt, lte, gt or gte. time: a part of a time, `flags` "hour eq". field:
    the other field that `value` names, `flags` equals, startswith, endswith or contains, and
    cased. never: nothing, for the placeholder `value` is
    not filled in.
    """

    kind: str
    written: str
    literal: str = ""
    parts: tuple[Part, ...] = ()
    value: str | int | float | bool | None = None
    flags: str = ""


class Leaf(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=0):
    """True where the field matches any of the patterns. `field` is Sigma's name, "" for keywords; `where`: "selection/Image|endswith".

    `weight`: how rarely it is true, a guess (soc.detect.sigma.weight). `key`: the same for the same patterns, whatever the field.
    """

    where: str
    field: str
    patterns: tuple[Pattern, ...]
    weight: float = 0.0
    key: bytes = b""


class And(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """True where all items are."""

    items: tuple[Node, ...]


class Or(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """True where one item is."""

    items: tuple[Node, ...]


class Not(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """True where its item is not."""

    item: Node


Node = Leaf | And | Or | Not


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves of a tree, in order."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Leaf):
            yield each
        else:
            waiting += [each.item] if isinstance(each, Not) else reversed(each.items)


class Logsource(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rule's logsource, lower case; "" where it does not say."""

    category: str = ""
    product: str = ""
    service: str = ""

    def __str__(self) -> str:
        """`product:windows/category:process_creation`."""
        named = (("product", self.product), ("category", self.category), ("service", self.service))
        return "/".join(f"{key}:{value}" for key, value in named if value)


class Rule(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="rule"):
    """One detection rule as loaded. `version`: SHA-256 (hex) of its file. `line`: where its document begins."""

    id: str
    title: str
    level: str
    version: str
    logsource: Logsource
    tree: Node
    tags: tuple[str, ...] = ()
    description: str = ""
    falsepositives: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    line: int = 1
    name: str = ""


class Place(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where something stands in its file (line and column from 1), and how many characters it has."""

    line: int
    column: int
    length: int


class Condition(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a correlation's figure is held against: `operator` is gt, gte, lt, lte, eq or neq."""

    operator: str
    value: float


class Correlation(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="correlation"):
    """One correlation rule as loaded; its metadata is as a Rule's. What the kinds do: soc.detect.correlation.

    `kind`: event_count, value_count, ... `rules`: names or ids as written, of detection rules or other correlations. `conditions`: all
    must hold of the kind's figure; empty where `expression` decides (temporal kinds: a tree of leaves whose `where` is a rule as
    written) or the kind needs none. `fields`: whose values are counted or measured. `percentile`: 0 to 100, of value_percentile.
    `aliases`: name in group-by -> (rule as written -> its field). `generate`: the rules also alert by themselves. `options`: of the
    kinds beyond Sigma (`learning_s`, `baseline_s`, `minimum`, all with a value where the kind has them). `places`: where the names stand
    that are looked up among other files, by key path: `rules/0`, `group-by/1`, `aliases/NAME/RULE`.
    """

    id: str
    title: str
    level: str
    version: str
    kind: str
    rules: tuple[str, ...]
    timespan_s: float
    group_by: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    expression: Node | None = None
    fields: tuple[str, ...] = ()
    percentile: float = 0.0
    aliases: dict[str, dict[str, str]] = {}
    generate: bool = False
    options: dict[str, float | str] = {}
    tags: tuple[str, ...] = ()
    description: str = ""
    falsepositives: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    line: int = 1
    name: str = ""
    places: dict[str, Place] = {}


class Filter(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="filter"):
    """One filter as loaded: its rules fire only where `tree` holds (so it is a `not` of what is benign, which is checked on loading).

    `rules`: names or ids as written; empty for every rule whose logsource is within `logsource`. `reason`, `owner`, `expires` (ISO
    date): who answers for it and until when; "" where it does not say. `places`: as a Correlation's.
    """

    id: str
    title: str
    version: str
    logsource: Logsource
    rules: tuple[str, ...]
    tree: Node
    reason: str = ""
    owner: str = ""
    expires: str = ""
    description: str = ""
    warnings: tuple[str, ...] = ()
    line: int = 1
    name: str = ""
    places: dict[str, Place] = {}


Content = Rule | Correlation | Filter
"""What one YAML document of a rule folder becomes."""


def id_of(name: str) -> str:
    """The id of content that has none of its own, by its name (or title): the same in each start."""
    return str(uuid5(NAMESPACE_URL, f"sigma:{name}"))
