r"""A line of Tomcat's catalina.out (or catalina.DATE.log) in, flat ECS out.

    22-Nov-2026 10:00:00.123 INFO [main] org.apache.catalina.startup.HostConfig.deployWAR Deployment of web application archive
      [/opt/tomcat/webapps/motcua.war] has finished in [1,204] ms                                                        (one line)

Source of truth: Tomcat 9 to 11 `juli.OneLineFormatter`, local time. What an exception adds on further lines (`\tat ...`, `Caused by: ...`)
are records of their own, as nothing says where they end: `event.action` is stack-trace. Its access log is read by web-access.
"""

from __future__ import annotations

import re

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.format import Context, Format, Gives, Parsed, excerpt, share_of_lines, text_of
from collectors.record import RawRecord

_LINE = re.compile(
    r"(\d\d)-([A-Z][a-z]{2})-(\d{4}) (\d\d:\d\d:\d\d\.\d{3}) ([A-Z]{3,8}) \[([^\]]{0,200}+)\] ([\w.$/<>-]{1,300}) ?(.*)",
    re.DOTALL | re.ASCII,
)
_SNIFFED = re.compile(rb"(?:\xef\xbb\xbf)?\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d:\d\d\.\d{3} [A-Z]{3,8} \[")
_TRACE = re.compile(
    r"\s+at [\w$.<>/]|\s*Caused by: |\s+\.\.\. \d{1,5} (?:more|common)|\s*Suppressed: |"
    r"(?:[a-z][\w$]{0,64}\.){1,12}[A-Z][\w$]{0,128}(?:Exception|Error)\b",
    re.ASCII,
)
_DEPLOYED = re.compile(
    r"(?:Deploy|Undeploy)[a-z]{2,8} (?:of )?(?:web application|the web application|context)[^\[]{0,64}\[([^\]]{1,1024})\]"
)
_LOCKED = re.compile(r"An attempt was made to authenticate the locked user \[([^\]]{0,256})\]")


def parse(record: RawRecord, context: Context) -> Parsed:
    """One line. Raises: ParseError."""
    text = text_of(record.data, context)
    match = _LINE.match(text)
    fields: dict[str, Value] = {"event.dataset": "tomcat.catalina"}
    if match is None:
        if _TRACE.match(text) is None:
            raise ParseError(f"not a line of Tomcat's log: {excerpt(text)}")
        fields["event.action"] = "stack-trace"
        fields["message"] = text
        return Parsed(None, fields)
    day, month, year, clock, level, thread, logger, message = match.groups()
    if month not in timestamp.MONTHS:
        raise ParseError(f"no month {month}: {excerpt(text)}")
    time = timestamp.iso(f"{year}-{timestamp.MONTHS[month]:02}-{day}T{clock}", context.timezone)
    fields["log.level"] = level.lower()
    fields["log.logger"] = logger
    fields["event.category"] = "web"
    if thread:
        fields["process.thread.name"] = thread
    if message:
        fields["message"] = message
    if deployed := _DEPLOYED.match(message):
        fields["event.action"] = "application-undeployed" if message[0] == "U" else "application-deployed"
        fields["event.category"] = "configuration"
        fields["file.path"] = deployed[1]
    elif locked := _LOCKED.match(message):
        fields["event.action"] = "login-of-locked-user"
        fields["event.category"] = "authentication"
        fields["event.outcome"] = "failure"
        if locked[1]:
            fields["user.name"] = locked[1]
    return Parsed(time, fields)


def _sniff(sample: bytes) -> float:
    return share_of_lines(
        sample, lambda line: _SNIFFED.match(line) or line.startswith((b"\tat ", b"Caused by: ", b"\t... "))
    )


FORMAT = Format(
    "tomcat",
    "Tomcat's catalina log",
    parse,
    _sniff,
    gives=(
        Gives(
            "tomcat.catalina",
            "authentication configuration web",
            "event.action event.outcome file.path log.level log.logger message process.thread.name user.name",
        ),
    ),
)
