"""What OpenSSH's server says in, who logs in from where out.

    Failed password for invalid user admin from 192.0.2.7 port 40022 ssh2
    Connection closed by authenticating user an 192.0.2.7 port 50122 [preauth]

Source of truth: OpenSSH 9.2 as Debian 12 ships it (auth.c `auth_log`, packet.c `ssh_remote_ipaddr`, sshd.c), older
and later wording where it differs. Fields: `event.action` (ssh-login, ssh-invalid-user, ssh-disconnect, ...),
`event.outcome`, `user.name` (the account asked for), `source.ip`, `source.port`, `system.auth.ssh.method` and
`.signature` as ECS's system integration names them.

A stranger chooses the user's name and may put ` from 198.51.100.9 port 22 ssh2` into it: where a name may be any text
(`invalid user`), the address is the last one of the line; where the account exists, the first.
"""

from __future__ import annotations

from collections.abc import Callable

from collectors.event import Value
from collectors.parse.ecs import put_source
from collectors.parse.format import Gives, Message

Fields = dict[str, Value]
_LEVELS = ("error:", "fatal:")


def read(message: str, fields: Fields) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    word, _, rest = message.removesuffix(" [preauth]").partition(" ")
    if word in _LEVELS:
        word, _, rest = rest.partition(" ")
    reader = _READERS.get(word)
    if reader is not None:
        reader(rest, fields)


def _name(text: str, fields: Fields) -> None:
    """The account; `invalid user x` names one that does not exist."""
    if text.startswith(("invalid user ", "illegal user ")):
        fields["event.reason"] = "invalid user"
        text = text[13:]
    if text:
        fields["user.name"] = text


def _address(text: str, fields: Fields) -> None:
    """`192.0.2.7 port 50122 ssh2` or `192.0.2.7 port 50122: reason` or `192.0.2.7`."""
    parts = text.split(" ", 3)
    if len(parts) > 2 and parts[1] == "port":
        put_source(fields, parts[0], parts[2].partition(":")[0])
    else:
        put_source(fields, parts[0].rstrip(":"))


def _account_and_address(text: str, fields: Fields) -> None:
    """`an 192.0.2.7 port 50122`: the name may hold blanks, the last three words may not."""
    parts = text.rsplit(" ", 3)
    if len(parts) == 4 and parts[2] == "port":
        _name(parts[0], fields)
        put_source(fields, parts[1], parts[3])
    elif len(parts) == 3 and parts[1] == "port":
        put_source(fields, parts[0], parts[2])
    else:
        put_source(fields, text)


def _session(action: str, fields: Fields, category: str = "session") -> None:
    fields["event.action"] = action
    fields["event.category"] = category


def _login(outcome: str, fields: Fields) -> None:
    fields["event.action"] = "ssh-login"
    fields["event.category"] = "authentication"
    fields["event.outcome"] = outcome


def _accepted(rest: str, fields: Fields) -> None:
    """`password for an from 192.0.2.7 port 50122 ssh2`, `publickey for an from ... ssh2: ED25519 SHA256:...`."""
    method, found, rest = rest.partition(" for ")
    name, also, rest = rest.partition(" from ")
    if not (found and also) or " " in method:
        return  # "Accepted key ED25519 SHA256:... found at ...": a step on the way
    _login("success", fields)
    fields["system.auth.ssh.method"] = method
    fields["user.name"] = name
    _address(rest, fields)
    _, colon, signature = rest.partition(" ssh2: ")
    if colon:
        fields["system.auth.ssh.signature"] = signature


def _who(rest: str, fields: Fields) -> bool:
    """`[invalid user ]NAME from ADDRESS port N ...`; False, and nothing added, where it is not that."""
    unknown = rest.startswith(("invalid user ", "illegal user "))
    name, found, address = rest.rpartition(" from ") if unknown else rest.partition(" from ")
    if not found:
        return False
    _name(name, fields)
    _address(address, fields)
    return True


def _failed(rest: str, fields: Fields) -> None:
    method, found, rest = rest.partition(" for ")
    if found and _who(rest, fields):
        _login("failure", fields)
        fields["system.auth.ssh.method"] = method


def _invalid(rest: str, fields: Fields) -> None:
    name, found, address = rest.rpartition(" from ")
    if not found or not name.startswith("user"):
        return
    _login("failure", fields)
    fields["event.action"] = "ssh-invalid-user"
    fields["event.reason"] = "invalid user"
    if name[5:]:
        fields["user.name"] = name[5:]
    _address(address, fields)


def _closed(rest: str, fields: Fields) -> None:
    """`Connection closed|reset by [authenticating user|invalid user NAME] ADDRESS port N`, `Connection from ADDRESS port N on ...`."""
    verb, _, rest = rest.partition(" ")
    if verb == "from":
        _session("ssh-connect", fields, "network")
        _address(rest, fields)
    elif verb in ("closed", "reset") and rest.startswith("by "):
        _session("ssh-disconnect", fields)
        _phase(rest[3:], fields)


def _phase(rest: str, fields: Fields) -> None:
    if rest.startswith("authenticating user "):
        rest = rest[20:]
    elif rest.startswith("user "):
        rest = rest[5:]
    _account_and_address(rest, fields)


def _disconnected(rest: str, fields: Fields) -> None:
    if rest.startswith("from "):
        _session("ssh-disconnect", fields)
        _phase(rest[5:], fields)


def _disconnecting(rest: str, fields: Fields) -> None:
    """`Disconnecting authenticating user an 192.0.2.7 port 50122: Too many authentication failures`."""
    _session("ssh-disconnect", fields)
    who, colon, reason = rest.rpartition(": ")
    if colon:
        fields["event.reason"] = reason
        _phase(who, fields)
    elif rest.startswith("from "):
        _address(rest[5:], fields)


def _received(rest: str, fields: Fields) -> None:
    """`Received disconnect from 192.0.2.7 port 50122:11: disconnected by user`."""
    if not rest.startswith("disconnect from "):
        return
    _session("ssh-disconnect", fields)
    rest = rest[16:]
    _address(rest, fields)
    reason = rest.partition(": ")[2]
    if reason:
        fields["event.reason"] = reason


def _maximum(rest: str, fields: Fields) -> None:
    """`maximum authentication attempts exceeded for [invalid user] root from 192.0.2.7 port 40022 ssh2`."""
    if _who(rest.partition(" exceeded for ")[2], fields):
        _login("failure", fields)
        fields["event.action"] = "ssh-attempts-exceeded"


def _user(rest: str, fields: Fields) -> None:
    """`User root from 192.0.2.7 not allowed because not listed in AllowUsers`, `User an not allowed because account is locked`."""
    who, found, reason = rest.partition(" not allowed because ")
    if not found:
        return
    _login("failure", fields)
    fields["event.action"] = "ssh-user-refused"
    name, also, address = who.rpartition(" from ")
    if also:
        put_source(fields, address)
    fields["user.name"] = name if also else who
    fields["event.reason"] = reason


def _root_refused(rest: str, fields: Fields) -> None:
    """`ROOT LOGIN REFUSED FROM 192.0.2.7 port 40022`."""
    if rest.startswith("LOGIN REFUSED FROM "):
        _login("failure", fields)
        fields["event.action"] = "ssh-user-refused"
        fields["user.name"] = "root"
        _address(rest[19:], fields)


def _pam(rest: str, fields: Fields) -> None:
    """`PAM: Authentication failure for [illegal user] an from 192.0.2.7`."""
    reason, found, rest = rest.partition(" for ")
    if found and _who(rest, fields):
        _login("failure", fields)
        fields["system.auth.ssh.method"] = "pam"
        fields.setdefault("event.reason", reason)


def _more_failures(rest: str, fields: Fields) -> None:
    """`PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root`."""
    number, found, rest = rest.partition(" more authentication failure")
    if found and number.isascii() and number.isdigit() and len(number) < 10:
        _login("failure", fields)
        fields["system.auth.failures"] = int(number)
        _, _, pairs = rest.partition(" rhost=")
        host, _, name = pairs.partition("  user=")
        put_source(fields, host.strip(" "))
        if name:
            fields["user.name"] = name


def _negotiate(rest: str, fields: Fields) -> None:
    """`Unable to negotiate with 192.0.2.7 port 40022: no matching key exchange method found. Their offer: ...`."""
    if rest.startswith("to negotiate with "):
        _session("ssh-negotiation-failed", fields, "network")
        fields["event.outcome"] = "failure"
        _address(rest[18:], fields)
        fields["event.reason"] = rest.partition(": ")[2]


def _banner(rest: str, fields: Fields) -> None:
    """`banner exchange: Connection from 192.0.2.7 port 40022: invalid format`, `Bad protocol version identification 'x' from ...`."""
    address = rest.rpartition(" from ")[2]
    if address != rest:
        _session("ssh-bad-protocol", fields, "network")
        fields["event.outcome"] = "failure"
        _address(address, fields)


def _identification(rest: str, fields: Fields) -> None:
    if rest.startswith("not receive identification string from "):
        _banner(rest, fields)


def _timeout(rest: str, fields: Fields) -> None:
    if rest.startswith("before authentication for "):
        _session("ssh-timeout", fields)
        fields["event.outcome"] = "failure"
        _address(rest[26:], fields)


def _drop(rest: str, fields: Fields) -> None:
    """`drop connection #10 from [192.0.2.7]:40022 on [198.51.100.1]:22 past MaxStartups`."""
    _, found, peer = rest.partition(" from [")
    if found:
        _session("ssh-connection-dropped", fields, "network")
        fields["event.outcome"] = "failure"
        host, _, after = peer.partition("]:")
        put_source(fields, host, after.partition(" ")[0])


def _starting(rest: str, fields: Fields) -> None:
    """`Starting session: shell on pts/0 for an from 192.0.2.7 port 50122 id 0`, `Starting session: command for an from ...`."""
    _bracket("ssh-session-opened", rest.partition(" for ")[2], fields)


def _close(rest: str, fields: Fields) -> None:
    _bracket("ssh-session-closed", rest.partition(" user ")[2], fields)


def _bracket(action: str, rest: str, fields: Fields) -> None:
    name, found, address = rest.partition(" from ")
    if found:
        _session(action, fields)
        fields["user.name"] = name
        _address(address, fields)


def _reverse(rest: str, fields: Fields) -> None:
    """`reverse mapping checking getaddrinfo for HOST [192.0.2.7] failed.`."""
    host, bracket, address = rest.partition(" for ")[2].partition(" [")
    if bracket:
        _session("ssh-reverse-mapping-failed", fields, "network")
        put_source(fields, address.partition("]")[0])
        fields["source.domain"] = host


def _server(rest: str, fields: Fields) -> None:
    """`Server listening on 0.0.0.0 port 22.`"""
    if rest.startswith("listening on "):
        _session("ssh-server-started", fields, "process")


def _subsystem(rest: str, fields: Fields) -> None:
    """`subsystem request for sftp by user an`."""
    _, found, name = rest.partition(" by user ")
    if found:
        _session("ssh-subsystem", fields)
        fields["user.name"] = name


_READERS: dict[str, Callable[[str, Fields], None]] = {
    "Accepted": _accepted,
    "Bad": _banner,
    "Close": _close,
    "Connection": _closed,
    "Did": _identification,
    "Disconnected": _disconnected,
    "Disconnecting": _disconnecting,
    "Disconnecting:": lambda rest, fields: _disconnecting(f": {rest}", fields),
    "Failed": _failed,
    "Invalid": _invalid,
    "PAM": _more_failures,
    "PAM:": _pam,
    "ROOT": _root_refused,
    "Received": _received,
    "Server": _server,
    "Starting": _starting,
    "Timeout": _timeout,
    "Unable": _negotiate,
    "User": _user,
    "banner": _banner,
    "drop": _drop,
    "maximum": _maximum,
    "reverse": _reverse,
    "subsystem": _subsystem,
}

MESSAGE = Message(
    Gives(
        "sshd",
        "authentication network process session",
        "event.action event.outcome event.reason source.domain source.ip source.port syslog.repeated "
        "system.auth.failures system.auth.ssh.* user.name",
    ),
    read,
    frozenset({"sshd", "sshd-session", "sshd-auth"}),
)
