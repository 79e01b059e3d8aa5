"""The portal's application: case look-up, submission, log-in. Deliberately weak: the look-up joins its input into SQL.

Each request opens a connection of its own to the database as `portal_app` (through psql), so that look-ups, insertions and the
errors of an injection stand in PostgreSQL's own log.
"""

from __future__ import annotations

import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

CONNECTION = {
    "PGHOST": "db-01",
    "PGDATABASE": "portal",
    "PGUSER": "portal_app",
    "PGAPPNAME": "portal",
    "PATH": "/usr/bin:/bin",
}
PASSWORD_FILE = Path("/etc/portal/db-password")
ACCOUNTS = {"cong.dan01": "Xuan-2026", "cong.dan02": "Thu-2026"}


def query(sql: str) -> tuple[bool, str]:
    password = PASSWORD_FILE.read_text(encoding="utf-8").strip()
    argv = ["psql", "-XAtq", "-c", sql]
    done = subprocess.run(argv, env={**CONNECTION, "PGPASSWORD": password}, capture_output=True, text=True, timeout=20)
    return done.returncode == 0, done.stdout if done.returncode == 0 else done.stderr


class Portal(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlsplit(self.path)
        given = parse_qs(url.query, keep_blank_values=True)
        if url.path == "/tra-cuu":
            code = given.get("ma", [""])[0]
            good, text = query(f"SELECT code, status, received FROM cases WHERE code = '{code}'")
            self.answer(200 if good else 500, text or "Khong tim thay ho so")
        elif url.path == "/api/thu-tuc":
            self.answer(200, '{"items": []}' * 20)
        elif url.path.startswith("/api/quy-hoach/thua/"):
            self.answer(200, '{"thua": "' + url.path.rsplit("/", 1)[1][:12] + '", "quy_hoach": "dat o"}')
        else:
            self.answer(404, "404")

    def do_POST(self) -> None:
        given = parse_qs(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace"))
        first = {name: values[0] for name, values in given.items()}
        if self.path == "/nop-ho-so":
            good, text = query(f"INSERT INTO cases (code, status) VALUES ('{first.get('ma', '')}', 'received')")
            self.answer(201 if good else 500, text)
        elif self.path == "/dang-nhap":
            good = ACCOUNTS.get(first.get("ten", "")) == first.get("mat-khau")
            self.answer(302 if good else 401, "")
        else:
            self.answer(404, "404")

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """nginx keeps the access log."""


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", 8080), Portal).serve_forever()
