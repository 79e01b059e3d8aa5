"""Hosts made of Linux namespaces: name in, a machine of its own out (network, host name, processes, accounts, files).

Each host has its root on an overlay of this machine's root, so that `useradd`, host keys, logs and damage stay in the overlay
and vanish with it. All hosts hang on one bridge in a namespace of its own that has no way out: the documentation ranges
(RFC 5737) exist only there, and no packet can leave the machine.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

RANGES = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
PREFIX = "soccap-"
SWITCH = f"{PREFIX}switch"
FIRST_PID = 1180
MARK = ".captured-host"
"""A file at the root of every overlay and nowhere else: nothing is written or run before it is seen."""
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

INIT = r"""
set -e
root=$1 name=$2 clock=$3 last_pid=$4
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" "$root/root"
cd "$root/root"
for folder in * var/log var/tmp; do  # of this machine only its system is seen: no home, no work, no logs
    case $folder in
        bin|boot|etc|lib*|proc|sbin|sys|usr|var) ;;
        *) if [ -d "$folder" ]; then mount -t tmpfs -o mode=0755 tmpfs "$folder"; fi ;;
    esac
done
chmod 1777 tmp var/tmp
mkdir -p run/capture-clock run/sshd run/lock dev/pts dev/shm
mount --bind "$clock" run/capture-clock
mount -o remount,bind,ro run/capture-clock
mount -t proc proc proc
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    set -- $device; mknod -m 0666 "dev/$1" c "$2" "$3"
done
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
hostname "$name"
touch .captured-host
echo "$last_pid" > proc/sys/kernel/ns_last_pid
exec chroot . /bin/bash -c 'while :; do sleep 1; done'
"""


def run(*argv: str, **options: object) -> str:
    """Run a command of this machine; its standard output. Raises: CalledProcessError with what it said."""
    done = subprocess.run(argv, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, argv, done.stdout, done.stderr)
    return str(done.stdout)


def enter(namespace: str) -> list[str]:
    """What to put before a command that is to run in the network of `namespace`."""
    return ["ip", "netns", "exec", PREFIX + namespace]


class Network:
    """The bridge and its ports. `close` removes every trace of it."""

    def __init__(self) -> None:
        if Path("/", MARK).exists():
            raise RuntimeError(f"/{MARK} exists: the root of this machine cannot be told from a captured one's")
        self._names: list[str] = []
        self.close()
        run("ip", "netns", "add", SWITCH)
        run("ip", "-n", SWITCH, "link", "add", "br0", "type", "bridge", "forward_delay", "0")
        run("ip", "-n", SWITCH, "link", "set", "br0", "up")

    def join(self, name: str, addresses: Sequence[str]) -> None:
        """A network namespace `name` with these addresses and the three ranges on its one link."""
        namespace, port = PREFIX + name, f"p{len(self._names)}"
        self._names.append(namespace)
        run("ip", "netns", "add", namespace)
        run("ip", "-n", SWITCH, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        run("ip", "-n", SWITCH, "link", "set", port, "master", "br0", "up")
        batch = ["link set lo up", "link set eth0 up"]
        batch += [f"addr add {address}/32 dev eth0" for address in addresses]
        batch += [f"route add {r} dev eth0 src {addresses[0]}" for r in RANGES]
        run("ip", "-n", namespace, "-batch", "-", input="\n".join(batch) + "\n")

    def close(self) -> None:
        """Remove all namespaces of this capture, also those that an earlier, killed run left behind."""
        for line in run("ip", "netns", "list").splitlines():
            name = line.split()[0]
            if name.startswith(PREFIX):
                run("ip", "netns", "delete", name)


class Host:
    """One running host; `root` is its file system as seen from outside."""

    def __init__(self, network: Network, name: str, address: str, work: Path, clock: Path) -> None:
        self.name, self.address = name, address
        self._daemons: list[subprocess.Popen[bytes]] = []
        folder = work / name
        shutil.rmtree(folder, ignore_errors=True)
        for part in ("upper", "work", "root"):
            (folder / part).mkdir(parents=True)
        network.join(name, [address])
        first_pid = FIRST_PID + sum(name.encode())
        argv = [
            *enter(name),
            "unshare",
            "--mount",
            "--uts",
            "--ipc",
            "--pid",
            "--fork",
            "--kill-child",
            "bash",
            "-c",
            INIT,
        ]
        with (folder / "init.out").open("wb") as said:
            self._process = subprocess.Popen(
                [*argv, "init", str(folder), name, str(clock), str(first_pid)], stderr=said
            )
        self._pid = self._wait_for_init()
        self.root = Path(f"/proc/{self._pid}/root")

    def _wait_for_init(self) -> int:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for _ in range(200):
            with contextlib.suppress(OSError, ValueError, IndexError):
                pid = int(children.read_text().split()[0])
                if Path(
                    f"/proc/{pid}/root/{MARK}"
                ).exists():  # only after the chroot: before it, root is this machine's own
                    return pid
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} did not start")

    def argv(self, *command: str, env: dict[str, str] | None = None) -> list[str]:
        """The command line that runs `command` inside this host, with a clean environment."""
        clean = [f"{k}={v}" for k, v in {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", **(env or {})}.items()]
        return [
            "nsenter",
            "-t",
            str(self._pid),
            "-m",
            "-u",
            "-i",
            "-n",
            "-p",
            "-r",
            "-w",
            "--",
            "env",
            "-i",
            *clean,
            *command,
        ]

    def run(self, *command: str, **options: object) -> str:
        """Run inside and wait; standard output."""
        return run(*self.argv(*command), **options)

    def sh(self, script: str) -> str:
        """Run a shell script inside and wait; standard output."""
        return self.run("bash", "-euc", script)

    def daemon(self, *command: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start a daemon that stays in the foreground; it ends with the host."""
        log = (self.root / "tmp" / f"daemon-{Path(command[0]).name}.out").open("ab")
        process = subprocess.Popen(self.argv(*command, env=env), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._daemons.append(process)
        return process

    def put(self, path: str, text: str | bytes, mode: int = 0o644, owner: str = "") -> None:
        """Write a file inside."""
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode() if isinstance(text, str) else text)
        target.chmod(mode)
        if owner:
            self.run("chown", owner, path)

    def wait_for(self, *command: str, seconds: float = 15) -> None:
        """Wait until `command` succeeds inside. Raises: CalledProcessError of its last failure."""
        end = time.monotonic() + seconds
        while True:
            try:
                self.run(*command)
                return
            except subprocess.CalledProcessError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)

    def close(self) -> None:
        """End the host with all that runs in it (its first process is the init of its own process namespace)."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        for process in [*self._daemons, self._process]:
            process.wait(10)


def hosts_file(hosts: Iterable[Host]) -> str:
    """`/etc/hosts` that lets them find each other."""
    return "127.0.0.1 localhost\n" + "".join(f"{h.address} {h.name}\n" for h in hosts)
