"""A rule and what is collected in, whether it can fire out: does any source give its events, does any parser give its fields?

Sources of truth: the parsers' own declarations below, which tests hold against every golden line of `collectors.parse`; the rules' routes
(.taxonomy). A format that carries what its sender names (JSON, Windows events) is open: it can give any field.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from soc.detect.sigma.ir import And, Content, Correlation, Filter, Leaf, Logsource, Node, Not, Rule, leaves
from soc.detect.sigma.references import Loaded, Names
from soc.detect.sigma.route import ROUTING, Route
from soc.detect.sigma.taxonomy import routes


@dataclass(frozen=True, slots=True)
class Output:
    """Events of one kind that a parser gives. `routing`: the routing fields that they can have, with all values (lower case), None for any.

    `fields`: all that they can have; those that end with `*` stand for every name that begins so.
    """

    name: str
    routing: Mapping[str, frozenset[str] | None]
    fields: frozenset[str]

    def gives(self, column: str) -> bool:
        """Whether its events can have a field."""
        if column in self.fields or column in self.routing:
            return True
        return any(column.startswith(each[:-1]) for each in self.fields if each.endswith("*"))

    def takes(self, route: Route) -> bool:
        """Whether a route can read its events."""
        for name, accepted in route.where:
            if name not in self.routing:
                return False
            values = self.routing[name]
            if values is not None and accepted.isdisjoint(values):
                return False
        return True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule can fire on what is collected; `why` not, in words."""

    fires: bool
    why: str = ""


# --- What the parsers give ----------------------------------------------------------------------------------------------------------

_ALWAYS = "host.name host.ip log.flags labels.* service.name"
"""What a record's context or the inventory can add to events of any kind."""
_SYSLOG = "log.syslog.* message process.name process.pid"
_JOURNALD = "host.id process.command_line process.executable process.user.id systemd.*"
_WHO = "event.action event.outcome event.reason user.name"
_FROM = "source.domain source.ip source.port"
_THREAD = "log.level message process.pid process.thread.id"
_WEB = (
    "client.ip event.duration event.outcome http.request.method http.request.referrer http.response.bytes http.response.status_code "
    "http.version server.port source.domain source.ip url.* user.name user_agent.original"
)
_DATASETS: dict[str, tuple[str, str]] = {
    "sshd": (
        "authentication network process session",
        f"{_WHO} {_FROM} syslog.repeated system.auth.failures system.auth.ssh.*",
    ),
    "sudo": (
        "process",
        f"{_WHO} group.name process.command_line process.executable process.working_directory system.auth.sudo.* user.effective.name",
    ),
    "pam": (
        "authentication iam session",
        f"{_WHO} source.domain source.ip system.auth.failures system.auth.pam.* user.id",
    ),
    "syslog": (
        "authentication configuration iam process",
        f"{_WHO} group.id group.name process.command_line system.auth.su.tty user.effective.name user.target.id user.target.name",
    ),
    "nginx.access": ("web", _WEB),
    "apache.access": ("web", _WEB),
    "nginx.error": (
        "web",
        f"{_THREAD} http.request.method http.version nginx.error.connection_id process.name source.ip url.*",
    ),
    "apache.error": ("web", f"{_THREAD} apache.error.module event.code source.ip source.port"),
    "postgresql.log": (
        "authentication database",
        f"{_FROM} event.action event.duration event.outcome log.level message postgresql.log.* process.pid user.name",
    ),
}  # fmt: skip
"""Datasets -> the values of `event.category` and the fields that their events can have."""

_OF_FORMAT: dict[str, tuple[tuple[str, ...], str]] = {
    "rfc3164": (("sshd", "sudo", "pam", "syslog"), _SYSLOG),
    "rfc5424": (("sshd", "sudo", "pam", "syslog"), _SYSLOG),
    "syslog": (("sshd", "sudo", "pam", "syslog"), _SYSLOG),
    "journald": (("sshd", "sudo", "pam", "syslog"), f"{_SYSLOG} {_JOURNALD}"),
    "web-access": (("nginx.access", "apache.access"), ""),
    "nginx-error": (("nginx.error",), ""),
    "apache-error": (("apache.error",), ""),
    "postgresql-csv": (("postgresql.log",), ""),
}
"""Formats -> their datasets, and what the format's own header adds."""

_OPEN: dict[str, Mapping[str, frozenset[str] | None]] = {
    "json": dict.fromkeys(ROUTING),
    "json-pretty": dict.fromkeys(ROUTING),
    "windows-json": dict.fromkeys(ROUTING) | {"event.dataset": frozenset({"windows"}), "event.module": frozenset({"windows"})},
    "windows-xml": dict.fromkeys(ROUTING) | {"event.dataset": frozenset({"windows"}), "event.module": frozenset({"windows"})},
}  # fmt: skip
"""Formats whose records name their own fields."""


def outputs_of(format_name: str) -> tuple[Output, ...]:
    """What the parser of a format gives; nothing where none is declared."""
    if format_name in _OPEN:
        return (Output(format_name, _OPEN[format_name], frozenset({"*"})),)
    datasets, header = _OF_FORMAT.get(format_name, ((), ""))
    return tuple(_closed(dataset, header) for dataset in datasets)


@lru_cache
def own_outputs() -> tuple[Output, ...]:
    """What the SOC says about itself, whatever is collected."""
    named = {"event.dataset": frozenset({"soc.audit"}), "event.module": frozenset({"soc"}), "event.category": None}
    return (Output("soc.audit", named, frozenset({"*"})),)


@lru_cache
def _closed(dataset: str, header: str) -> Output:
    categories, fields = _DATASETS[dataset]
    routing: dict[str, frozenset[str] | None] = {
        "event.dataset": frozenset({dataset}),
        "event.module": frozenset({dataset.partition(".")[0]}),
        "event.category": frozenset(categories.split()),
    }
    given = frozenset(f"{_ALWAYS} {header} {fields}".split())
    return Output(dataset, routing | {name: None for name in ROUTING if name in given}, given)


# --- Whether a rule can fire --------------------------------------------------------------------------------------------------------


class Reach:
    """What can fire on some outputs; asked for one rule after the other."""

    def __init__(self, outputs: Iterable[Output], content: Sequence[Loaded]) -> None:
        self._outputs = list({id(each): each for each in (*outputs, *own_outputs())}.values())
        self._names = Names(content)
        self._read: dict[Logsource, list[tuple[Output, Route]]] = {}
        self._known: dict[str, Verdict] = {}

    def verdict(self, content: Content) -> Verdict:
        """Whether a rule or correlation can fire; a filter hides, so it is said of none. The content's names are without fault."""
        if isinstance(content, Filter):
            return Verdict(True)
        found = self._known.get(content.id)
        if found is None:
            found = self._rule(content) if isinstance(content, Rule) else self._correlation(content)
            self._known[content.id] = found
        return found

    def _reads(self, logsource: Logsource) -> list[tuple[Output, Route]]:
        found = self._read.get(logsource)
        if found is None:
            made = routes(logsource)
            found = [(output, route) for output in self._outputs for route in made if output.takes(route)]
            self._read[logsource] = found
        return found

    def _rule(self, rule: Rule) -> Verdict:
        pairs = self._reads(rule.logsource)
        if not pairs:
            return Verdict(False, f"no source collects {rule.logsource}")
        lacking: list[str] = []
        for output, route in pairs:
            if can_be(rule.tree, True, output, route):
                return Verdict(True)
            lacking = lacking or _lacking(rule.tree, output, route)
        given = " and ".join(sorted({output.name for output, _ in pairs}))
        fields = ", ".join(lacking)
        return Verdict(
            False, f"no parser of {given} gives {fields}" if fields else "nothing that is collected can match it"
        )

    def _correlation(self, correlation: Correlation) -> Verdict:
        verdicts = {name: self.verdict(self._names.one(name)) for name in correlation.rules}
        silent = [f'"{name}" cannot fire: {verdict.why}' for name, verdict in verdicts.items() if not verdict.fires]
        if correlation.kind == "absence":
            fires = verdicts[correlation.rules[0]].fires
        elif correlation.expression is not None:
            fires = _can_hold(correlation.expression, True, verdicts)
        else:
            fires = any(verdict.fires for verdict in verdicts.values())
        return Verdict(True) if fires else Verdict(False, "; ".join(silent))


def can_be(node: Node, truth: bool, output: Output, route: Route) -> bool:
    """Whether a tree can have a truth value on events of an output, each leaf by itself."""
    if isinstance(node, Leaf):
        if not node.field or any(output.gives(column) for column in route.columns(node.field)):
            return True
        return truth is any(p.kind == "null" or (p.kind == "exists" and p.value is False) for p in node.patterns)
    if isinstance(node, Not):
        return can_be(node.item, not truth, output, route)
    every = all if isinstance(node, And) is truth else any
    return every(can_be(item, truth, output, route) for item in node.items)


def _lacking(tree: Node, output: Output, route: Route) -> list[str]:
    """The fields of a tree that an output does not give, in order, with the columns that were looked for."""
    found = {}
    for leaf in leaves(tree):
        if leaf.field:
            columns = route.columns(leaf.field)
            if not any(output.gives(column) for column in columns):
                found[leaf.field] = f"{leaf.field} ({', '.join(columns)})" if columns != (leaf.field,) else leaf.field
    return sorted(found.values())


def _can_hold(node: Node, truth: bool, verdicts: Mapping[str, Verdict]) -> bool:
    if isinstance(node, Leaf):
        return not truth or verdicts[node.where].fires
    if isinstance(node, Not):
        return _can_hold(node.item, not truth, verdicts)
    every = all if isinstance(node, And) is truth else any
    return every(_can_hold(item, truth, verdicts) for item in node.items)


# --- Groups that no hit would fall into -----------------------------------------------------------------------------------------------


def ungrouped(correlation: Correlation, names: Names) -> Iterator[tuple[int, str]]:
    """Places in group-by of fields that no event of the rules has, as our own parsers of their datasets go, with words."""
    bases = [(name, rule) for name in correlation.rules for _, rule in names.meant(name)[:1] if isinstance(rule, Rule)]
    for at, group in enumerate(correlation.group_by):
        fields = correlation.aliases.get(group, {})
        told = [_has(rule.logsource, fields.get(name, group)) for name, rule in bases]
        if told and all(has is False for has in told):
            sources = ", ".join(sorted({str(rule.logsource) for _, rule in bases}))
            yield at, f'no parser gives "{group}" in the events of {sources}: no hit falls into a group'


@lru_cache(4_096)
def _has(logsource: Logsource, field: str) -> bool | None:
    """Whether the events of a logsource can have a field; None where a dataset is read that none of our parsers makes."""
    closed = {
        name: [_closed(name, header) for named, header in _OF_FORMAT.values() if name in named] for name in _DATASETS
    }
    for route in routes(logsource):
        datasets = next((values for name, values in route.where if name == "event.dataset"), None)
        if datasets is None or not any(dataset in closed for dataset in datasets):
            return None
        outputs = [output for each in datasets for output in closed.get(each, ())]
        if any(output.gives(column) for output in outputs for column in route.columns(field)):
            return True
    return False
