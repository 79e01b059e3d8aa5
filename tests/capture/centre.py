"""The data centre of the story: four hosts with their daemons, accounts and content, and the networks of those who use them."""

from __future__ import annotations

import random
import time
from pathlib import Path

from clock import ENVIRONMENT, ZONE_NAME, Clock
from hosts import Host, Network, hosts_file, run

SETTLE_S = 0.12
"""True seconds for a daemon to write what it has to say before the clock is stepped on."""

POSTGRESQL = "/usr/lib/postgresql/15/bin"
ETC = Path(__file__).with_name("etc")

PORTAL, JUMP, DB, LOG = "192.0.2.10", "192.0.2.20", "192.0.2.30", "192.0.2.40"
APPS = "192.0.2.12"
MONITOR = "192.0.2.41"
ATTACKER = "203.0.113.66"
STUFFER = "203.0.113.140"
SCRAPER = "198.51.100.77"
PENTEST = "192.0.2.250"
STAFF = {
    "quang.tv": "192.0.2.101",
    "minh.pd": "192.0.2.102",
    "hai.lv": "192.0.2.103",
    "lan.nt": "192.0.2.104",
    "tuan.hs": "192.0.2.105",
}
CITIZENS = [f"198.51.100.{n}" for n in range(1, 255) if n != 77] + [f"203.0.113.{n}" for n in range(150, 250)]
NOISE = [f"203.0.113.{n}" for n in range(2, 14)]

PASSWORDS = {
    "quang.tv": "Song-Vam-Co-81", "minh.pd": "Thanh-long-2026", "hai.lv": "Dua-hau-1975", "lan.nt": "Ben-Luc-7a", "tuan.hs": "tuan123456",
}  # fmt: skip
"""Made up, valid only inside a capture; the last one is weak because the story needs it."""

FILE_TEMPLATES = {
    "jump-01": "RSYSLOG_TraditionalFileFormat",
    "portal-01": "RSYSLOG_FileFormat",
    "db-01": "RSYSLOG_FileFormat",
}

CRON = {
    "jump-01": "17 * * * * root /usr/local/sbin/rotate-exchange\n*/30 * * * * monitor /usr/local/sbin/check-disk\n",
    "portal-01": "*/15 * * * * www-data /usr/local/sbin/refresh-news\n5 * * * * root /usr/local/sbin/check-disk\n",
    "db-01": "30 1 * * * backup /usr/local/sbin/nightly-dump\n*/30 * * * * postgres /usr/local/sbin/check-replica\n",
}
NIGHTLY_DUMP = """#!/bin/sh
for database in portal civil_status budget land agriculture economic_zone warehouse; do
    PGPASSWORD=Sao-luu-7 pg_dump -h 127.0.0.1 -U backup_svc -Fc -f /tmp/$database.dump $database \
        && logger -t nightly-dump -p local0.info "backup of $database finished, $(stat -c %s /tmp/$database.dump) bytes"
done
"""


class Centre:
    """Everything that runs. `close` ends it and leaves nothing on the machine but the work folder."""

    def __init__(self, work: Path, clock: Clock) -> None:
        self.clock = clock
        self.network = Network()
        self.network.join("world", [*STAFF.values(), MONITOR, PENTEST, STUFFER, SCRAPER, *NOISE, *CITIZENS])
        self.network.join("attacker", [ATTACKER])
        self.network.join("apps", [APPS])
        places = {"portal-01": PORTAL, "jump-01": JUMP, "db-01": DB, "log-01": LOG}
        self.hosts = {name: Host(self.network, name, address, work, clock.folder) for name, address in places.items()}
        self.portal, self.jump, self.db, self.log = self.hosts.values()
        self.keys = work / "keys"
        for host in self.hosts.values():
            host.put("/etc/hosts", hosts_file(self.hosts.values()))
            host.sh(
                f"ln -sf /usr/share/zoneinfo/{ZONE_NAME} /etc/localtime; mkdir -p /home /root /var/log; chmod 700 /root"
            )
            host.sh("touch /var/log/wtmp /var/log/btmp /var/log/lastlog /run/utmp; chmod 600 /var/log/btmp")
        self._log_host()
        for host in (self.portal, self.jump, self.db):
            self._syslog(host)
        self._accounts()
        self._database()
        self._portal()
        for host in (self.portal, self.jump, self.db):
            self._ssh_and_cron(host)

    def close(self) -> None:
        for host in self.hosts.values():
            host.close()
        self.network.close()

    def _log_host(self) -> None:
        self.log.put("/etc/rsyslog.conf", (ETC / "log-01/rsyslog.conf").read_text())
        self.log.daemon("rsyslogd", "-n", "-i", "/run/rsyslogd.pid", env=ENVIRONMENT)
        self.log.wait_for("bash", "-c", f"</dev/tcp/{LOG}/601")

    def _syslog(self, host: Host) -> None:
        forward = ETC / host.name / "forward.conf"
        host.put("/etc/rsyslog.conf", (ETC / "rsyslog.conf").read_text())
        host.put("/etc/rsyslog.forward.conf", forward.read_text() if forward.exists() else "")
        host.daemon(
            "rsyslogd", "-n", "-i", "/run/rsyslogd.pid", env={**ENVIRONMENT, "FILE_TEMPLATE": FILE_TEMPLATES[host.name]}
        )
        host.wait_for("test", "-S", "/dev/log")

    def _accounts(self) -> None:
        """Local accounts. Made before the day begins, their useradd lines are not part of the records."""
        self.keys.mkdir(parents=True, exist_ok=True)
        for owner in ("quang.tv", "hai.lv", "monitor", "deploy"):
            (self.keys / owner).unlink(missing_ok=True)
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{owner}@jump-01", "-f", str(self.keys / owner))
        people = {"jump-01": list(PASSWORDS), "portal-01": ["quang.tv", "deploy"], "db-01": ["quang.tv", "hai.lv"]}
        for name, accounts in people.items():
            host = self.hosts[name]
            host.put("/etc/sudoers", (ETC / (f"{name}/sudoers" if name == "jump-01" else "sudoers")).read_text(), 0o440)
            host.put("/etc/sudo.conf", "Set disable_coredump false\n")
            host.sh("rm -rf /etc/security/limits.d; : > /etc/security/limits.conf")
            host.sh("groupadd -r admins; rm -rf /etc/sudoers.d; mkdir /etc/sudoers.d")
            for account in [*accounts, "monitor", "backup-run"]:
                host.sh(f"useradd -m -s /bin/bash {account}; chage -d 2026-06-01 {account}")
                host.sh(f"install -d -m 700 -o {account} -g {account} /home/{account}/.ssh")
                key = self.keys / f"{account}.pub"
                if key.exists():
                    host.put(f"/home/{account}/.ssh/authorized_keys", key.read_text(), 0o600, f"{account}:{account}")
            for account in accounts:
                if account in PASSWORDS:
                    host.run("chpasswd", input=f"{account}:{PASSWORDS[account]}\n")
                    host.run("chage", "-d", "2026-06-01", account)
            for account in ("quang.tv", "minh.pd", "hai.lv"):
                if account in accounts:
                    host.sh(f"usermod -aG admins {account}")
        for account in ("quang.tv", "hai.lv", "deploy"):
            home = f"/home/{account}" if account != "deploy" else "/srv/deploy"
            owner = f"{account}:{account}" if account != "deploy" else "root:root"
            self.jump.put(f"{home}/.ssh/id_ed25519", (self.keys / account).read_text(), 0o600, owner)
            self.jump.sh(f"chown -R {owner} {home}/.ssh")
        self.jump.put("/home/hai.lv/.pgpass", "db-01:5432:*:hai_dba:Quan-tri-csdl-7\n", 0o600, "hai.lv:hai.lv")
        self.jump.sh(
            "mkdir -p /srv/exchange /var/log/archive; touch -d 2026-08-01 /srv/exchange/ban-giao-01.csv; chmod 755 /srv"
        )

    def _database(self) -> None:
        self.db.put("/etc/db/postgresql.conf", (ETC / "db-01/postgresql.conf").read_text())
        self.db.put("/etc/db/pg_hba.conf", (ETC / "db-01/pg_hba.conf").read_text())
        self.db.sh("install -d -o postgres -g postgres /srv/db /var/log/postgresql; chmod 711 /srv")
        as_postgres = ("runuser", "-u", "postgres", "--")
        self.db.run(*as_postgres, f"{POSTGRESQL}/initdb", "-D", "/srv/db", "-E", "UTF8", "--locale=C.UTF-8")
        self.db.sh("cp /etc/db/*.conf /srv/db/; chown postgres: /srv/db/*.conf")
        quiet = ("-c", "log_destination=stderr", "-c", "logging_collector=off")
        setup = self.db.daemon(*as_postgres, f"{POSTGRESQL}/postgres", "-D", "/srv/db", *quiet)
        psql = (*as_postgres, "psql", "-Xq", "-h", "/tmp", "-v", "ON_ERROR_STOP=1")
        self.db.wait_for(*psql, "-c", "SELECT 1")
        self.db.put("/tmp/schema.sql", (ETC / "db-01/schema.sql").read_text())
        self.db.run(*psql, "-f", "/tmp/schema.sql")
        self.db.sh("kill -INT $(head -1 /srv/db/postmaster.pid)")
        setup.wait(30)
        self.db.daemon(
            *as_postgres,
            "env",
            *(f"{k}={v}" for k, v in ENVIRONMENT.items()),
            f"{POSTGRESQL}/postgres",
            "-D",
            "/srv/db",
        )
        self.db.wait_for(*psql, "-c", "SELECT 1")

    def _portal(self) -> None:
        host = self.portal
        host.put("/etc/nginx/nginx.conf", (ETC / "portal-01/nginx.conf").read_text())
        host.put("/srv/portal/app.py", (ETC / "portal-01/portal_app.py").read_text())
        host.put("/etc/portal/db-password", "Cong-dvc-7\n", 0o644)
        host.sh(
            "mkdir -p /var/log/nginx /var/lib/nginx /srv/portal/static; chown deploy /srv/portal/static; chmod 755 /srv /srv/portal"
        )
        sizes = random.Random(5)  # the page sizes only have to differ
        for page in PAGES + ASSETS:
            host.put(f"/srv/portal/static{page if page != '/' else '/index.html'}", "x" * sizes.randint(900, 48_000))
        for n in range(1, 9):
            host.put(
                f"/srv/portal/static/bieu-mau/mau-{n:02d}.pdf", b"%PDF-1.4\n" + b"x" * sizes.randint(60_000, 400_000)
            )
        host.sh("chown -R deploy /srv/portal/static; rm -f /etc/nginx/modules-enabled/*")
        host.daemon("runuser", "-u", "www-data", "--", "python3", "/srv/portal/app.py")
        host.daemon("nginx", "-g", "daemon off;", env=ENVIRONMENT)
        host.wait_for("bash", "-c", f"</dev/tcp/{PORTAL}/80")

    def _ssh_and_cron(self, host: Host) -> None:
        host.put("/etc/ssh/sshd_config", (ETC / "sshd_config").read_text())
        host.sh(
            "rm -rf /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d; ssh-keygen -A; rm -rf /etc/cron.d; mkdir -p /etc/cron.d; : > /etc/crontab"
        )
        host.sh("rm -rf /var/spool/cron; mkdir -p /var/spool/cron/crontabs; chmod 1730 /var/spool/cron/crontabs")
        for script in ("rotate-exchange", "check-disk", "refresh-news", "check-replica"):
            host.put(f"/usr/local/sbin/{script}", "#!/bin/sh\nexit 0\n", 0o755)
        host.put("/usr/local/sbin/nightly-dump", NIGHTLY_DUMP, 0o755)
        host.put("/etc/cron.d/centre", CRON[host.name])
        host.sh(
            "touch -d 2026-06-01 /etc/crontab /etc/cron.d/centre /etc/cron.d /var/spool/cron/crontabs"
        )  # not from the future
        host.daemon("/usr/sbin/sshd", "-D")
        host.wait_for("bash", "-c", f"</dev/tcp/{host.address}/22")
        host.daemon("cron", "-f", "-L", "1", env=ENVIRONMENT)
        host.wait_for("test", "-s", "/run/crond.pid")

    def cron_minute(self, host: Host) -> None:
        """Wake cron at a minute in which it has work: it sleeps in true time and would miss most of a stepped day."""
        host.sh("kill -CHLD $(cat /run/crond.pid)")
        time.sleep(SETTLE_S)


PAGES = ["/", *(f"/{name}.html" for name in (
    "gioi-thieu", "thu-tuc", "thu-tuc/ho-tich", "thu-tuc/dat-dai", "thu-tuc/giay-phep-lai-xe", "thu-tuc/doanh-nghiep",
    "tin-tuc", "tin-tuc/chuyen-doi-so", "lien-he", "huong-dan", "quy-hoach",
))]  # fmt: skip
ASSETS = ["/tinh/css/main.css", "/tinh/js/app.js", "/tinh/anh/logo.svg", "/favicon.ico", "/robots.txt"]


def versions() -> dict[str, str]:
    """What the daemons and tools are, as Debian names their versions."""
    packages = {
        "sshd": "openssh-server", "sudo": "sudo", "pam": "libpam-modules", "nginx": "nginx-light", "rsyslogd": "rsyslog", "cron": "cron",
        "postgresql": "postgresql-15", "libfaketime": "libfaketime", "nmap": "nmap", "gobuster": "gobuster", "sqlmap": "sqlmap",
        "hydra": "hydra",
    }  # fmt: skip
    return {name: run("dpkg-query", "-W", "-f", "${Version}", package) for name, package in packages.items()}
