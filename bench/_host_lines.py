"""Lines of hosts and infrastructure for `python -m bench parse`, made without end; those of one name are alike on every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from bench._moments import moments


def heads(dice: random.Random) -> Iterator[tuple[int, str]]:
    """A number, and the date and host of an RFC 3164 line."""
    for n, at in moments():
        yield n, f"<30>{at:%b} {at.day:2} {at:%H:%M:%S} srv{dice.randrange(9):02}"


def auditd_lines(dice: random.Random) -> Iterator[str]:
    """Commands that were run, five records each: an event as the file source puts it together."""
    ids = "auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3"
    names = 'ARCH=x86_64 SYSCALL=execve AUID="an" UID="root" GID="root" EUID="root" SUID="root" FSUID="root"'
    for n, at in moments():
        stamp = f"audit({int(at.timestamp())}.{n % 1000:03}:{n})"
        words = f"--id={n}", f"/srv/app{dice.randrange(300)}"
        title = "\0".join(("app", *words)).encode().hex().upper()
        yield (
            f"type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=55d1c2b3 a1=55d1c2f0 a2=55d1c310 a3=8 items=2 "
            f'ppid=2210 pid={n % 60000} {ids} comm="app" exe="/usr/bin/app" subj=unconfined key="run"\x1d{names}\n'
            f'type=EXECVE msg={stamp}: argc=3 a0="app" a1="{words[0]}" a2="{words[1]}"\n'
            f'type=CWD msg={stamp}: cwd="/root"\n'
            f'type=PATH msg={stamp}: item=0 name="/usr/bin/app" inode=131229 dev=fd:00 mode=0100755 ouid=0 ogid=0 nametype=NORMAL\n'
            f"type=PROCTITLE msg={stamp}: proctitle={title}"
        )


def dns_lines(dice: random.Random) -> Iterator[str]:
    """Questions that BIND logs."""
    for n, head in heads(dice):
        name = f"may{dice.randrange(900)}.hotich.example"
        yield f"{head} named[871]: client @0x7f3c00a1 10.20.{n % 200}.7#{n % 60000} ({name}): query: {name} IN A +E(0)K (10.20.0.53)"


def dhcp_lines(dice: random.Random) -> Iterator[str]:
    """Leases of ISC's dhcpd."""
    for n, head in heads(dice):
        yield f"{head} dhcpd[871]: DHCPACK on 10.20.{n % 200}.{n % 250} to 52:54:00:12:{n % 90 + 10}:{n % 89 + 10} (pc-{n % 900}) via eth0"


def mail_lines(dice: random.Random) -> Iterator[str]:
    """Mails on their way through Postfix."""
    for n, head in heads(dice):
        yield (
            f"{head} postfix/smtp[871]: {n:010X}: to=<user{n % 900}@example.vn>, relay=mx.example.vn[203.0.113.{n % 250}]:25, "
            f"delay=0.{n % 90}, delays=0.1/0.01/0.23/0.2, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as {dice.getrandbits(40):X})"
        )


def systemd_lines(dice: random.Random) -> Iterator[str]:
    """Services that start."""
    for n, head in heads(dice):
        yield f"{head} systemd[1]: Started app{n % 900}.service - A service of the province, number {n}."


def samba_lines(dice: random.Random) -> Iterator[str]:
    """Files that are opened on a share."""
    for n, head in heads(dice):
        yield f"{head} smbd_audit[871]: user{dice.randrange(900)}|10.20.{n % 200}.7|pc-{n % 900}|hoso|openat|ok|r|/srv/hoso/{n}/don.pdf"


def vsphere_lines(dice: random.Random) -> Iterator[str]:
    """Log-ins to ESXi."""
    for n, head in heads(dice):
        yield (
            f"{head} Hostd: info hostd[2099871] [Originator@6876 sub=Vimsvc.ha-eventmgr opID=esxui-{n:x} user=root] Event {n} : "
            f"User root@10.20.{dice.randrange(200)}.7 logged in as pyvmomi Python/3.11.2"
        )


HOST_LINES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "auditd": ("auditd", auditd_lines),
    "messages/named": ("rfc3164", dns_lines),
    "messages/dhcp": ("rfc3164", dhcp_lines),
    "messages/postfix": ("rfc3164", mail_lines),
    "messages/systemd": ("rfc3164", systemd_lines),
    "messages/samba": ("rfc3164", samba_lines),
    "messages/vsphere": ("rfc3164", vsphere_lines),
}
