r"""What Samba audits in, who opened, renamed or deleted which file, and who logged in out.

    an|192.0.2.7|pc-07|hoso|unlinkat|ok|/srv/hoso/bien-lai.pdf                                   (vfs_full_audit, program smbd_audit)
    Auth: [SMB2,(null)] user [HOTICH]\[an] at [Sun, 22 Nov 2026 10:00:00.123456 +07] with [NTLMv2] status [NT_STATUS_WRONG_PASSWORD] ...

Source of truth: Samba 4.17 vfs_full_audit(8) and `source3/modules/vfs_full_audit.c` (do_log: prefix|operation|result|arguments),
`auth/auth_log.c` (log_authentication_event_human_readable). The prefix is the site's (`full_audit:prefix`, default %u|%I): the first
word is the user, the one that is an address the client, what follows it machine and share.
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import ip, port, put_source
from collectors.parse.format import Gives, Message

_ACTIONS: dict[str, tuple[str, str]] = {
    "connect": ("share-connected", ""), "disconnect": ("share-disconnected", ""), "open": ("opened", "access"),
    "openat": ("opened", "access"), "create_file": ("opened", "access"), "read": ("read", "access"), "pread": ("read", "access"),
    "pread_send": ("read", "access"), "write": ("written", "change"), "pwrite": ("written", "change"), "pwrite_send": ("written", "change"),
    "rename": ("renamed", "change"), "renameat": ("renamed", "change"), "unlink": ("deleted", "deletion"),
    "unlinkat": ("deleted", "deletion"), "rmdir": ("deleted", "deletion"), "mkdir": ("directory-created", "creation"),
    "mkdirat": ("directory-created", "creation"),
    "chmod": ("permissions-changed", "change"), "fchmod": ("permissions-changed", "change"), "chown": ("owner-changed", "change"),
    "fset_nt_acl": ("permissions-changed", "change"), "set_nt_acl": ("permissions-changed", "change"),
    "sendfile": ("read", "access"), "offload_write_send": ("written", "change"),
}  # fmt: skip
_TWO_NAMES = frozenset({"rename", "renameat", "link", "linkat", "symlink", "symlinkat"})
_PARTS = 64
_AUTH = re.compile(
    r" {0,4}(Auth|Authorization|Successful AuthZ): \[([^\]]{0,64}+)\] user \[([^\]]{0,255}+)\]\\\[([^\]]{0,255}+)\] "
    r"(?:\[S-[\d-]{1,180}+\] )?"
    r"at \[[^\]]{1,64}+\](?: with \[([^\]]{0,64}+)\] status \[([A-Z_x0-9]{1,64}+)\](?: workstation \[([^\]]{0,255}+)\])?)?(.{0,1000})",
    re.DOTALL,
)
_REMOTE = re.compile(r"[Rr]emote host \[(?:ipv[46]:)?([0-9A-Fa-f.:]{2,64}?):(\d{1,5})\]")


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if login := _AUTH.match(message):
        _login(login, fields)
        return
    parts = message.split("|", _PARTS)
    for at in range(1, len(parts) - 1):
        result = parts[at + 1]
        if result == "ok" or result.startswith("fail ("):
            _audit(parts[:at], parts[at], result, parts[at + 2 :], fields)
            return


def _audit(prefix: list[str], operation: str, result: str, rest: list[str], fields: dict[str, Value]) -> None:
    action, kind = _ACTIONS.get(operation, (operation, ""))
    fields["event.action"], fields["event.category"] = action, "session" if "share-" in action else "file"
    if kind:
        fields["event.type"] = kind
    fields["samba.operation"] = operation
    if result == "ok":
        fields["event.outcome"] = "success"
    else:
        fields["event.outcome"], fields["event.reason"] = "failure", result[6:].removesuffix(")")
    _who(prefix, fields)
    names = [each for each in rest if each]
    if not names:
        return
    if "share-" in action:
        fields["samba.share"] = names[-1]
    elif operation in _TWO_NAMES and len(names) > 1:
        fields["file.path"], fields["samba.new_path"] = names[-2], names[-1]
    else:
        path = next((each for each in reversed(names) if "/" in each), names[-1])
        fields["file.path"] = path
        if len(names) > 1:
            fields["samba.flags"] = [each for each in names if each is not path]


def _who(prefix: list[str], fields: dict[str, Value]) -> None:
    at = next((at for at, word in enumerate(prefix) if ip(word) is not None), -1)
    if at >= 0:
        put_source(fields, prefix[at])
        words = zip(("source.domain", "samba.share"), prefix[at + 1 :], strict=False)
        fields.update({name: value for name, value in words if value})
    if prefix and at != 0 and prefix[0]:
        domain, slash, name = prefix[0].partition("\\")
        fields["user.name"] = name if slash else domain
        if slash:
            fields["user.domain"] = domain


def _login(match: re.Match[str], fields: dict[str, Value]) -> None:
    fields["event.category"] = "authentication"
    fields["event.action"] = "smb-login" if match[1] == "Auth" else "smb-authorized"
    names = ("samba.service", "user.domain", "user.name", "samba.method")
    fields.update({name: value for name, value in zip(names, match.groups()[1:5], strict=True) if value})
    if match[6]:
        fields["event.outcome"] = "success" if match[6] == "NT_STATUS_OK" else "failure"
        fields["event.reason"] = match[6]
    else:
        fields["event.outcome"] = "success"
    if remote := _REMOTE.search(match[8]):
        put_source(fields, remote[1])
        if (at := port(remote[2])) is not None:
            fields["source.port"] = at
    if match[7]:
        fields["source.domain"] = match[7]


MESSAGE = Message(
    Gives(
        "samba.audit",
        "authentication file session",
        "event.action event.outcome event.reason event.type file.path samba.* source.domain source.ip source.port user.domain user.name",
    ),
    read,
    frozenset({"smbd_audit", "smbd", "samba", "rpcd_lsad"}),
)
