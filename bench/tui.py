"""How fast the terminal UI is with a million alerts of a real site, in a real pseudo-terminal and without: `python -m bench.tui`.

The site has a ledger with a fact for every alert and the projections that `soc run` would have; three minutes of CPU to make (--keep DIR
keeps it for the next time). Prints CPU milliseconds an action, resident memory, bytes written to the terminal, and what a live tail of
500 alerts a second, written by another process, costs: CPU seconds a second, and the lag of the loop that paints. The bars are those of
the project's charter, at 160x50: first paint 500 ms after import, cursor down 8 ms, page down 25 ms, jump to the end 50 ms, filter to
first screen 200 ms (of a word, of a value, of a word that no alert holds), 15 kB a page in the plain theme (NO_COLOR), 60 MB resident,
tail 0.5 and 100 ms.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import json
import os
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from soc.alert import Alert, Entity, facts
from soc.app.content import make_site
from soc.app.site import Site
from soc.detect import Level, Match

COLUMNS, LINES = 160, 50
PRESSES = 60
TAIL_A_SECOND, TAIL_S = 500, 8
NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
BATCH = 5_000
BARS = {
    "first_paint": 500,
    "down": 8,
    "page_down": 25,
    "end": 50,
    "filter": 200,
    "filter_value": 200,
    "filter_none": 200,
    "rss_mb": 60,
    "tail_cpu": 0.5,
    "tail_lag_ms": 100,
}
PLAIN_BARS = {"page_down_bytes": 15_000}


def alert(number: int, count: int) -> Alert:
    """One of so many; the first is the gravest."""
    level = list(Level)[max(0, 4 - number * 5 // count)]
    seen = NOW - timedelta(seconds=number)
    host = Entity("host.name", f"srv-{number % 977:03d}.dc.example")
    return Alert(
        id=f"A-{number * 0x9E3779B1 % (1 << 48):012x}",
        rule_id=f"rule-{number % 300}",
        rule_version="0" * 64,
        title=f"Rule {number % 300} of the benchmark: suspicious process under a service account",
        level=level,
        tags=("attack.t1059",),
        logsource="product:windows",
        entity=host,
        entities=(host, Entity("user.name", f"user{number % 311}")),
        system=f"system-{number % 23}",
        first_seen=seen - timedelta(minutes=3),
        last_seen=seen,
        count=1 + number % 40,
        risk=max(1, 100 - number * 100 // count),
        risk_why=("level gives 40", "criticality adds 30"),
        due=seen + timedelta(hours=1),
        event_ids=(f"{number:032x}",),
        matched=(
            Match("selection/process.name|endswith", "process.name", "\\powershell.exe", "C:\\a\\powershell.exe"),
        ),
    )


def make(folder: Path, count: int) -> Path:
    """A site with so many alerts; the path of its soc.yaml. One that is there already is taken."""
    config = folder / "soc.yaml"
    if not config.exists():
        make_site(folder)
        with Site.load(config) as site:
            for start in range(0, count, BATCH):
                numbers = range(start, min(start + BATCH, count))
                site.ledger.append([facts.opened(alert(number, count), NOW) for number in numbers])
                site.catch_up()
                sys.stderr.write(f"\r{numbers.stop:,} alerts")
        sys.stderr.write("\n")
    return config


def tail(config: Path, count: int) -> None:
    """Run as another process: so many alerts a second, for some seconds."""
    with Site.load(config) as site:
        began, made = time.monotonic(), count + int(time.time()) % 10_000_000
        for written in range(0, TAIL_A_SECOND * TAIL_S, TAIL_A_SECOND // 10):
            numbers = range(written, written + TAIL_A_SECOND // 10)
            site.ledger.append([facts.opened(alert(made + number, count), NOW) for number in numbers])
            site.catch_up()
            time.sleep(max(0.0, began + (written + len(numbers)) / TAIL_A_SECOND - time.monotonic()))


def headless(config: Path, count: int) -> dict[str, float]:
    """Milliseconds of CPU an action, the application driven by Textual's pilot."""
    from textual import events

    from soc.app.boards import SiteBoards
    from soc.app.desk import SiteDesk
    from soc.app.hunts import SiteHunting
    from soc.app.tuner import SiteTuner
    from soc.tui.alerts_screen import AlertsScreen
    from soc.tui.app import SocApp
    from soc.tui.rows import Locale
    from soc.tui.session import Session

    async def painted(screen: AlertsScreen) -> None:
        while screen.table.item is None:  # noqa: ASYNC110  a bench looks from outside
            await asyncio.sleep(0.002)

    async def told(screen: AlertsScreen, words: str) -> None:
        while words not in "".join(span.text for one in screen.table.empty for span in one.spans):  # noqa: ASYNC110  likewise
            await asyncio.sleep(0.002)

    async def measure(site: Site) -> dict[str, float]:
        figures = {}
        ports = SiteDesk(site, "bench"), SiteBoards(site, "bench"), SiteHunting(site), SiteTuner(site, "bench")
        began = time.process_time()
        app = SocApp(Session(*ports, Locale(zone=UTC)))
        async with app.run_test(size=(COLUMNS, LINES)) as pilot:
            screen = app.screen
            assert isinstance(screen, AlertsScreen)
            await painted(screen)
            figures["first_paint"] = (time.process_time() - began) * 1000
            while len(screen.table.ids) < count:  # noqa: ASYNC110  the rest of the list comes behind it
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.5)
            for name, key, presses in (
                ("down", "down", LINES - 10),
                ("page_down", "pagedown", PRESSES),
                ("down_scrolling", "down", PRESSES),
                ("end", "end", 1),
            ):
                began = time.process_time()
                for _ in range(presses):
                    await pilot.press(key)
                figures[name] = (time.process_time() - began) * 1000 / presses
            for name, typed in (
                ("filter", "srv-345"),
                ("filter_value", "entity:srv-346.dc.example"),
                ("filter_none", "nobody"),
            ):
                await pilot.press("slash", *typed)
                screen.table.take((), 0)
                began = time.process_time()
                app.post_message(
                    events.Key("enter", None)
                )  # not waited for: the rest of the list comes behind the first screen
                await (told(screen, "No alerts match") if name == "filter_none" else painted(screen))
                figures[name] = (time.process_time() - began) * 1000
                await asyncio.sleep(2)
                await pilot.press("escape")
                await asyncio.sleep(2)
            began = time.process_time()
            for _ in range(20):
                await pilot.press("a")
            await asyncio.sleep(0.3)
            figures["acknowledge"] = (time.process_time() - began) * 1000 / 20
            figures |= await _tail(config, count)
        figures |= _resident(os.getpid())
        return figures

    with Site.load(config) as site:
        site.catch_up()
        return asyncio.run(measure(site))


async def _tail(config: Path, count: int) -> dict[str, float]:
    """What the queue costs while alerts come: CPU seconds a second, and the lag of its loop, the 95th percentile."""
    command = [sys.executable, "-m", "bench.tui", "--tail", str(config), "--alerts", str(count)]
    feeder = subprocess.Popen(command)  # noqa: ASYNC220  it is not waited for
    lags = []
    began, wall = time.process_time(), time.monotonic()
    while feeder.poll() is None:
        at = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - at - 0.01)
    took = time.monotonic() - wall
    lags.sort()
    return {"tail_cpu": (time.process_time() - began) / took, "tail_lag_ms": lags[len(lags) * 95 // 100] * 1000}


def child(config: Path, mark: Path) -> int:
    """Run in the pseudo-terminal: the real driver. Writes the CPU seconds that imports and opening the site have cost."""
    import soc.tui.app  # noqa: F401
    from soc.app.boards import SiteBoards
    from soc.app.desk import SiteDesk
    from soc.app.hunts import SiteHunting
    from soc.app.tuner import SiteTuner
    from soc.tui import run

    with Site.load(config) as site:
        site.catch_up()
        ports = SiteDesk(site, "bench"), SiteBoards(site, "bench"), SiteHunting(site), SiteTuner(site, "bench")
        mark.write_text(str(time.process_time()))
        return run(*ports, zone=UTC)


def in_terminal(config: Path, environment: Mapping[str, str]) -> dict[str, float]:
    """The same in a pseudo-terminal, with the bytes that reach it."""
    with tempfile.TemporaryDirectory() as folder:
        mark = Path(folder) / "mark"
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ.update(environment)
            command = [sys.executable, "-m", "bench.tui", "--child", str(mark), "--keep", str(config.parent)]
            os.execv(sys.executable, command)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        try:
            return _drive(terminal, pid, mark)
        finally:
            os.write(terminal, b"q")
            _read(terminal, 0.5)
            os.close(terminal)
            os.waitpid(pid, 0)


def _drive(terminal: int, pid: int, mark: Path) -> dict[str, float]:
    figures = {}
    seen = b""
    until = time.monotonic() + 30
    while b"srv-000" not in seen and time.monotonic() < until:
        seen += _read(terminal, 0.02)
    figures["first_paint"] = (_cpu(pid) - float(mark.read_text())) * 1000
    _rest(terminal, pid)
    for name, key, presses in (
        ("down", b"\x1b[B", LINES - 10),
        ("page_down", b"\x1b[6~", PRESSES),
        ("down_scrolling", b"\x1b[B", PRESSES),
        ("end", b"\x1b[F", 1),
    ):
        before, written = _cpu(pid), 0
        for _ in range(presses):
            os.write(terminal, key)
            written += len(_read(terminal, 0.06))
        written += len(_read(terminal, 0.3))
        figures[name] = (_cpu(pid) - before) * 1000 / presses
        figures[f"{name}_bytes"] = written / presses
    began = _cpu(pid)
    _read(terminal, 4.0)
    figures["idle_ms_per_s"] = (_cpu(pid) - began) * 1000 / 4
    return figures | _resident(pid)


def _rest(terminal: int, pid: int) -> None:
    """Until the rest of the list has come: a second in which it does next to nothing."""
    before = _cpu(pid)
    while True:
        _read(terminal, 1.0)
        before, since = _cpu(pid), before
        if before - since < 0.05:
            return


def _read(terminal: int, quiet_s: float) -> bytes:
    """What comes until nothing has come for so long."""
    got = b""
    while select.select([terminal], [], [], quiet_s)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            break
        if not part:
            break
        got += part
    return got


def _cpu(pid: int) -> float:
    """CPU seconds of a process, user and system, to the nanosecond where the kernel tells it."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9 + _threads(pid)
    except (OSError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _threads(pid: int) -> float:
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        if task.name != str(pid):
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
    return total


def _resident(pid: int) -> dict[str, float]:
    """Megabytes of a process: resident now and at most, and those that no other process shares."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = {"rss_mb": status.split("VmRSS:")[1], "peak_mb": status.split("VmHWM:")[1]}
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    private = sum(int(rollup.split(name)[1].split()[0]) for name in ("Private_Clean:", "Private_Dirty:"))
    return {name: int(text.split()[0]) / 1024 for name, text in found.items()} | {"private_mb": private / 1024}


def main() -> int:
    """Measure and print; exit code 1 where a bar is missed by more than the doubtful quarter that a busy machine costs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alerts", type=int, default=1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for the site, taken as it is where it holds one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--tail", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        return child(chosen.keep / "soc.yaml", chosen.child)
    if chosen.tail:
        tail(chosen.tail, chosen.alerts)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        config = make(chosen.keep or Path(folder) / "site", chosen.alerts)
        terminal = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        figures = {
            "terminal": in_terminal(config, terminal),
            "terminal, NO_COLOR": in_terminal(config, {**terminal, "NO_COLOR": "1"}),
            "headless": headless(config, chosen.alerts),
        }
    if chosen.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, values in figures.items():
            print(f"{name}: " + ", ".join(f"{key} {value:.2f}" for key, value in values.items()))
    late = [
        f"{name} {key} {values[key]:.1f} > {bar}"
        for name, values in figures.items()
        for key, bar in (BARS | (PLAIN_BARS if "NO_COLOR" in name else {})).items()
        if key in values and values[key] > bar * 1.25
    ]
    print("\n".join(late), file=sys.stderr, end="\n" if late else "")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
