"""What a normal Wednesday looks like: (when, what to do) pairs of citizens, staff, applications, monitoring and cron."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from actors import Browsers, Terminal, sql, try_password, with_key
from centre import ASSETS, CITIZENS, DB, JUMP, MONITOR, NOISE, PAGES, PASSWORDS, PENTEST, PORTAL, STAFF, Centre
from story import Chapter, scripted

Deed = tuple[datetime, Callable[[], object]]

SITE = "https://dichvucong.example"
AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
    "Mozilla/5.0 (Linux; Android 14; SM-A546E) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; Android 13; CPH2471) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
]  # fmt: skip
VISITS_PER_HOUR = [4, 2, 2, 2, 2, 4, 10, 26, 52, 58, 55, 44, 24, 36, 54, 52, 46, 34, 22, 24, 26, 22, 14, 8]
"""How many citizens come in each hour from midnight; office hours carry the day, as on any portal."""

STORY = [
    (
        "jump-01",
        "09:10",
        "09:10",
        "minh.pd",
        "",
        False,
        "an administrator mistypes the password twice, then logs in from the usual place",
    ),
    ("jump-01", "10:20", "10:20", "lan.nt", "", False, "an operator tries a sudo command that is not hers"),
    ("jump-01", "14:20", "14:20", "quang.tv", "", False, "an administrator mistypes the password at sudo once"),
    ("db-01", "09:02", "09:07", "land_app", "", False, "an application still has its old database password"),
    (
        "db-01",
        "10:15",
        "10:18",
        "hai_dba",
        "",
        False,
        "planned change of the agriculture database, its number in the statement",
    ),
    (
        "db-01",
        "22:41",
        "22:41",
        "hai_dba",
        "T1565.001",
        True,
        "column dropped from the economic-zone database off hours, without a change number",
    ),
    (
        "portal-01",
        "15:00",
        "15:03",
        PENTEST,
        "T1595.002",
        False,
        "the announced yearly vulnerability scan, its change number in the user agent",
    ),
]
"""Host, from and to (the whole minute), actor, techniques, whether malicious, what it is."""


class Benign:
    """The normal day of one `centre`; every choice comes from one seed, so two captures differ only in what daemons add."""

    def __init__(self, centre: Centre, browsers: Browsers, midnight: datetime, seed: int = 14) -> None:
        self.centre, self.browsers, self.midnight = centre, browsers, midnight
        self.random = random.Random(seed)
        self.terminals: dict[str, Terminal] = {}

    def at(self, hour: float, minute: float = 0, second: float = 0) -> datetime:
        """That time of the day."""
        return self.midnight + timedelta(hours=hour, minutes=minute, seconds=second)

    def deeds(self) -> Iterator[Deed]:
        """All of them, in no order."""
        yield from self.citizens()
        yield from self.monitoring()
        yield from self.cron()
        yield from self.applications()
        yield from self.staff()
        yield from self.noise()
        yield from self.announced_scan()

    def citizens(self) -> Iterator[Deed]:
        """Visits: a page, its assets, a few more pages, often a look-up of a case, now and then a submission or a log-in."""
        for hour, visits in enumerate(VISITS_PER_HOUR):
            for _ in range(visits):
                yield from self._visit(self.at(hour, second=self.random.uniform(0, 3599)))

    def _visit(self, when: datetime) -> Iterator[Deed]:
        choose, source = self.random, self.random.choice(CITIZENS)
        agent = choose.choice(AGENTS)
        referrer = choose.choice(["", "", "https://www.google.com/", f"{SITE}/"])

        def send(path: str, referrer: str, method: str = "GET", body: str = "") -> Deed:
            return when, lambda: self.browsers.get(source, agent, path, referrer, method, body)

        page = "/" if choose.random() < 0.6 else choose.choice(PAGES)
        yield send(page, referrer)
        for asset in ASSETS[: choose.choice([0, 2, 4])]:
            when += timedelta(seconds=choose.uniform(0.05, 0.4))
            yield send(asset, SITE + page)
        for _ in range(choose.randint(0, 4)):
            when += timedelta(seconds=choose.uniform(4, 70))
            before, page = page, choose.choice(PAGES)
            yield send(page, SITE + before)
        kind = choose.random()
        when += timedelta(seconds=choose.uniform(5, 40))
        if kind < 0.42:
            yield send(f"/tra-cuu?ma=HS-{choose.randint(1, 2300):06d}", f"{SITE}/thu-tuc.html")
        elif kind < 0.52:
            body = f"ma=HS-{choose.randint(100_000, 999_999)}"
            yield send("/nop-ho-so", f"{SITE}/thu-tuc.html", "POST", body)
        elif kind < 0.60:
            good = choose.random() < 0.7
            body = "ten=cong.dan01&mat-khau=" + ("Xuan-2026" if good else "xuan2026")
            yield send("/dang-nhap", f"{SITE}/", "POST", body)
        elif kind < 0.72:
            yield send(f"/bieu-mau/mau-{choose.randint(1, 9):02d}.pdf", f"{SITE}/thu-tuc.html")
        elif kind < 0.76:
            yield send(
                choose.choice(
                    ["/index.php?id=12", "/thu-tuc/cu.html", "/apple-touch-icon.png", "/tin-tuc/2019/11.html"]
                ),
                "",
            )

    def monitoring(self) -> Iterator[Deed]:
        """Health checks over HTTP each five minutes, over ssh each twenty; a search engine's crawler at night."""
        for minute in range(0, 24 * 60, 5):
            yield self.at(0, minute, 7), lambda: self.browsers.get(MONITOR, "soc-health/1.0", "/suc-khoe")
        for minute in range(3, 24 * 60, 20):
            for host in (PORTAL, DB):
                yield self.at(0, minute, 20), lambda host=host: self._monitor(host)
        crawler = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/about)"
        for n, path in enumerate(["/robots.txt", *PAGES]):
            yield self.at(1, 5, n * 21), lambda path=path: self.browsers.get("203.0.113.151", crawler, path)

    def _monitor(self, host: str) -> None:
        with_key("world", MONITOR, f"monitor@{host}", self.centre.keys / "monitor", "uptime")

    def cron(self) -> Iterator[Deed]:
        """The minutes in which each host's crontab has work."""
        minutes = {"jump-01": {0, 17, 30}, "portal-01": {0, 5, 15, 30, 45}, "db-01": {0, 30}}
        for name, wanted in minutes.items():
            for hour in range(24):
                for minute in wanted:
                    yield self.at(hour, minute), lambda name=name: self.centre.cron_minute(self.centre.hosts[name])

    def applications(self) -> Iterator[Deed]:
        """The province's applications at the database: registrations, payment orders, parcels, shared data."""
        choose = self.random
        for _ in range(230):
            citizen = f"000{choose.randint(1, 60_000):09d}"
            kind = choose.choice(["khai sinh", "ket hon", "khai tu", "trich luc"])
            statements = [f"INSERT INTO registrations (citizen, kind) VALUES ('{citizen}', '{kind}')"]
            yield self._office_time(), self._sql("civil_app", "Ho-tich-7", "civil_status", statements, "ho-tich")
        for n in range(60):
            amount = choose.randint(2, 900) * 1_000_000
            statements = [
                f"INSERT INTO payment_orders VALUES ('LC-2026-{n:05d}', {amount}, 'TK-{choose.randint(100, 140)}', 'created')"
            ]
            yield self._office_time(), self._sql("budget_app", "Ngan-sach-7", "budget", statements, "ngan-sach")
        for _ in range(70):
            parcel = f"T{choose.randint(1, 500)}"
            statements = [f"UPDATE parcels SET area_m2 = area_m2 WHERE id = '{parcel}'"]
            yield self._office_time(), self._sql("land_app", "Dat-dai-7", "land", statements, "dat-dai")
        for hour in range(24):
            statements = ["SELECT count(*) FROM shared_persons"]
            yield self.at(hour, 40), self._sql("warehouse_reader", "Kho-7", "warehouse", statements, "kho-dung-chung")
        # A password was changed and one job still has the old one: two failures and a repair, nothing more.
        for minute in (2, 7):
            yield self.at(9, minute), self._sql("land_app", "Dat-dai-6", "land", ["SELECT 1"], "dat-dai")
        # A consumer that never came before (shared-data-warehouse).
        yield (
            self.at(16, 20),
            self._sql("ministry_gateway", "Bo-nganh-7", "warehouse", ["SELECT * FROM shared_persons"], "lien-thong"),
        )

    def _office_time(self) -> datetime:
        hour = self.random.choice([7.6, 8, 8.5, 9, 9.5, 10, 10.5, 13.3, 14, 14.5, 15, 15.5, 16])
        return self.at(hour, second=self.random.uniform(0, 1790))

    def _sql(
        self, user: str, password: str, database: str, statements: list[str], application: str
    ) -> Callable[[], object]:
        return lambda: sql("apps", user, password, database, statements, application)

    def staff(self) -> Iterator[Deed]:
        """Administrators and operators: log-ins, sudo, planned changes, mistyped passwords, one command that is not theirs."""
        for name, hour, minute in (
            ("quang.tv", 7, 32),
            ("minh.pd", 7, 41),
            ("tuan.hs", 7, 55),
            ("hai.lv", 8, 2),
            ("lan.nt", 8, 6),
        ):
            yield self.at(hour, minute, 11), lambda name=name: self._enter(name)
            yield self.at(11, 28 + minute % 7, minute), lambda name=name: self._leave(name)
            yield self.at(13, 2 + minute % 11, minute), lambda name=name: self._enter(name)
            yield self.at(16, 40 + minute % 19, minute), lambda name=name: self._leave(name)
        yield from self._sudo("quang.tv", [(7, 40, "systemctl status nginx"), (8, 30, "tail -n 50 /var/log/syslog")])
        yield from self._sudo(
            "quang.tv", [(10, 2, "apt-get -s upgrade"), (14, 10, "ls -l /var/log/archive"), (16, 12, "ss -ltnp")]
        )
        yield from self._sudo(
            "minh.pd", [(9, 40, "ss -ltnp"), (13, 50, "du -sh /srv"), (15, 32, "tail -n 20 /var/log/auth.log")]
        )
        own_key, password = self.centre.keys / "quang.tv", PASSWORDS["quang.tv"]
        for hour, minute, command in (
            (9, 25, "systemctl status postgresql"),
            (14, 44, "df -h"),
            (16, 5, "tail -n 30 /var/log/syslog"),
        ):
            typed = f"echo {password} | sudo -S -p '' {command}"
            yield self.at(hour, minute, 50), lambda t=typed: with_key("jump-01", JUMP, f"quang.tv@{DB}", own_key, t)
        mistyped = f"printf '%s\\n' {password.lower()} {password} | sudo -S -p '' tail -n 5 /var/log/auth.log"
        yield self.at(14, 20), lambda: self.terminals["quang.tv"].say(mistyped)
        yield from self._sudo(
            "lan.nt",
            [
                (8, 20, "systemctl status rsyslog"),
                (10, 20, "systemctl restart nginx"),
                (14, 31, "tail /var/log/syslog"),
            ],
        )
        yield from self._sudo(
            "tuan.hs",
            [(8, 15, "find /srv/exchange -name '*.csv' -mtime +30"), (15, 20, "find /srv/exchange -type f -mtime +60")],
        )
        for attempt, password in enumerate(["Thanh-long-2025", "thanh-long-2026", PASSWORDS["minh.pd"]]):
            typed = partial(try_password, "world", STAFF["minh.pd"], f"minh.pd@{JUMP}", password)
            yield self.at(9, 10, 5 + 9 * attempt), typed
        key = self.centre.keys / "deploy"
        for n, command in enumerate(["ls /srv/portal/static", "sudo nginx -t", "sudo nginx -s reload"]):
            yield self.at(10, 4, n * 25), lambda c=command: with_key("jump-01", JUMP, f"deploy@{PORTAL}", key, c)
        yield from self._dba()

    def _enter(self, name: str) -> None:
        key = self.centre.keys / name
        how = {"key": key} if key.exists() else {"password": PASSWORDS[name]}
        self.terminals[name] = Terminal("world", STAFF[name], f"{name}@{JUMP}", **how)  # type: ignore[arg-type]

    def _leave(self, name: str) -> None:
        self.terminals.pop(name).leave()

    def _sudo(self, name: str, commands: list[tuple[int, int, str]]) -> Iterator[Deed]:
        for hour, minute, command in commands:
            yield self.at(hour, minute, 30), lambda c=command: self.terminals[name].sudo(PASSWORDS[name], c)

    def _dba(self) -> Iterator[Deed]:
        planned = [
            (10, 15, "agriculture", "ALTER TABLE harvest ADD COLUMN hectares numeric /* CR-2026-311 */"),
            (10, 18, "agriculture", "CREATE INDEX harvest_season ON harvest (season) /* CR-2026-311 */"),
            (14, 25, "portal", "CREATE ROLE reporting LOGIN PASSWORD 'Bao-cao-7' /* CR-2026-315 */"),
            (14, 26, "portal", "GRANT SELECT ON cases TO reporting /* CR-2026-315 */"),
            (15, 40, "land", "VACUUM ANALYZE parcels"),
            (22, 41, "economic_zone", "ALTER TABLE tenants DROP COLUMN name"),
        ]
        for hour, minute, database, statement in planned:
            deed = lambda d=database, s=statement: sql("jump-01", "hai_dba", "Quan-tri-csdl-7", d, [s], "psql")  # noqa: E731
            yield self.at(hour, minute, 12), deed

    def noise(self) -> Iterator[Deed]:
        """What every address on the Internet gets: single guesses at ssh, single probes of the portal."""
        for hour in (0.3, 1.2, 4.4, 5.9, 8.7, 11.5, 14.9, 17.3, 18.8, 20.2, 21.6, 23.1):
            source, account = (
                self.random.choice(NOISE),
                self.random.choice(["root", "admin", "ubuntu", "pi", "oracle", "test"]),
            )
            yield self.at(hour), lambda s=source, a=account: try_password("world", s, f"{a}@{JUMP}", "123456")
        agent = "Mozilla/5.0 zgrab/0.x"
        for hour in (0.9, 3.9, 6.6, 12.4, 16.1, 19.9, 22.3):
            source, path = (
                self.random.choice(NOISE),
                self.random.choice(["/", "/robots.txt", "/.env", "/actuator/health"]),
            )
            yield self.at(hour), lambda s=source, p=path: self.browsers.get(s, agent, p)

    def announced_scan(self) -> Iterator[Deed]:
        """The yearly vulnerability scan, announced with a change number in its user agent: for triage to close."""
        agent = "DataCentreVulnScan/3.2 (announced: CR-2026-298; contact soc@dichvucong.example)"
        probes = ["/.git/HEAD", "/.env", "/server-status", "/phpinfo.php", "/backup.zip", "/wp-login.php", "/tra-cuu?ma=%27", "/quan-tri/",
                  "/tai-lieu/..%2f..%2fetc/passwd", "/tra-cuu?ma=1%27%20OR%20%271%27=%271"]  # fmt: skip
        for n in range(60):
            path = probes[n] if n < len(probes) else f"/kiem-tra/{n:03d}"
            yield self.at(15, 0, n * 4), lambda p=path: self.browsers.get(PENTEST, agent, p)


def story(day: datetime) -> list[Chapter]:
    """What of the normal day will draw attention."""
    return [scripted(day, *told) for told in STORY]
