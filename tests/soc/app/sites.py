"""Sites for tests: the shipped content in a new folder, with the sources that a test needs and nothing listening otherwise."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from soc.app.content import make_site

LOGIN_AS_ROOT = "Accepted password for root from 203.0.113.45 port 41022 ssh2"
"""A message that fires a rule of ours (rules/linux/sshd_root_password_login.yml)."""


def new_site(folder: Path, sources: str = "[]", more: str = "", *, processes: int = 1) -> Path:
    """A site whose soc.yaml has these sources; the path of the soc.yaml. `processes`: of `soc run`."""
    config = make_site(folder)
    config.write_text(
        dedent(
            """\
            data: var
            inventory: inventory.yml
            rules: [rules]
            playbooks: [playbooks]
            metrics: {listen: "127.0.0.1:0"}
            respond:
              commands:
                block_address: [/bin/echo, block, "{address}"]
                unblock_address: [/bin/echo, unblock, "{address}"]
            """
        )
        + f"run: {{processes: {processes}}}\nsources: {sources}\n{more}"
    )
    return config


def auth_line(second: int, message: str = LOGIN_AS_ROOT) -> str:
    """One line of an auth.log, newline included."""
    return (
        f"2026-10-14T03:{second // 60 % 60:02}:{second % 60:02}.000000+07:00 jump-01 sshd[{1000 + second}]: {message}\n"
    )
