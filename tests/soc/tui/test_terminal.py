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

    def read_until(self, wanted: bytes, timeout_s: float = 60, since: int = 0) -> None:
        """`since`: how many bytes were there before what is waited for."""
        until = time.monotonic() + timeout_s
        while wanted not in self.written[since:]:
            assert time.monotonic() < until, (wanted, self.written[since:][-2000:])
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


ESC = "\x1b"
EVERY_VIEW = (
    # keys, what then stands on the terminal
    (["jj", "\r"], "Why it matched"),
    (["2"], "sshd[4121]"),
    (["3"], "logsource"),
    (["4", "5", "6"], "same rule"),
    (["?"], "Keys of this view"),
    ([ESC, ESC, " ", "c"], "true positive"),
    ([ESC, "/", "level:x"], "level:x"),
    ([ESC, "m"], "suppress"),
    (["j" * 7, "\r"], "How long"),
    ([ESC, ESC, ESC, ESC, "F", "4"], "civil-status"),
    ([ESC, "s", " ", "p", "our scanner\r", "\r"], "Of 15,246 events"),
    ([ESC, ESC, "i"], "took over root"),
    (["\r"], "What happened"),
    ([ESC, "b"], "learn lessons"),
    ([ESC, ESC, ":", "hunt password\r"], "1/40"),
    (["T", "\r"], "Values"),
    ([ESC, "\r", "j", "\r"], "Value"),
    ([ESC, ESC, ESC, ":", "sources\r"], "silent"),
    (["\r"], "dead letters"),
    ([":", "rules\r"], "Rules"),
    ([":", "playbooks\r"], "to approve"),
    (["a"], "as its page shows it"),
    ([ESC, ":", "controls\r"], "not met"),
    ([ESC], "Log-on accepted"),
    (["\x10"], "Search"),
)


@pytest.mark.skipif("PYTEST_XDIST_WORKER" in os.environ, reason="its keys come too early in a worker; run it with -n 0")
def test_no_color_writes_no_colour_in_any_view() -> None:
    terminal = Terminal("tests.soc.tui.desk_in_memory", NO_COLOR="1")
    terminal.read_until(b"Log-on accepted")
    for keys, then in EVERY_VIEW:
        for key in keys[:-1]:
            terminal.press(key, 0.4 if key == ESC else 0.15)  # what follows at once would be one key with it
        before = len(terminal.written)
        terminal.press(keys[-1], 0.15)
        try:
            terminal.read_until(then.encode(), 15, since=before)
        except (
            AssertionError
        ):  # a key that is there before the list that it is for does nothing: a person presses it again
            terminal.press(keys[-1], 0.15)
            terminal.read_until(then.encode(), since=before)
    terminal.press(ESC)
    assert terminal.leave() == 0
    assert COLOUR.findall(terminal.written) == []
    assert b"\x1b[7m" in terminal.written or b";7m" in terminal.written, "the cursor's row is reversed"


def test_colours_are_there_otherwise() -> None:
    """The counter-test: what the test above looks for is found when it is allowed."""
    terminal = Terminal("tests.soc.tui.desk_in_memory")
    terminal.read_until(b"Log-on accepted")
    assert terminal.leave() == 0
    assert COLOUR.search(terminal.written)


def test_keys_and_views_of_ones_own_are_there_again_after_a_restart(tmp_path: Path) -> None:
    own = tmp_path / "soc" / "tui.yml"
    own.parent.mkdir()
    own.write_text("keys: {ack: y}\ntheme: soc-light\n")
    arguments = ("tests.soc.tui.desk_in_memory", "--preferences", str(own))

    first = Terminal(*arguments)
    first.read_until(b"Log-on accepted")
    for keys in ("/", "level:high status:all\r", "S", "grave\r"):
        before = len(first.written)
        first.press(keys, 0.2)
    first.read_until(b":grave", since=before)
    assert first.leave() == 0
    assert "grave: alerts status:all level:high" in own.read_text()

    second = Terminal(*arguments)
    second.read_until(b"Log-on accepted")
    second.read_until(b"Scanner user agent")
    before = len(second.written)
    second.press("y", 0.2)
    second.read_until(b"Acknowledged 1", since=before)
    before = len(second.written)
    for keys in (":", "grave\r"):
        second.press(keys, 0.2)
    second.read_until("≥ high".encode(), since=before)
    before = len(second.written)
    second.press("a", 0.2)
    second.press("?", 0.2)
    second.read_until(b"Keys of this view", since=before)
    assert b"Acknowledged" not in second.written[before:], "a is no longer the key"
    second.press(ESC)
    assert second.leave() == 0
    assert own.read_text().count("ack: y") == own.read_text().count("theme: soc-light") == 1


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
