"""Lines of hosts and infrastructure for `python -m bench parse`, made without end; those of one name are alike on every run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def heads(dice: random.Random) -> Iterator[tuple[int, str]]:
    """A number, and the date and host of an RFC 3164 line."""
    for n in range(10**9):
        at = START + timedelta(seconds=n // 20)
        yield n, f"<30>{at:%b} {at.day:2} {at:%H:%M:%S} srv{dice.randrange(9):02}"


def auditd_lines(dice: random.Random) -> Iterator[str]:
    """Commands that were run, five records each: an event as the file source puts it together."""
    for n in range(10**9):
        stamp = f"audit({START.timestamp() + n // 20:.0f}.{n % 1000:03}:{n})"
        words = f"--id={n}", f"/srv/app{dice.randrange(300)}"
        yield "\n".join((
            f"type=SYSCALL msg={stamp}: arch=c000003e syscall=59 success=yes exit=0 a0=55d1c2b3 a1=55d1c2f0 a2=55d1c310 a3=8 items=2 ppid=2210 "
            f"pid={n % 60000} auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm=\"app\" exe=\"/usr/bin/app\" "
            'subj=unconfined key="run"\x1dARCH=x86_64 SYSCALL=execve AUID="an" UID="root" GID="root" EUID="root" SUID="root" FSUID="root"',
            f'type=EXECVE msg={stamp}: argc=3 a0="app" a1="{words[0]}" a2="{words[1]}"',
            f'type=CWD msg={stamp}: cwd="/root"',
            f'type=PATH msg={stamp}: item=0 name="/usr/bin/app" inode=131229 dev=fd:00 mode=0100755 ouid=0 ogid=0 rdev=00:00 nametype=NORMAL',
            f"type=PROCTITLE msg={stamp}: proctitle={chr(0).join(('app', *words)).encode().hex().upper()}",
        ))  # fmt: skip


HOST_LINES: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    "auditd": ("auditd", auditd_lines),
}
