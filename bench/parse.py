"""Events per CPU second of every parser: `python -m bench.parse [NAME...] [--records N] [--markdown]`.

The lines are made here, of the mixture that a host writes, or are the parser's golden lines; names, addresses, ports and times vary, so
that no cache answers for a parser. Each format is parsed in parts of 1,000 through the hot path, `parse_batch`: decoding, fields,
event id and Event. The fastest part counts; no record is parsed twice.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench._cloud_lines import CLOUD_LINES
from bench._golden_lines import PAIRS, golden_records, title_of
from bench._host_lines import HOST_LINES
from bench._moments import START, moments
from bench._server_lines import SERVER_LINES
from collectors.parse import Context, parse_batch
from collectors.record import Position, RawRecord

PART = 1_000
HEAD = """# Formats

What is read, and how fast. Written by `python -m bench.parse --markdown`, Python 3.11, on 2 shared cores that had several times as much
other work: figures to compare, the best of three runs. A record is decoded, its fields named, and an Event with its id made of it; the
lines are what a busy host writes, or the lines of the tests with other addresses and times; none comes twice. What a `messages/` parser
reads comes behind a syslog header, by any format that has one (`syslog`, `rfc3164`, `rfc5424`, `journald`); what a `shapes/` parser reads,
as an object of JSON lines, by HTTP, Kafka or syslog alike. How each is configured: [reference.md](reference.md#sources).

| parser | what it reads | measured as format | bytes | events per CPU second |
|---|---|---|---|---|"""


def sshd_lines(dice: random.Random) -> Iterator[str]:
    """RFC 3164 from a host under attack, as an sshd of Debian 12 writes: failures with their PAM lines, some log-ins and disconnects."""
    for _, at in moments():
        head = f"<38>{at:%b} {at.day:2} {at:%H:%M:%S} web{dice.randrange(9):02} sshd[{dice.randrange(300, 99999)}]: "
        user, ip, port = (
            f"user{dice.randrange(500)}",
            f"203.0.{dice.randrange(256)}.{dice.randrange(256)}",
            dice.randrange(1024, 65536),
        )
        yield head + f"Invalid user {user} from {ip} port {port}"
        yield (
            head
            + f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user={user}"
        )
        yield head + f"Failed password for invalid user {user} from {ip} port {port} ssh2"
        yield head + f"Failed password for root from {ip} port {port} ssh2"
        yield head + f"Received disconnect from {ip} port {port}:11: Bye Bye [preauth]"
        yield (
            head
            + f"Accepted publickey for an from {ip} port {port} ssh2: ED25519 SHA256:n3Kk0uWbT1tZ6o5pC2mXoJdQ4yqzv8rGkq0Zt1yS1aE"
        )


def iso_lines(dice: random.Random) -> Iterator[str]:
    """A Debian 12 file: ISO 8601 dates with microseconds; sudo, cron, PAM, systemd."""
    for n, at in moments():
        head = f"{at:%Y-%m-%dT%H:%M:%S.%f}+00:00 web{dice.randrange(9):02} "
        yield (
            head
            + f"sudo:       an : TTY=pts/{n % 9} ; PWD=/home/an ; USER=root ; COMMAND=/usr/bin/systemctl restart app{n % 50}"
        )
        yield head + f"sudo: pam_unix(sudo:session): session opened for user root(uid=0) by an(uid={n % 3000})"
        yield head + f"CRON[{n % 60000}]: (root) CMD (/usr/bin/test {n})"
        yield head + f"systemd[1]: Started session-{n}.scope - Session {n} of User an."


def rfc5424_lines(dice: random.Random) -> Iterator[str]:
    """Half with structured data."""
    for n, at in moments():
        head = f"<165>1 {at:%Y-%m-%dT%H:%M:%S.%f}Z app{dice.randrange(9):02} payroll {dice.randrange(99999)} "
        yield (
            head
            + f'ID47 [origin@32473 user="an{n % 99}" note="a \\"b\\""][meta sequenceId="{n}"] Salary table exported'
        )
        yield head + f"- - request {n} took {n % 300} ms"


def web_lines(dice: random.Random) -> Iterator[str]:
    """nginx's combined format with forwarded address and time."""
    for n, at in moments(200):
        yield (
            f"203.0.{dice.randrange(256)}.{dice.randrange(256)} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "
            f'"GET /ho-so/{n}?tab={n % 7} HTTP/1.1" 200 {dice.randrange(99999)} "https://dvc.example/ho-so" '
            f'"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0" "-" 0.0{n % 90 + 10}'
        )


def postgresql_lines(dice: random.Random) -> Iterator[str]:
    """Statements with their durations."""
    for n, at in moments():
        yield (
            f"{at:%Y-%m-%d %H:%M:%S.%f}"[:-3]
            + f' UTC,"hr","nhan_su",{dice.randrange(99999)},"192.0.2.{n % 250}:{dice.randrange(1024, 65536)}",'
            f'6b033dcc.{n:x},{n % 1000},"SELECT",2026-11-22 03:00:00 UTC,3/{n},0,LOG,00000,"duration: {n % 900}.123 ms  statement: '
            f'SELECT * FROM salary WHERE id = {n} AND note = ""x""",,,,,,,,,"payroll","client backend",,{n}'
        )


def audit_lines(dice: random.Random) -> Iterator[str]:
    """egov.audit, nested."""
    for n, at in moments():
        yield json.dumps({
            "@timestamp": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z", "event": {"dataset": "egov.audit", "action": "view", "outcome": "success"},
            "user": {"name": f"user{dice.randrange(500)}", "roles": ["officer"]}, "source": {"ip": f"203.0.113.{n % 256}"},
            "egov": {"system": "civil-status", "record": {"type": "birth", "id": f"B-{n}"}, "records": {"count": 1}},
        })  # fmt: skip


def sysmon(n: int, dice: random.Random) -> dict[str, object]:
    """EventData of a process creation."""
    return {
        "RuleName": "-", "UtcTime": "2026-11-22 03:00:00.120", "ProcessGuid": f"0197231E-005A-6928-A50B-{n:012}", "ProcessId": n % 60000,
        "Image": f"C:\\Program Files\\App{n % 300}\\app.exe", "FileVersion": "10.0.19041.1 (WinBuild.160101.0800)", "Description": "app",
        "Product": "Microsoft Windows Operating System", "Company": "Microsoft Corporation", "OriginalFileName": "app.exe",
        "CommandLine": f'"C:\\Program Files\\App{n % 300}\\app.exe" --id {n}', "CurrentDirectory": "C:\\Users\\an\\", "User": "HOTICH\\an",
        "LogonGuid": "0197231E-0000-6928-0000-000000000000", "LogonId": "0x3e7f1", "TerminalSessionId": 1, "IntegrityLevel": "Medium",
        "Hashes": f"MD5={dice.getrandbits(128):032X},IMPHASH=7FF0758B766F747CE57DFAC70743FB88", "ParentProcessId": 4400,
        "ParentProcessGuid": "0197231E-005A-6928-A40B-000000000D00", "ParentImage": "C:\\Windows\\explorer.exe",
        "ParentCommandLine": "C:\\Windows\\explorer.exe", "ParentUser": "HOTICH\\an",
    }  # fmt: skip


def logon(n: int, dice: random.Random) -> dict[str, object]:
    """EventData of a log-on."""
    return {
        "SubjectUserSid": "S-1-0-0", "SubjectUserName": "-", "SubjectDomainName": "-", "SubjectLogonId": "0x0",
        "TargetUserSid": f"S-1-5-21-1-2-3-{n % 2000}", "TargetUserName": f"user{n % 2000}", "TargetDomainName": "HOTICH",
        "TargetLogonId": f"0x{n:x}", "LogonType": 3, "LogonProcessName": "NtLmSsp ", "AuthenticationPackageName": "NTLM",
        "WorkstationName": f"PC{n % 900}", "LogonGuid": "00000000-0000-0000-0000-000000000000", "TransmittedServices": "-",
        "LmPackageName": "NTLM V2", "KeyLength": 128, "ProcessId": "0x0", "ProcessName": "-",
        "IpAddress": f"192.0.{n % 200}.{dice.randrange(256)}", "IpPort": str(dice.randrange(1024, 65536)),
    }  # fmt: skip


def windows_lines(dice: random.Random) -> Iterator[str]:
    """EVTX records: Sysmon process creations and log-ons by turns."""
    for n, at in moments():
        provider, code, channel, data = (
            ("Microsoft-Windows-Sysmon", 1, "Microsoft-Windows-Sysmon/Operational", sysmon(n, dice))
            if n % 2
            else ("Microsoft-Windows-Security-Auditing", 4624, "Security", logon(n, dice))
        )
        system = {
            "Provider": {"#attributes": {"Name": provider, "Guid": "5770385F-C22A-43E0-BF4C-06F5698FFBD9"}}, "EventID": code, "Version": 5,
            "Level": 4, "Task": code, "Opcode": 0, "Keywords": "0x8020000000000000",
            "TimeCreated": {"#attributes": {"SystemTime": f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"}},
            "EventRecordID": n, "Correlation": None, "Execution": {"#attributes": {"ProcessID": 3544, "ThreadID": n % 9999}},
            "Channel": channel, "Computer": f"pc{n % 900}.hotich.example", "Security": {"#attributes": {"UserID": "S-1-5-18"}},
        }  # fmt: skip
        yield json.dumps(
            {
                "Event": {
                    "#attributes": {"xmlns": "http://schemas.microsoft.com/win"},
                    "System": system,
                    "EventData": data,
                }
            }
        )


def winlogbeat_lines(dice: random.Random) -> Iterator[str]:
    """Windows events as Winlogbeat ships them."""
    for line in windows_lines(dice):
        event = json.loads(line)["Event"]
        system = event["System"]
        yield json.dumps({
            "@timestamp": system["TimeCreated"]["#attributes"]["SystemTime"], "event": {"code": str(system["EventID"]), "kind": "event"},
            "host": {"name": system["Computer"]}, "log": {"level": "information"},
            "winlog": {
                "channel": system["Channel"], "provider_name": system["Provider"]["#attributes"]["Name"],
                "computer_name": system["Computer"],
                "record_id": str(system["EventRecordID"]), "event_data": {name: str(value) for name, value in event["EventData"].items()},
            },
        })  # fmt: skip


def xml_lines(dice: random.Random) -> Iterator[str]:
    """The same events as XML."""
    for line in windows_lines(dice):
        event = json.loads(line)["Event"]
        system = event["System"]
        data = "".join(f"<Data Name='{name}'>{value}</Data>" for name, value in event["EventData"].items())
        yield (
            "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>"
            f"<Provider Name='{system['Provider']['#attributes']['Name']}'/><EventID>{system['EventID']}</EventID><Level>4</Level>"
            f"<Keywords>0x8020000000000000</Keywords><TimeCreated SystemTime='{system['TimeCreated']['#attributes']['SystemTime']}'/>"
            f"<EventRecordID>{system['EventRecordID']}</EventRecordID><Execution ProcessID='3544' ThreadID='1'/>"
            f"<Channel>{system['Channel']}</Channel><Computer>{system['Computer']}</Computer></System><EventData>{data}</EventData></Event>"
        )


def fortigate_lines(dice: random.Random) -> Iterator[str]:
    """Sessions of a FortiGate, as it sends them without a syslog header."""
    for n, at in moments():
        yield (
            f'<189>date={at:%Y-%m-%d} time={at:%H:%M:%S} devname="fw-tinh-01" devid="FG101FTK20002468" '
            f'eventtime={at.timestamp() * 1e9:.0f} tz="+0000" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" '
            f'srcip=10.20.{n % 200}.{dice.randrange(256)} srcport={dice.randrange(1024, 65536)} srcintf="lan1" srcintfrole="lan" '
            f'dstip=203.0.{dice.randrange(256)}.{dice.randrange(256)} dstport=443 dstintf="wan1" dstintfrole="wan" srccountry="Reserved" '
            f'dstcountry="Viet Nam" sessionid={n} proto=6 action="close" policyid={n % 40} policytype="policy" policyname="Ra Internet" '
            f'service="HTTPS" trandisp="snat" transip=198.51.100.4 transport={dice.randrange(1024, 65536)} duration={n % 300} '
            f'sentbyte={dice.randrange(99999)} rcvdbyte={dice.randrange(99999)} sentpkt={n % 90} rcvdpkt={n % 80} appcat="unscanned"'
        )


def fail2ban_lines(dice: random.Random) -> Iterator[str]:
    """What is found and banned: of a format that is described in YAML."""
    for _, moment in moments():
        at = f"{moment:%Y-%m-%d %H:%M:%S,%f}"[:-3]
        ip = f"203.0.{dice.randrange(256)}.{dice.randrange(256)}"
        yield f"{at} fail2ban.filter         [871]: INFO    [sshd] Found {ip} - {at[:-4]}"
        yield f"{at} fail2ban.actions        [871]: NOTICE  [sshd] Ban {ip}"


def xferlog_lines(dice: random.Random) -> Iterator[str]:
    """Transfers: described in YAML, with fourteen parts."""
    for n, at in moments():
        yield (
            f"{at:%a %b %d %H:%M:%S %Y} {n % 9} 192.0.{dice.randrange(256)}.{dice.randrange(256)} {n * 7 % 10**6} "
            f"/ho-so/{n}.pdf b _ {'iod'[n % 3]} r user{n % 99} ftp 0 * c"
        )


def panos_lines(dice: random.Random) -> Iterator[str]:
    """Sessions of a Palo Alto firewall behind a BSD header."""
    for n, at in moments():
        source, target = f"10.20.{n % 200}.{dice.randrange(256)}", f"203.0.{dice.randrange(256)}.{dice.randrange(256)}"
        yield (
            f"<14>{at:%b} {at.day:2} {at:%H:%M:%S} pa-tinh 1,{at:%Y/%m/%d %H:%M:%S},013101001305,TRAFFIC,end,2561,{at:%Y/%m/%d %H:%M:%S},"
            f"{source},{target},198.51.100.4,{target},Ra-Internet,hotich\\user{n % 500},,ssl,vsys1,trust,untrust,ethernet1/2,ethernet1/1,"
            f"soc,,{n},1,{dice.randrange(1024, 65536)},443,{dice.randrange(1024, 65536)},443,0x400053,tcp,allow,{n % 90000},{n % 70000},"
            f"{n % 20000},{n % 300},{at:%Y/%m/%d %H:%M:%S},{n % 90},government,,{n},0x8000000000000000,10.0.0.0-10.255.255.255,Viet Nam,,"
            f"{n % 200},{n % 100},tcp-fin,0,0,0,0,,PA-TINH,from-policy,,,0,,0,,N/A,0,0,0,0,a3f0c1de-6d0e-4f0b-9c1d-0242ac120002"
        )


def asa_lines(dice: random.Random) -> Iterator[str]:
    """Connections built, ended and denied on a Cisco ASA."""
    for n, at in moments():
        head = f"<166>{at:%b %d %Y %H:%M:%S} asa-tinh : %ASA-"
        inside = f"inside:10.20.{n % 200}.{dice.randrange(256)}/{dice.randrange(1024, 65536)}"
        outside = f"203.0.{dice.randrange(256)}.{dice.randrange(256)}"
        yield (
            head
            + f"6-302013: Built outbound TCP connection {n} for outside:{outside}/443 ({outside}/443) to {inside} (192.0.2.4/{n % 60000})"
        )
        yield (
            head
            + f"6-302014: Teardown TCP connection {n} for outside:{outside}/443 to {inside} duration 0:01:07 bytes {n % 90000} TCP FINs"
        )
        yield (
            head
            + f'4-106023: Deny tcp src outside:{outside}/{n % 60000} dst dmz:10.20.5.11/22 by access-group "vao" [0x0, 0x0]'
        )


def cef_lines(dice: random.Random) -> Iterator[str]:
    """Requests that a web application firewall refused."""
    for n, at in moments():
        yield (
            f"<134>1 {at:%Y-%m-%dT%H:%M:%S}Z waf-tinh - - - - CEF:0|F5|ASM|16.1.2|{200000000 + n % 900}|Automated client access|7|"
            f"dvchost=waf-tinh dvc=10.20.5.2 cs1=/Common/dvc cs1Label=policy_name act=blocked app=HTTPS "
            f"src=203.0.{dice.randrange(256)}.{dice.randrange(256)} spt={dice.randrange(1024, 65536)} dst=10.20.5.11 dpt=443 "
            f"requestMethod=GET request=/ho-so?a\\={n} requestClientApplication=Mozilla/5.0 (X11; Linux) rt={at.timestamp() * 1000:.0f}"
        )


MADE: dict[str, tuple[str, Callable[[random.Random], Iterator[str]]]] = {
    **CLOUD_LINES,
    **HOST_LINES,
    **SERVER_LINES,
    "messages/sshd": ("syslog", sshd_lines),
    "rfc3164": ("rfc3164", iso_lines),
    "rfc5424": ("rfc5424", rfc5424_lines),
    "web-access": ("web-access", web_lines),
    "postgresql-csv": ("postgresql-csv", postgresql_lines),
    "json": ("json", audit_lines),
    "windows-json": ("windows-json", windows_lines),
    "winlogbeat": ("json", winlogbeat_lines),
    "windows-xml": ("windows-xml", xml_lines),
    "fail2ban": ("fail2ban", fail2ban_lines),
    "xferlog": ("xferlog", xferlog_lines),
    "messages/fortigate": ("syslog", fortigate_lines),
    "messages/panos": ("syslog", panos_lines),
    "messages/cisco_asa": ("syslog", asa_lines),
    "messages/cef": ("syslog", cef_lines),
}
"""Mixtures by the parser that they are for, with the format that reads them."""
NAMES = list(dict.fromkeys((*sorted(PAIRS), *MADE)))


def records_of(name: str, count: int) -> tuple[list[RawRecord], str]:
    """`count` records for one parser, and the format that reads them: of the mixture that a host writes, else the golden lines varied."""
    if name not in MADE:
        return golden_records(name, count), PAIRS[name][0].name
    form, make = MADE[name]
    lines = make(random.Random(f"{name} 2026"))
    place = "/var/log/bench"
    return [RawRecord(next(lines).encode(), "bench", Position(place, "1f", n, n), START) for n in range(count)], form


def best_rate(records: list[RawRecord], form: str) -> float:
    """Events per CPU second of the fastest part."""
    context, best = Context(), float("inf")
    for at in range(0, len(records), PART):
        part = records[at : at + PART]
        begun = time.process_time()
        events, dead = parse_batch(part, form, context)
        best = min(best, (time.process_time() - begun) / len(part))
        assert not dead, dead[0].reason
        assert len(events) == len(part)
    return 1 / best


class Figure(NamedTuple):
    """What was measured of one parser: the format that reads it, bytes of a record, events per CPU second."""

    name: str
    form: str
    size: float
    rate: float


def measured(name: str, count: int) -> Figure:
    """How fast one parser is."""
    records, form = records_of(name, count)
    size = sum(len(record.data) for record in records) / len(records)
    return Figure(name, form, size, best_rate(records, form))


def named(word: str) -> list[str]:
    """The parsers of a name, with or without their folder."""
    found = [name for name in NAMES if name == word] or [name for name in NAMES if name.rpartition("/")[2] == word]
    if not found:
        raise argparse.ArgumentTypeError(f"unknown: {word}; there are: {', '.join(NAMES)}")
    return found


def main(argv: list[str] | None = None) -> None:
    """Print the table; `python -m bench parse` runs it with its defaults."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    arguments.add_argument("names", nargs="*", type=named, default=[])
    arguments.add_argument("--records", type=int, default=20_000)
    arguments.add_argument("--markdown", action="store_true", help="write docs/formats.md to standard output")
    asked = arguments.parse_args(argv or [])
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the app runs: the default walks every live batch again and again
    names = [name for found in asked.names for name in found] or NAMES
    if asked.markdown:
        print(HEAD)
        for name in sorted(names, key=lambda name: (name.rpartition("/")[0], name)):
            figure = measured(name, asked.records)
            title = title_of(name) if name in PAIRS else (MADE[name][1].__doc__ or "").removesuffix(".")
            print(
                f"| {name} | {title} | `{figure.form}` | {figure.size:.0f} | {figure.rate / 1_000:,.0f},000 |",
                flush=True,
            )
        return
    print(f"{'parser':28}{'format':16}{'bytes':>8}{'µs':>8}{'events/CPU-s':>15}")
    for name in names:
        figure = measured(name, asked.records)
        print(f"{name:28}{figure.form:16}{figure.size:8.0f}{1e6 / figure.rate:8.2f}{figure.rate:15,.0f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
