r"""What VMware's ESXi and vCenter say in, who logged in and what was done to hosts and machines out.

    info hostd[2099871] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=esxui-1] Event 1234 : User root@192.0.2.7 logged in as pyvmomi
    Event [98765] [1-1] [2026-11-22T03:00:00.1Z] [vim.event.UserLoginSessionEvent] [info] [HOTICH\an] [TTDL] [98765] [User HOTICH\an@192...]
    [root]: esxcli system account list                                                                         (program shell)

Source of truth: Broadcom "VMware vSphere: audit events", vim.event.* of the vSphere API 8.0, the "esx.audit" ids of vobd; hostd's prefix
`[Originator@6876 sub=... opID=...]`. A command of ESXi's shell is a process of Linux here (its programs stand in /bin), so that rules about
esxcli read it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collectors.event import Value
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Gives, Message

Fields = dict[str, Value]
_PREFIX = re.compile(
    r"(?:(info|warning|error|verbose|trivia|panic|In\(\d{1,3}\)|Wa\(\d{1,3}\)|Er\(\d{1,3}\)) ([\w.-]{1,64}+)\[(\w{1,20}+)\]:? )?"
    r"(?:\[Originator@6876 ([^\]]{0,500}+)\] )?(?:Event (\d{1,12}+) : )?"
)
_VCENTER = re.compile(
    r"Event \[(\d{1,12}+)\] \[[\d-]{1,16}+\] \[[^\]]{1,40}+\] \[([\w.]{1,200}+)\] \[(\w{1,16}+)\] \[([^\]]{0,255}+)\] \[([^\]]{0,255}+)\] "
    r"\[\d{1,12}+\] \[(.{0,4000}?)\]?",
    re.DOTALL,
)
_VOB = re.compile(r"\[\w{1,64}+\] \d{1,20}+us: \[([\w.]{1,200}+)\] (.{1,2000})", re.DOTALL)
_SHELL = re.compile(r"\[([^\]]{1,64}+)\]: (.{1,4000})", re.DOTALL)
_LOGGED_IN = re.compile(r"User (\S{1,255})@([0-9A-Fa-f.:]{2,64}+) logged in(?: as (.{1,300}))?", re.DOTALL)
_LOGGED_OUT = re.compile(r"User (\S{1,255})@([0-9A-Fa-f.:]{2,64}+) logged out")
_CANNOT = re.compile(r"Cannot login (?:user )?(\S{1,255})@([0-9A-Fa-f.:]{1,63}[0-9A-Fa-f])(?:: (.{1,200}))?", re.DOTALL)
_PASSWORD = re.compile(r"(Accepted|Rejected) password for user (\S{1,255}+) from ([0-9A-Fa-f.:]{2,64})")
_LOCKED = re.compile(
    r"Remote access for ESXi local user account '([^']{1,255}+)' has been locked for (\d{1,10}+) seconds after (\d{1,6}+) failed"
)
_SWITCHED = re.compile(
    r"(?:The )?(SSH|SSH access|ESXi command line shell|ESXi Shell)(?: for the host \S{1,255}+)? has been (enabled|disabled)"
)
_LOCKDOWN = re.compile(r"Administrator access to the host(?: \S{1,255})? has been (enabled|disabled)")
_ACCOUNT = re.compile(
    r"Account (\S{1,255}+) was (created|removed|updated) on host|Password was changed for account (\S{1,255}+) on host"
)
_PERMISSION = re.compile(
    r"Permission (created|changed|removed|added|rule removed) for (\S{1,255}+) on ([^,]{1,255}+)(?:, role is ([^,]{1,128}+))?",
    re.DOTALL,
)
_MACHINE = re.compile(
    r"(?:Virtual machine )?(.{1,255}?) on (?:host )?(\S{1,255}+) in \S{1,255}+ is (powered on|powered off|suspended|reset)\.?"
)
_REMOVED = re.compile(r"Removed (.{1,255}?) on (\S{1,255}+) from .{1,255}", re.DOTALL)
_FIREWALL = re.compile(
    r"Firewall configuration has changed\. Operation '([^']{1,64}+)' for rule set (\S{1,128}+) (succeeded|failed)"
)


def read(message: str, fields: Fields) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if event := _VCENTER.fullmatch(message):
        fields["event.code"], fields["log.level"] = event[2], event[3]
        fields["vsphere.event.id"] = event[1]
        if event[4]:
            _user(event[4], fields)
        if event[5]:
            fields["vsphere.datacenter"] = event[5]
        fields["event.action"] = event[2].rpartition(".")[2]
        _text(event[6], fields)
        return
    if vob := _VOB.fullmatch(message):
        fields["event.code"], fields["event.action"] = vob[1], vob[1].removeprefix("esx.")
        _text(vob[2], fields)
        return
    if fields.get("process.name") in ("shell", "ESXShell"):
        if typed := _SHELL.fullmatch(message):
            _command(typed[1], typed[2], fields)
        return
    prefix = _PREFIX.match(message)
    at = 0
    if prefix is not None:
        at = prefix.end()
        if prefix[1]:
            fields["log.level"] = prefix[1]
        for word in (prefix[4] or "").split(" "):
            name, equals, value = word.partition("=")
            if equals and name in ("sub", "opID", "user") and value:
                fields[f"vsphere.{name.lower()}"] = value
        if prefix[5]:
            fields["vsphere.event.id"] = prefix[5]
    _text(message[at:], fields)


def _text(text: str, fields: Fields) -> None:
    for pattern, reader in _READERS:
        if found := pattern.match(text):
            reader(found, fields)
            return


def _say(fields: Fields, action: str, category: str, outcome: str = "") -> None:
    fields["event.action"], fields["event.category"] = action, category
    if outcome:
        fields["event.outcome"] = outcome


def _user(text: str, fields: Fields) -> None:
    domain, slash, name = text.partition("\\")
    if slash:
        fields["user.domain"], fields["user.name"] = domain, name
    else:
        fields["user.name"] = text


def _command(who: str, line: str, fields: Fields) -> None:
    _say(fields, "command-run", "process")
    _user(who, fields)
    fields["host.os.type"] = "linux"
    fields["process.command_line"] = line
    word = line.split(" ", 1)[0]
    fields["process.executable"] = word if word.startswith("/") else f"/bin/{word}"


def _logged_in(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "login", "authentication", "success")
    _user(match[1], fields)
    put_source(fields, match[2])
    if match[3]:
        fields["user_agent.original"] = match[3]


def _logged_out(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "logout", "session")
    _user(match[1], fields)
    put_source(fields, match[2])


def _refused(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "login", "authentication", "failure")
    _user(match[1], fields)
    put_source(fields, match[2])
    if match[3]:
        fields["event.reason"] = match[3]


def _password(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "login", "authentication", "success" if match[1] == "Accepted" else "failure")
    _user(match[2], fields)
    put_source(fields, match[3])


def _locked(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "account-locked", "iam", "success")
    _user(match[1], fields)
    if (count := number(match[3])) is not None:
        fields["vsphere.failed_logins"] = count


def _switched(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"{'ssh' if match[1].startswith('SSH') else 'shell'}-{match[2]}", "configuration", "success")


def _lockdown(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"host-access-{match[1]}", "configuration", "success")


def _account(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"account-{match[2]}" if match[2] else "password-changed", "iam", "success")
    fields["user.target.name"] = match[1] or match[3]


def _permission(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"permission-{match[1].replace(' ', '-')}", "iam", "success")
    fields["user.target.name"], fields["vsphere.entity"] = match[2], match[3]
    if match[4]:
        fields["vsphere.role"] = match[4]


def _machine(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"machine-{match[3].replace(' ', '-')}", "host", "success")
    fields["vsphere.machine"], fields["vsphere.host"] = match[1], match[2]


def _removed(match: re.Match[str], fields: Fields) -> None:
    _say(fields, "machine-removed", "host", "success")
    fields["vsphere.machine"], fields["vsphere.host"] = match[1], match[2]


def _firewall(match: re.Match[str], fields: Fields) -> None:
    _say(fields, f"firewall-{match[1]}", "configuration", "success" if match[3] == "succeeded" else "failure")
    fields["rule.ruleset"] = match[2]


_READERS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Fields], None]], ...] = (
    (_LOGGED_IN, _logged_in),
    (_LOGGED_OUT, _logged_out),
    (_CANNOT, _refused),
    (_PASSWORD, _password),
    (_LOCKED, _locked),
    (_SWITCHED, _switched),
    (_LOCKDOWN, _lockdown),
    (_ACCOUNT, _account),
    (_PERMISSION, _permission),
    (_FIREWALL, _firewall),
    (_REMOVED, _removed),
    (_MACHINE, _machine),
)

MESSAGE = Message(
    Gives(
        "vsphere.log",
        "authentication configuration host iam process session",
        "event.action event.code event.outcome event.reason host.os.type log.level process.command_line process.executable rule.ruleset "
        "source.ip user.domain user.name user.target.name user_agent.original vsphere.*",
    ),
    read,
    frozenset({"Hostd", "hostd", "Vpxa", "vpxa", "vpxd", "vobd", "shell", "ESXShell", "DCUI", "vpxd-svcs"}),
)
