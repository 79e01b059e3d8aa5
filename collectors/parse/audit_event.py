"""The records of one event of Linux's audit system in, ECS fields out: who (also before sudo) did what to what, and whether it went well.

Source of truth: linux/audit.h and the audit project's "Audit event types"; names as in Elastic's auditd integration (`auditd.log.*`)
and ECS; actions as go-libaudit's normalisation calls them. Lists where an event has several: `auditd.log.record_type`, `.name`,
`.nametype`. Of EXECVE the words stand in `auditd.log.a0` to `.a9` and whole in `process.command_line`; a call's own arguments only where
there is no EXECVE. A relative path is completed by the working directory. Where a daemon reports an account, `user.*` is that account.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from collectors.event import Value
from collectors.parse.audit import Record, address, arguments
from collectors.parse.ecs import number, put_source
from collectors.parse.format import Gives
from collectors.parse.network import put_end
from collectors.parse.syscalls import syscall_name

_NAMES = {
    "AUID": "user.audit.name", "EGID": "user.effective.group.name", "EUID": "user.effective.name",
    "FSGID": "user.filesystem.group.name", "FSUID": "user.filesystem.name", "GID": "user.group.name",
    "SGID": "user.saved.group.name", "SUID": "user.saved.name", "UID": "user.name", "auid": "user.audit.id",
    "cmd": "process.command_line", "comm": "process.name",
    "cwd": "process.working_directory", "egid": "user.effective.group.id", "euid": "user.effective.id", "exe": "process.executable",
    "fsgid": "user.filesystem.group.id", "fsuid": "user.filesystem.id", "gid": "user.group.id", "grp": "group.name",
    "sgid": "user.saved.group.id", "suid": "user.saved.id", "uid": "user.id",
}  # fmt: skip
_NUMBERS = {"pid": "process.pid", "ppid": "process.parent.pid"}
_ELSEWHERE = (
    "ARCH", "ID", "SYSCALL", "acct", "addr", "arch", "argc", "hostname", "id", "item", "items", "proctitle", "res", "saddr", "success",
)  # fmt: skip


class _Fields(dict[str, str]):
    """A name -> its field; "" for one that is read elsewhere. All others stand under `auditd.log.`."""

    def __missing__(self, name: str) -> str:
        field = f"auditd.log.{name}"
        if len(self) < _NAMES_KEPT:
            self[name] = field
        return field


_NAMES_KEPT = 1_000
_FIELDS = _Fields(_NAMES | dict.fromkeys((*_ELSEWHERE, *_NUMBERS), ""))
_WORDS = 10
"""Words of a command that get fields of their own; Sigma's rules ask for the first eight."""
_PATHS = 50
_OUTCOMES = {
    "yes": "success",
    "success": "success",
    "1": "success",
    "no": "failure",
    "failed": "failure",
    "0": "failure",
}

_ACTIONS: dict[str, tuple[str, str]] = {
    "ADD_GROUP": ("added-group-account", "iam"), "ADD_USER": ("added-user-account", "iam"),
    "ACCT_LOCK": ("locked-account", "iam"), "ACCT_UNLOCK": ("unlocked-account", "iam"),
    "ANOM_ABEND": ("crashed-program", "process"), "ANOM_LINK": ("used-suspicious-link", "intrusion_detection"),
    "ANOM_LOGIN_FAILURES": ("failed-log-in-too-many-times-to", "intrusion_detection"),
    "ANOM_PROMISCUOUS": ("changed-promiscuous-mode-on-device", "network"), "AVC": ("violated-selinux-policy", "process"),
    "BPF": ("changed-bpf-program", "process"), "CHGRP_ID": ("changed-group", "iam"),
    "CONFIG_CHANGE": ("changed-audit-configuration", "configuration"), "CRED_ACQ": ("acquired-credentials", "authentication"),
    "CRED_DISP": ("disposed-credentials", "authentication"), "CRED_REFR": ("refreshed-credentials", "authentication"),
    "DAEMON_ABORT": ("aborted-auditd-startup", "process"), "DAEMON_CONFIG": ("changed-auditd-configuration", "configuration"),
    "DAEMON_END": ("shutdown-audit", "process"), "DAEMON_START": ("started-audit", "process"),
    "DEL_GROUP": ("deleted-group-account-from", "iam"), "DEL_USER": ("deleted-user-account", "iam"),
    "GRP_AUTH": ("authenticated-to-group", "authentication"), "GRP_CHAUTHTOK": ("changed-group-password", "iam"),
    "GRP_MGMT": ("modified-group-account", "iam"), "KERN_MODULE": ("loaded-kernel-module", "driver"),
    "LOGIN": ("changed-login-id-to", "session"), "MAC_POLICY_LOAD": ("loaded-selinux-policy", "configuration"),
    "MAC_STATUS": ("changed-selinux-enforcement", "configuration"), "NETFILTER_CFG": ("loaded-firewall-rule-to", "configuration"),
    "ROLE_ASSIGN": ("assigned-user-role-to", "iam"), "SECCOMP": ("violated-seccomp-policy", "process"),
    "SERVICE_START": ("started-service", "process"), "SERVICE_STOP": ("stopped-service", "process"),
    "SOFTWARE_UPDATE": ("package-updated", "package"), "SYSTEM_BOOT": ("booted-system", "host"),
    "SYSTEM_SHUTDOWN": ("shutdown-system", "host"), "TTY": ("typed", "process"), "USER_ACCT": ("was-authorized", "authentication"),
    "USER_AUTH": ("authenticated", "authentication"), "USER_AVC": ("accessed-resource", "process"),
    "USER_CHAUTHTOK": ("changed-password", "iam"), "USER_CMD": ("ran-command", "process"), "USER_END": ("ended-session", "session"),
    "USER_ERR": ("error", "authentication"), "USER_LOGIN": ("logged-in", "authentication"),
    "USER_LOGOUT": ("logged-out", "session"), "USER_MGMT": ("modified-user-account", "iam"),
    "USER_START": ("started-session", "session"), "USER_TTY": ("typed", "process"),
}  # fmt: skip
_IAM = frozenset(kind for kind, (_, category) in _ACTIONS.items() if category == "iam")
_BY_FILE = dict.fromkeys(("open", "openat", "openat2", "creat"), "opened-file") | dict.fromkeys(
    ("unlink", "unlinkat", "rmdir"), "deleted"
) | dict.fromkeys(("rename", "renameat", "renameat2"), "renamed") | dict.fromkeys(
    ("chmod", "fchmod", "fchmodat"), "changed-file-permissions-of"
) | dict.fromkeys(("chown", "fchown", "fchownat", "lchown"), "changed-file-ownership-of") | dict.fromkeys(
    ("link", "linkat"), "linked"
) | dict.fromkeys(("symlink", "symlinkat"), "symlinked") | dict.fromkeys(
    ("mkdir", "mkdirat"), "created-directory"
) | dict.fromkeys(("setxattr", "fsetxattr", "lsetxattr"), "changed-file-attributes-of")  # fmt: skip
_BY_CALL: dict[str, tuple[str, str]] = {
    "execve": ("executed", "process"), "execveat": ("executed", "process"), "kill": ("killed", "process"), "tkill": ("killed", "process"),
    "connect": ("connected-to", "network"), "sendto": ("sent-to", "network"), "sendmsg": ("sent-to", "network"),
    "bind": ("bound-socket", "network"), "accept": ("accepted-connection-from", "network"),
    "accept4": ("accepted-connection-from", "network"), "recvfrom": ("received-from", "network"),
    "recvmsg": ("received-from", "network"), "init_module": ("loaded-kernel-module", "driver"),
    "finit_module": ("loaded-kernel-module", "driver"), "delete_module": ("unloaded-kernel-module", "driver"),
    "mount": ("mounted", "host"), "umount2": ("unmounted", "host"), "ptrace": ("traced", "process"),
    "adjtimex": ("changed-system-time", "host"), "settimeofday": ("changed-system-time", "host"),
    "clock_settime": ("changed-system-time", "host"), "sethostname": ("changed-system-name", "host"),
} | {call: (action, "file") for call, action in _BY_FILE.items()}  # fmt: skip
_PEERS_IN = frozenset({"accept", "accept4", "recvfrom", "recvmsg"})
_PEERS_OUT = frozenset({"connect", "sendto", "sendmsg"})
_FILE_TYPES = {"CREATE": "creation", "DELETE": "deletion"}


def fields_of(records: Sequence[Record], fields: dict[str, Value]) -> None:
    """Add the fields of an event whose records are not none."""
    kinds = list(dict.fromkeys(each.type for each in records))
    fields["auditd.log.record_type"] = kinds[0] if len(kinds) == 1 else kinds
    fields["auditd.log.sequence"] = records[0].sequence
    fields["host.os.type"] = "linux"
    if records[0].node:
        fields["host.name"] = records[0].node
    paths: list[dict[str, str]] = []
    saddr = call = ""
    words: dict[str, str] = {}
    for each in records:
        values = each.values
        if each.type == "PATH":
            paths.append(values)
        elif each.type == "EXECVE":
            words |= values
        else:
            if "syscall" in values:
                values["syscall"] = call = values.get("SYSCALL") or syscall_name(
                    values.get("arch", ""), values["syscall"]
                )
                if "EXECVE" in kinds:
                    for name in ("a0", "a1", "a2", "a3"):
                        values.pop(name, None)
            saddr = values.get("saddr", saddr)
            _put(each.type, values, fields)
    if words:
        said = arguments(words)
        fields["process.command_line"] = " ".join(said)
        fields.update((f"auditd.log.a{at}", word) for at, word in enumerate(said[:_WORDS]))
    if paths:
        _put_paths(paths[:_PATHS], str(fields.get("process.working_directory", "")), fields, is_run=bool(words))
    _name(kinds, call, fields)
    if saddr:
        _put_peer(saddr, call, fields)


def _put(kind: str, values: dict[str, str], fields: dict[str, Value]) -> None:
    for name, value in values.items():
        if field := _FIELDS[name]:
            fields[field] = value
    for name, field in _NUMBERS.items():
        if name in values and (count := number(values[name])) is not None:
            fields[field] = count
    outcome = _OUTCOMES.get(values.get("success") or values.get("res") or "")
    if outcome:
        fields["event.outcome"] = outcome
    if kind in _IAM:
        if account := values.get("acct") or values.get("ID"):
            fields["user.target.name"] = account
    elif kind.startswith(("USER_", "CRED_")) and ("acct" in values or "id" in values):
        _put_account(values, fields)
    if host := values.get("addr") or values.get("hostname"):
        put_source(fields, host, values.get("lport", ""))
    if title := values.get("proctitle"):
        fields["process.title"] = title


def _put_account(values: dict[str, str], fields: dict[str, Value]) -> None:
    """Who logs in, instead of the daemon that says so."""
    for field, value in (("user.id", values.get("id")), ("user.name", values.get("acct") or values.get("ID"))):
        fields.pop(field, None)
        if value:
            fields[field] = value


def _put_paths(paths: list[dict[str, str]], directory: str, fields: dict[str, Value], *, is_run: bool) -> None:
    """The names of all items; `file.path` is what was made or removed, otherwise the last one that is no folder above another item."""
    names = [_whole(each["name"], directory) for each in paths if "name" in each]
    types = [each["nametype"] for each in paths if "nametype" in each]
    for field, found in (("auditd.log.name", names), ("auditd.log.nametype", types)):
        if found:
            fields[field] = found[0] if len(found) == 1 else list(dict.fromkeys(found))
    if is_run:
        return
    meant = next((each for each in reversed(paths) if each.get("nametype") in _FILE_TYPES), None)
    meant = meant or next((each for each in reversed(paths) if each.get("nametype") != "PARENT"), paths[-1])
    if "name" in meant:
        fields["file.path"] = _whole(meant["name"], directory)
    for name, field in (("mode", "file.mode"), ("ouid", "file.uid"), ("ogid", "file.gid"), ("inode", "file.inode")):
        if name in meant:
            fields[field] = meant[name]
    if meant.get("nametype") in _FILE_TYPES:
        fields["event.type"] = _FILE_TYPES[meant["nametype"]]


def _whole(name: str, directory: str) -> str:
    """A path from the root; `./a` and `b/../a` of a folder as `a` in it."""
    return name if name[:1] in ("/", "") or not directory else posixpath.normpath(posixpath.join(directory, name))


def _name(kinds: Sequence[str], call: str, fields: dict[str, Value]) -> None:
    """Action and category: of what the records are about, otherwise of the system call."""
    for kind in kinds:
        if kind in _ACTIONS:
            fields["event.action"], fields["event.category"] = _ACTIONS[kind]
            return
    if call:
        action, category = _BY_CALL.get(call, (call, "file" if "file.path" in fields else "process"))
        fields["event.action"], fields["event.category"] = action, category
    elif "EXECVE" in kinds:
        fields["event.action"], fields["event.category"] = "executed", "process"
    elif "file.path" in fields:
        fields["event.action"], fields["event.category"] = kinds[0].lower(), "file"
    else:
        fields["event.action"] = kinds[0].lower()


def _put_peer(saddr: str, call: str, fields: dict[str, Value]) -> None:
    family, host, at = address(saddr)
    if not family:
        return
    fields["auditd.log.saddr_fam"] = family
    if family in ("inet", "inet6"):
        if call in _PEERS_IN:
            put_source(fields, host, at)
        else:
            put_end(fields, "destination" if call in _PEERS_OUT or not call else "server", host, at)
    elif host:
        fields["auditd.log.saddr_path"] = host


GIVES = Gives(
    "auditd.log",
    "authentication configuration driver file host iam intrusion_detection network package process session",
    "auditd.log.* destination.ip destination.port event.action event.outcome event.type file.* group.name host.os.type process.* "
    "server.ip server.port source.domain source.ip source.port user.*",
)
