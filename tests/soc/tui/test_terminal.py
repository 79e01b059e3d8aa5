"""The terminal UI in real terminals: a pseudo-terminal whose bytes are read, and tmux, which shows what a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
ESCAPES = re.compile(
    rb"\x1b\[[<>?=]?[0-9;$ ]*[A-Za-z]"  # CSI: styles, cursor, modes, queries
    rb"|\x1b[=>78()][B0]?"
    rb"|\x1b\]22;[a-z-]*\x07"  # the shape of the mouse pointer
)
"""What Textual's driver itself writes."""


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TEXTUAL", "FORCE_COLOR")}
    return {
        **kept,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "PYTHONPATH": str(ROOT),
        "LC_ALL": "C.UTF-8",
        **changes,
    }


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, module: str, *arguments: str, size: tuple[int, int] = (120, 32), **changes: str) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.chdir(ROOT)
            os.execve(sys.executable, [sys.executable, "-m", module, *arguments], environment(**changes))
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.written = b""

    def read_until(self, wanted: bytes, timeout_s: float = 20) -> None:
        until = time.monotonic() + timeout_s
        while wanted not in self.written:
            assert time.monotonic() < until, self.written[-2000:]
            self._read(0.1)

    def press(self, keys: str, quiet_s: float = 0.4) -> bytes:
        before = len(self.written)
        os.write(self._fd, keys.encode())
        while self._read(quiet_s):
            pass
        return self.written[before:]

    def _read(self, quiet_s: float) -> bool:
        if not select.select([self._fd], [], [], quiet_s)[0]:
            return False
        try:
            part = os.read(self._fd, 65_536)
        except OSError:
            return False
        self.written += part
        return bool(part)

    def leave(self) -> int:
        os.write(self._fd, b"q")
        until = time.monotonic() + 15
        while time.monotonic() < until:
            self._read(0.1)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                os.close(self._fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"did not leave: {self.written[-2000:]!r}")


def test_no_color_writes_no_colour_at_all() -> None:
    terminal = Terminal("tests.soc.tui.desk_in_memory", NO_COLOR="1")
    terminal.read_until(b"Log-on accepted")
    for keys in (
        "jj",
        "\r",
        "2",
        "3",
        "4",
        "?",
        "\x1b",
        "\x1b",
        " ",
        "c",
        "\x1b",
        "/",
        "level:x",
        "\x1b",
        "i",
        "\r",
        "\x1b",
        "\x1b",
        "\x10",
    ):
        terminal.press(keys, 0.25)
    terminal.press("\x1b")
    assert terminal.leave() == 0
    assert COLOUR.findall(terminal.written) == []
    assert b"\x1b[7m" in terminal.written or b";7m" in terminal.written, "the cursor's row is reversed"


def test_colours_are_there_otherwise() -> None:
    """The counter-test: what the test above looks for is found when it is allowed."""
    terminal = Terminal("tests.soc.tui.desk_in_memory")
    terminal.read_until(b"Log-on accepted")
    assert terminal.leave() == 0
    assert COLOUR.search(terminal.written)


def test_no_escape_of_an_attacker_reaches_the_terminal() -> None:
    terminal = Terminal("tests.soc.tui.hostile")
    terminal.read_until(b"owned")
    for _ in range(14):
        for keys in ("\r", "2", "3", "4", "1", "\x1b"):
            terminal.press(keys, 0.05)
        terminal.press("j", 0.05)
    assert terminal.leave() == 0
    rest = ESCAPES.sub(b"", terminal.written)
    assert b"\x07" not in rest
    assert b"\x1b" not in rest, rest[max(0, rest.find(b"\x1b") - 40) : rest.find(b"\x1b") + 60]
    for written in (
        b"\x1b]0;",
        b"\x1b]52",
        b"\x1b]8;",
        b"\x1b[31m\x1b[2J",
        "\x9b".encode(),
        "\u202e".encode(),
        b"\x08",
    ):
        assert written not in terminal.written


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_without_a_cursor_is_refused_with_a_way_out(term: str) -> None:
    terminal = Terminal("tests.soc.tui.desk_in_memory", TERM=term)
    terminal.read_until(b"soc alerts list")
    terminal.press("")
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 2
    assert b"\x1b" not in terminal.written
    assert len(terminal.written.splitlines()) == 1


def test_without_a_terminal_it_is_refused_too() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.soc.tui.desk_in_memory", "--language", "vi"],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert ran.returncode == 2
    assert ran.stdout == b""
    assert "cần thiết bị đầu cuối" in ran.stderr.decode()


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_night_is_triaged_in_tmux_at_80x24(tmp_path: Path) -> None:
    """Twenty alerts to none, by keys, in the terminal that analysts use over SSH."""
    socket = str(tmp_path / "tmux")

    def tmux(*arguments: str) -> str:
        ran = subprocess.run(
            ["tmux", "-S", socket, "-f", "/dev/null", *arguments], capture_output=True, timeout=30, env=environment()
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.decode()

    def wait(words: str) -> str:
        until = time.monotonic() + 30
        while words not in (shown := tmux("capture-pane", "-p")):
            assert time.monotonic() < until, shown
            time.sleep(0.1)
        return shown

    program = f"cd {ROOT} && PYTHONPATH={ROOT} {sys.executable} -m tests.soc.tui.desk_in_memory --report; echo left with $?; sleep 60"
    tmux("new-session", "-d", "-x", "80", "-y", "24", f"sh -c '{program}'")
    try:
        shown = wait("Why this risk")
        assert all(len(line) <= 80 for line in shown.splitlines())
        assert "C ■   96 Log-on accepted" in shown
        tmux("send-keys", "Enter")
        wait("1 Overview")
        tmux("send-keys", "Escape")
        wait("Why it matched:")
        tmux("send-keys", "a")
        wait("Acknowledged 1")
        tmux("send-keys", "z")
        wait("Taken back")
        for left in range(19, -1, -1):
            tmux("send-keys", "c", "t")
            wait(f"/{left} " if left else "The queue is empty")
        tmux("send-keys", "q")
        shown = wait("left with 0")
        assert "left=0 decisions=22" in shown
    finally:
        tmux("kill-server")


def test_importing_the_room_does_not_pay_for_textual() -> None:
    code = "import sys, soc.tui; print(any(name.split('.')[0] == 'textual' for name in sys.modules))"
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60
    )
    assert ran.stdout == "False\n", ran.stderr
