"""Those who act on the data centre over the network: browsers, people at a terminal, applications at the database."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from centre import PORTAL, SETTLE_S
from hosts import enter

SSH = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
       "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=10")  # fmt: skip
SHELL_STARTS_S = 0.7
BROWSER = """
import http.client, json, sys
for line in sys.stdin:
    source, agent, method, path, referrer, body = json.loads(line)
    headers = {"User-Agent": agent, **({"Referer": referrer} if referrer else {})}
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection = http.client.HTTPConnection("%s", 80, timeout=30, source_address=(source, 0))
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse(); answer.read(); print(answer.status, flush=True)
        connection.close()
    except OSError as error:
        print("0", error, flush=True)
"""


class Browsers:
    """One process in the users' network that sends any user's request from that user's address."""

    def __init__(self) -> None:
        argv = [*enter("world"), "python3", "-c", BROWSER % PORTAL]
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def get(self, source: str, agent: str, path: str, referrer: str = "", method: str = "GET", body: str = "") -> int:
        """Send one request, wait for its answer; the status (0: none came)."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([source, agent, method, path, referrer, body]) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline().split()[0])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


class Terminal:
    """A person's interactive ssh session: stays open over hours of the day until `leave`."""

    def __init__(self, network: str, source: str, target: str, *, password: str = "", key: Path | None = None) -> None:
        log_in = ("sshpass", "-p", password) if password else ()
        how = (
            ("-i", str(key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes")
            if key
            else ("-o", "PubkeyAuthentication=no")
        )
        argv = [*enter(network), *log_in, "ssh", "-tt", *SSH, *how, "-b", source, target]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._count = 0
        self.target = target
        threading.Thread(target=self._read, daemon=True).start()
        self.say("stty -echo")

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line.decode("utf-8", "replace").rstrip())
        self._lines.put("\0")

    def open_shell(self, command: str) -> None:
        """Type a command that gives a shell and wait until that shell reads what is typed."""
        assert self._process.stdin
        self._process.stdin.write(f"{command}\n".encode())
        time.sleep(SHELL_STARTS_S)
        self.say("stty -echo")

    def say(self, command: str, seconds: float = 60) -> list[str]:
        """Type a command, wait until it is done; what the terminal showed. Raises: RuntimeError when the session is gone.

        The mark of its end stands on the same line: on the next one, a sudo with a terminal of its own would eat it.
        """
        assert self._process.stdin
        self._count += 1
        done = f"DONE-{self._count}"
        self._process.stdin.write(f"{command} ; printf '%s-%s\\n' DONE {self._count}\n".encode())
        shown: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise RuntimeError(f"{self.target}: no end of {command!r}: {shown[-3:]}") from None
            if line == "\0":
                raise RuntimeError(f"{self.target}: session ended at {command!r}: {shown[-3:]}")
            if line.endswith(done):
                return shown
            shown.append(line)

    def sudo(self, password: str, command: str) -> list[str]:
        """sudo with the password given on standard input; its log line names the terminal all the same."""
        return self.say(f"printf '%s\\n' '{password}' | sudo -S -p '' {command}")

    def leave(self, shells: int = 1) -> None:
        """Log out; `shells`: how many stand inside one another."""
        assert self._process.stdin
        for _ in range(shells):
            self._process.stdin.write(b"exit\n")
            time.sleep(SHELL_STARTS_S if shells > 1 else 0)
        self._process.wait(20)


def try_password(network: str, source: str, target: str, password: str, command: str = "true") -> bool:
    """One log-in with a password, one command, out again; whether it was let in."""
    argv = [
        *enter(network),
        "sshpass",
        "-p",
        password,
        "ssh",
        *SSH,
        "-o",
        "PubkeyAuthentication=no",
        "-b",
        source,
        target,
        command,
    ]
    return subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=60).returncode == 0


def with_key(network: str, source: str, target: str, key: Path, command: str) -> str:
    """One log-in with a key and one command; what it printed. An unsuccessful command is part of the day and raises nothing."""
    argv = [*enter(network), "ssh", *SSH, "-i", str(key), "-o", "IdentitiesOnly=yes", "-b", source, target, command]
    said = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60).stdout
    time.sleep(SETTLE_S)
    return said


def sql(network: str, user: str, password: str, database: str, statements: Sequence[str], application: str) -> bool:
    """One psql session at the database from `network`; whether all went well."""
    env = {"PATH": "/usr/bin:/bin", "PGPASSWORD": password, "PGAPPNAME": application, "PGCONNECT_TIMEOUT": "10"}
    commands = [part for statement in statements for part in ("-c", statement)]
    argv = [*enter(network), "psql", "-Xqt", "-h", "192.0.2.30", "-U", user, "-d", database, *commands]
    return subprocess.run(argv, env=env, capture_output=True, stdin=subprocess.DEVNULL, timeout=60).returncode == 0
