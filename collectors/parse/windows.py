"""What a Windows event holds in, flat ECS out: the part that EVTX's JSON, event XML and Winlogbeat's JSON share.

Source of truth: the event schema (System, EventData, UserData of
http://schemas.microsoft.com/win/2004/08/events/event), Winlogbeat's field names, and the names that Sigma's Windows
rules use.

- `winlog.event_data.<Name>`: every value of EventData under its producer's name, always as the text that the event's
  XML holds: a field like ProcessId is a number in one event and "0x2a4" in the next, and no store takes both. Empty
  elements (null) are absent fields.
- Unnamed values are the list `winlog.event_data.Data`; Sigma's `Data|contains` asks any of them.
- A name with blanks ("New Value", Microsoft Defender) loses them ("NewValue", which is how Sigma writes it) and
  stands once more with underscores ("New_Value"), as some rules write that.
- UserData stands twice: as `winlog.user_data.<Name>`, where Winlogbeat puts it, and as `winlog.event_data.<Name>`, so
  that a rule finds its field in one place whatever the provider chose. Nested names: joined with `_` in the first,
  the leaf alone in the second.
- ECS beside that, as far as rules across systems need it: host, user, source and destination, process, outcome.
- Event 33205 is a record of SQL Server's audit as text; its columns stand beside it (`collectors.parse.mssql`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import mssql
from collectors.parse.ecs import INT64_MAX, ip, number, plain, port

Fields = dict[str, Value]

EVENT_DATA = "winlog.event_data."
USER_DATA = "winlog.user_data."
OTHERS = frozenset({
    "destination.ip", "destination.port", "dns.question.name", "event.action", "event.category", "event.code", "event.dataset",
    "event.outcome", "event.provider", "host.name", "process.command_line", "process.executable", "process.name",
    "process.parent.executable", "process.parent.command_line", "process.parent.pid", "process.pid", "process.working_directory",
    "source.ip", "source.port", "user.domain", "user.name", "user.target.name", "winlog.channel", "winlog.computer_name",
    "winlog.keywords", "winlog.level", "winlog.opcode", "winlog.process.pid", "winlog.process.thread.id", "winlog.provider_name",
    "winlog.record_id", "winlog.task", "winlog.user.identifier",
})  # fmt: skip
"""Every field of an event besides those of EventData and UserData: a reader that decodes on demand need look for no other but where
`is_told_by_data`."""
MAX_DEPTH = 32
"""Nesting of UserData beyond which an event is refused: real ones have two levels."""
_NAMES_KEPT = 50_000
"""Distinct names remembered; a stream of invented names must not fill the memory."""

_MSSQL_AUDIT = "33205"
SYSMON = "Microsoft-Windows-Sysmon"
SECURITY = "Microsoft-Windows-Security-Auditing"


class _Names(dict[str, str]):
    """EventData's name -> field name, remembered."""

    def __missing__(self, name: str) -> str:
        if len(self) >= _NAMES_KEPT:
            self.clear()
        self[name] = field = EVENT_DATA + (name.replace(" ", "").replace(".", "_") or "_")
        return field


_FIELD = _Names()


def fields_of(
    provider: str,
    code: str,
    channel: str,
    computer: str,
    record_id: str,
    keywords: str,
    data: dict[str, Any],
    user_data: object = None,
) -> Fields:
    """The fields of one event. `data`: EventData's names and values (text, numbers, None; a list under "Data"); `user_data`: UserData
    as nested dictionaries. Raises: ParseError; ValueError as `ecs.plain`.
    """
    fields: Fields = {
        "event.dataset": "windows",
        "event.code": code,
        "event.provider": provider,
        "winlog.provider_name": provider,
        "winlog.channel": channel,
        "winlog.computer_name": computer,
        "winlog.record_id": record_id,
        "winlog.keywords": keywords,
        "host.name": computer,
    }
    if not (code and provider and channel and computer and record_id and keywords):
        fields = {name: value for name, value in fields.items() if value}
    data = put_data(provider, data, user_data, fields)
    known = _KINDS.get(provider)
    if known is not None and code in known:
        fields.update(known[code])
    elif keywords in _AUDIT_OUTCOME:
        fields["event.outcome"] = _AUDIT_OUTCOME[keywords]
    if provider == SYSMON:
        _sysmon(code, data, fields)
    else:
        _other(provider, code, data, fields)
    if is_told_by_data(provider, code):
        _mssql_audit(fields)
    return fields


def is_told_by_data(provider: str, code: str) -> bool:
    """Whether category and action of such events stand in their values, as in records of SQL Server's audit."""
    return code == _MSSQL_AUDIT and provider.startswith("MSSQL")


def put_data(provider: str, data: dict[str, Any], user_data: object, fields: Fields) -> dict[str, Any]:
    """EventData and UserData under all their names; returns both by their producer's names. Raises: ParseError; ValueError."""
    put_event_data(data, fields)
    if user_data is not None:
        data = {**put_user_data(user_data, fields), **data}
    if provider != SYSMON and " " in "".join(data):
        _put_blanks(data, fields)
    return data


def put_process(pid: int | str | None, thread: int | str | None, fields: Fields) -> None:
    """The process that wrote the event (System/Execution), where the ids are numbers of 32 bit."""
    if type(pid) is str:
        pid = number(pid)
    if type(pid) is int and 0 <= pid < 1 << 32:
        fields["winlog.process.pid"] = pid
    if type(thread) is str:
        thread = number(thread)
    if type(thread) is int and 0 <= thread < 1 << 32:
        fields["winlog.process.thread.id"] = thread


def put_event_data(data: dict[str, Any], fields: Fields) -> None:
    """EventData as `winlog.event_data.*`. Raises: ParseError."""
    for name, value in data.items():
        if type(value) is str:
            fields[_FIELD[name]] = value
        elif type(value) is int:
            fields[_FIELD[name]] = str(value)
        elif value is not None:
            _put_compound(name, value, fields)
    if "Data" in data and type(data["Data"]) in (str, int):
        fields[_FIELD["Data"]] = [plain(data["Data"])]


def _put_blanks(data: dict[str, Any], fields: Fields) -> None:
    """`New Value` once more as `New_Value`."""
    for name in data:
        if " " in name and _FIELD[name] in fields:
            fields[EVENT_DATA + name.strip().replace(" ", "_").replace(".", "_")] = fields[_FIELD[name]]


def _put_compound(name: str, value: object, fields: Fields) -> None:
    if name == "#attributes":  # those of the EventData element itself, such as the event's symbolic name
        return
    if isinstance(value, dict):
        value = value.get("#text", value)
    if name == "Data":
        items = value if isinstance(value, list) else [value]
        fields[_FIELD[name]] = [plain(item) for item in items if item is not None and not isinstance(item, dict | list)]
    elif isinstance(value, dict | list):
        for path, leaf in _leaves(value, name, 0):
            fields.setdefault(_FIELD["_".join(path)], plain(leaf))
    elif value is not None:
        fields[_FIELD[name]] = plain(value)


def put_user_data(user_data: object, fields: Fields) -> dict[str, Any]:
    """UserData as `winlog.user_data.*` and, leaf by leaf, `winlog.event_data.*`; returns the leaves by name. Raises: ParseError."""
    leaves: dict[str, Any] = {}
    for path, leaf in _leaves(user_data, "", 0):
        value = plain(leaf)
        name = "_".join(path[1:]) or path[0]  # the first level is the event's own element, such as LogFileCleared
        fields.setdefault(USER_DATA + name.replace(".", "_"), value)
        fields.setdefault(_FIELD[path[-1]], value)
        leaves.setdefault(path[-1], value)
    return leaves


def _leaves(node: object, name: str, depth: int) -> Iterator[tuple[tuple[str, ...], object]]:
    """Path and value of every leaf; XML's attributes count as children, name spaces do not."""
    if depth > MAX_DEPTH:
        raise ParseError(f"nested deeper than {MAX_DEPTH} levels")
    own = (name,) if name else ()
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("#attributes", "#text"):
                for path, leaf in _leaves(value, "", depth + 1):
                    if path and path[0].startswith("xmlns"):
                        continue
                    yield (*own, *path), leaf
            else:
                for path, leaf in _leaves(value, str(key), depth + 1):
                    yield (*own, *path), leaf
    elif isinstance(node, list):
        for n, value in enumerate(node):
            for path, leaf in _leaves(value, f"{name}_{n}" if n else name, depth + 1):
                yield path, leaf
    elif node is not None and own:
        yield own, node


def _kind(action: str, category: str, outcome: str = "") -> Fields:
    fields: Fields = {"event.action": action, "event.category": category}
    if outcome:
        fields["event.outcome"] = outcome
    return fields


_AUDIT_OUTCOME = {"0x8010000000000000": "failure", "0x8020000000000000": "success"}
_SECURITY_KINDS = {
    "4624": _kind("logged-in", "authentication", "success"),
    "4625": _kind("logon-failed", "authentication", "failure"),
    "4634": _kind("logged-out", "session", "success"),
    "4647": _kind("logged-out", "session", "success"),
    "4648": _kind("logged-in-explicit", "authentication", "success"),
    "4672": _kind("logged-in-special", "iam", "success"),
    "4688": _kind("created-process", "process", "success"),
    "4689": _kind("exited-process", "process", "success"),
    "4697": _kind("service-installed", "configuration", "success"),
    "4698": _kind("scheduled-task-created", "configuration", "success"),
    "4719": _kind("changed-audit-config", "configuration", "success"),
    "4720": _kind("added-user-account", "iam", "success"),
    "4724": _kind("reset-password", "iam"),
    "4726": _kind("deleted-user-account", "iam", "success"),
    "4728": _kind("added-member-to-group", "iam", "success"),
    "4732": _kind("added-member-to-group", "iam", "success"),
    "4740": _kind("locked-out-user-account", "iam", "success"),
    "4756": _kind("added-member-to-group", "iam", "success"),
    "4768": _kind("kerberos-authentication-ticket-requested", "authentication"),
    "4769": _kind("kerberos-service-ticket-requested", "authentication"),
    "4771": _kind("kerberos-preauth-failed", "authentication", "failure"),
    "4776": _kind("credential-validated", "authentication"),
}
"""What the ids of Security-Auditing mean; names as Winlogbeat's security module has them where it has."""
SECURITY_CODES = frozenset(_SECURITY_KINDS)
_SYSMON_KINDS = {
    "1": _kind("created-process", "process"),
    "2": _kind("changed-file-time", "file"),
    "3": _kind("connected", "network"),
    "5": _kind("exited-process", "process"),
    "6": _kind("loaded-driver", "driver"),
    "7": _kind("loaded-image", "process"),
    "8": _kind("created-remote-thread", "process"),
    "10": _kind("accessed-process", "process"),
    "11": _kind("created-file", "file"),
    "12": _kind("changed-registry-object", "registry"),
    "13": _kind("set-registry-value", "registry"),
    "14": _kind("renamed-registry-object", "registry"),
    "15": _kind("created-file-stream", "file"),
    "17": _kind("created-pipe", "file"),
    "18": _kind("connected-pipe", "file"),
    "22": _kind("queried-dns", "network"),
    "23": _kind("deleted-file", "file"),
    "26": _kind("deleted-file", "file"),
}
_EVENTLOG_KINDS = {
    "104": _kind("event-log-cleared", "configuration", "success"),
    "1100": _kind("event-log-stopped", "configuration", "success"),
    "1102": _kind("audit-log-cleared", "configuration", "success"),
}
_SERVICE_KINDS = {"7045": _kind("service-installed", "configuration", "success")}
_KINDS = {
    SYSMON: _SYSMON_KINDS,
    SECURITY: _SECURITY_KINDS,
    "Microsoft-Windows-Eventlog": _EVENTLOG_KINDS,
    "Service Control Manager": _SERVICE_KINDS,
}
_LOGONS = frozenset({"4624", "4625", "4634", "4647", "4648", "4768", "4769", "4771", "4776", "4778", "4779"})
"""Events whose user is the one that logs on (Target), not the one that asked for it (Subject)."""


def _sysmon(code: str, data: dict[str, Any], fields: Fields) -> None:
    get = data.get
    who = get("User")
    if type(who) is str:
        slash = who.rfind("\\")
        fields["user.name"] = who[slash + 1 :]
        if slash > 0:
            fields["user.domain"] = who[:slash]
    image = get("Image") or get("SourceImage")
    if type(image) is str:
        fields["process.executable"] = image
        fields["process.name"] = image[image.rfind("\\") + 1 :]
    pid = get("ProcessId") or get("SourceProcessId")
    if type(pid) is int and 0 < pid <= INT64_MAX:
        fields["process.pid"] = pid
    elif pid is not None:
        _put_number("process.pid", pid, fields)
    if code == "1":
        _copy(_SYSMON_PROCESS, data, fields)
        _put_number("process.parent.pid", get("ParentProcessId"), fields)
    elif code == "3":
        _put_address("source", get("SourceIp"), get("SourcePort"), fields)
        _put_address("destination", get("DestinationIp"), get("DestinationPort"), fields)
    elif code == "22":
        _copy((("QueryName", "dns.question.name"),), data, fields)


_SYSMON_PROCESS = (
    ("CommandLine", "process.command_line"),
    ("CurrentDirectory", "process.working_directory"),
    ("ParentImage", "process.parent.executable"),
    ("ParentCommandLine", "process.parent.command_line"),
)
_SECURITY_PROCESS = (("CommandLine", "process.command_line"), ("ParentProcessName", "process.parent.executable"))


def _other(provider: str, code: str, data: dict[str, Any], fields: Fields) -> None:
    get = data.get
    subject, target = get("SubjectUserName"), get("TargetUserName")
    if subject is not None or target is not None:
        _user(code, subject, target, data, fields)
    address = get("IpAddress")
    if address is not None:
        _put_address("source", address, get("IpPort"), fields)
    if provider != SECURITY:
        return
    if code == "4688":
        image = get("NewProcessName")
        _copy(_SECURITY_PROCESS, data, fields)
        _put_number("process.pid", get("NewProcessId"), fields)
        _put_number("process.parent.pid", get("ProcessId"), fields)
    else:
        image, pid = get("ProcessName"), get("ProcessId")
        if pid is not None:
            _put_number("process.pid", pid, fields)
    if type(image) is str and image not in ("", "-"):
        fields["process.executable"] = image
        fields["process.name"] = image[image.rfind("\\") + 1 :]
    if code == "5156":
        _put_address("source", get("SourceAddress"), get("SourcePort"), fields)
        _put_address("destination", get("DestAddress"), get("DestPort"), fields)
    elif code in _BY_STATUS:
        fields["event.outcome"] = "success" if get("Status") in (None, 0, "0x0", "0x00000000", "0") else "failure"


_BY_STATUS = frozenset({"4768", "4769", "4776"})


def _mssql_audit(fields: Fields) -> None:
    """What the text of a record of SQL Server's audit says. Raises: ParseError."""
    items = fields.get(f"{EVENT_DATA}Data")
    row = mssql.columns(str(items[0])) if isinstance(items, list) and items else {}
    if row:
        said, _ = mssql.read(row)
        said.pop("event.code", None)
        fields.update(said)


def _user(code: str, subject: object, target: object, data: dict[str, Any], fields: Fields) -> None:
    """Who acts: the account that logs on, else the one that asked; the other one of an account's change is `user.target.name`."""
    is_target = target is not None and (code in _LOGONS or subject is None)
    name = target if is_target else subject
    if type(name) is not str or name in ("", "-"):
        return
    fields["user.name"] = name
    domain = data.get("TargetDomainName" if is_target else "SubjectDomainName")
    if type(domain) is str and domain != "-":
        fields["user.domain"] = domain
    if not is_target and type(target) is str and target not in ("", "-"):
        fields["user.target.name"] = target


def _copy(pairs: tuple[tuple[str, str], ...], data: dict[str, Any], fields: Fields) -> None:
    for name, field in pairs:
        value = data.get(name)
        if type(value) is str:
            fields[field] = value


def _put_number(field: str, value: object, fields: Fields) -> None:
    """A process id, decimal or `0x2a4`; anything else is left out, and so is 0, which means that there is none."""
    if type(value) is str:
        whole = number(value)
        if whole is None and value[:2] == "0x" and 2 < len(value) <= 17:
            whole = _hexadecimal(value)
        if whole:
            fields[field] = whole
    elif type(value) is int and 0 < value <= INT64_MAX:
        fields[field] = value


def _hexadecimal(value: str) -> int | None:
    try:
        return int(value, 16)
    except ValueError:
        return None


def _put_address(side: str, address: object, at: object, fields: Fields) -> None:
    known = ip(address) if type(address) is str else None
    if known is None:
        return
    fields[f"{side}.ip"] = known
    number_of = port(plain(at)) if at is not None and not isinstance(at, dict | list) else None
    if number_of:
        fields[f"{side}.port"] = number_of
