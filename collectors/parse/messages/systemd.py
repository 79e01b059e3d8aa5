"""What systemd and its log-in daemon say in, which service started, stopped or failed, who has a session out.

    nginx.service: Failed with result 'exit-code'.
    Stopped auditd.service - Security Auditing Service.
    New session 4 of user an.

Source of truth: systemd 252 `src/core/unit.c`, `job.c`, `service.c`, `src/login/logind-session.c`, `src/coredump/coredump.c`; before
systemd 250 a unit's description stands alone ("Started A high performance web server.").
"""

from __future__ import annotations

import re

from collectors.event import Value
from collectors.parse.ecs import number
from collectors.parse.format import Gives, Message

_KIND = r"(?:service|socket|timer|mount|scope|slice|target|device|path|swap|automount)"
_UNIT = re.compile(r"([^\s:]{1,256}\." + _KIND + r"): (.{1,1000})", re.DOTALL)
_JOB = re.compile(
    r"(Started|Stopped|Failed to start|Reloaded|Finished|Mounted|Unmounted|Closed|Removed slice|Created slice) (.{1,500}?)\.?",
    re.DOTALL,
)
_NAMED = re.compile(r"([^\s]{1,256}\." + _KIND + r")(?: - .{1,400})?", re.DOTALL)
_RESULT = re.compile(r"Failed with result '([\w-]{1,64}+)'")
_EXITED = re.compile(r"(?:Main|Control) process exited, code=(\w{1,32}+), status=(\d{1,5}+)(?:/(\S{1,64}+))?")
_RESTART = re.compile(r"Scheduled restart job, restart counter is at (\d{1,10}+)")
_SESSION = re.compile(r"New session (\S{1,64}+) of user (.{1,256}?)\.?")
_SESSION_END = re.compile(r"(?:Removed session (\S{1,64}?)|Session (\S{1,64}?) logged out.{0,64}?)\.?")
_DUMPED = re.compile(r"Process (\d{1,10}+) \(([^)]{1,64}+)\) of user (\d{1,10}+) (?:dumped core|terminated abnormally)")
_ACTIONS = {
    "Started": "service-started", "Stopped": "service-stopped", "Failed to start": "service-failed", "Reloaded": "service-reloaded",
    "Finished": "service-finished", "Mounted": "mounted", "Unmounted": "unmounted", "Closed": "socket-closed",
}  # fmt: skip
_SYSTEM = {"System is rebooting": "system-rebooting", "System is powering down": "system-powering-down",
           "Power key pressed": "power-key-pressed", "Lid closed": "lid-closed"}  # fmt: skip


def read(message: str, fields: dict[str, Value]) -> None:
    """Add the fields of one message; a message that is not known adds none."""
    if job := _JOB.fullmatch(message):
        _job(job[1], job[2], fields)
    elif unit := _UNIT.fullmatch(message):
        _about(unit[1], unit[2], fields)
    elif session := _SESSION.fullmatch(message):
        _say(fields, "session-started", "session", "success")
        fields["systemd.session"], fields["user.name"] = session[1], session[2]
    elif ended := _SESSION_END.fullmatch(message):
        _say(fields, "session-ended", "session", "")
        fields["systemd.session"] = ended[1] or ended[2]
    elif dumped := _DUMPED.match(message):
        _say(fields, "process-crashed", "process", "failure")
        fields["process.name"], fields["user.id"] = dumped[2], dumped[3]
        if (pid := number(dumped[1])) is not None:
            fields["process.pid"] = pid
    else:
        for opening, action in _SYSTEM.items():
            if message.startswith(opening):
                _say(fields, action, "host", "")


def _say(fields: dict[str, Value], action: str, category: str, outcome: str) -> None:
    fields["event.action"], fields["event.category"] = action, category
    if outcome:
        fields["event.outcome"] = outcome


def _job(verb: str, what: str, fields: dict[str, Value]) -> None:
    action = _ACTIONS.get(verb)
    if action is None:
        return
    _say(fields, action, "process", "failure" if action == "service-failed" else "success")
    named = _NAMED.fullmatch(what)
    if named:
        fields["systemd.unit"] = named[1]
    else:
        fields["systemd.description"] = what


def _about(unit: str, said: str, fields: dict[str, Value]) -> None:
    """What is said of one unit."""
    fields["systemd.unit"] = unit
    if failed := _RESULT.match(said):
        _say(fields, "service-failed", "process", "failure")
        fields["event.reason"] = failed[1]
    elif exited := _EXITED.match(said):
        _say(fields, "service-process-exited", "process", "success" if exited[2] == "0" else "failure")
        fields["event.reason"] = f"{exited[1]} {exited[3] or exited[2]}"
        if (code := number(exited[2])) is not None:
            fields["process.exit_code"] = code
    elif _RESTART.match(said):
        _say(fields, "service-restarting", "process", "failure")
    elif said.startswith("Start request repeated too quickly"):
        _say(fields, "service-failed", "process", "failure")
        fields["event.reason"] = "start-limit-hit"
    elif said.startswith("A process of this unit has been killed by the OOM killer"):
        _say(fields, "process-killed-out-of-memory", "process", "failure")


MESSAGE = Message(
    Gives(
        "syslog",
        "host process session",
        "event.action event.outcome event.reason process.exit_code systemd.* user.id user.name",
    ),
    read,
    frozenset({"systemd", "systemd-logind", "systemd-coredump"}),
)
