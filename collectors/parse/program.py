"""The tag of a syslog message in, the program out, and what its message has to begin with to be read as programs write it today."""

from __future__ import annotations


def program_of(tag: str) -> tuple[str, str]:
    """`/usr/sbin/cron` is cron; `sshd(pam_unix)` is sshd, and before its message belongs the opening that pam_unix writes today."""
    program = tag.rpartition("/")[2] or tag
    name, bracket, module = program.partition("(")
    if bracket and module.startswith("pam_") and name:
        return name, f"{module[:-1]}({name}:): "
    return program, ""
