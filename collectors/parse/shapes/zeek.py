"""A row of one of Zeek's logs as JSON in, flat ECS out.

    {"_path":"conn","ts":1795316400.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"10.20.9.41","id.resp_h":"203.0.113.9","conn_state":"SF"}

Source of truth: Zeek 7, `LogAscii::use_json` and the package json-streaming-logs, which adds `_path`; without it the log is the one whose
columns these are. What columns mean is in `collectors.parse.zeek`.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from collectors.event import Value
from collectors.parse import timestamp
from collectors.parse.ecs import plain
from collectors.parse.format import Parsed
from collectors.parse.shape import Document, Shape, originals
from collectors.parse.zeek import GIVES, OTHER, finish, moment, put

_UTC = ZoneInfo("UTC")
_TELLTALES = {
    "conn_state": "conn", "qtype": "dns", "rcode": "dns", "trans_id": "dns", "helo": "smtp", "mailfrom": "smtp", "uri": "http",
    "method": "http", "status_code": "http", "request_type": "kerberos", "cipher": "ssl", "server_name": "ssl", "fuid": "files",
    "certificate.serial": "x509", "endpoint": "dce_rpc", "share_type": "smb_mapping", "note": "notice", "seen.indicator": "intel",
    "auth_attempts": "ssh", "security_protocol": "rdp", "ntlm": "ntlm", "server_nb_computer_name": "ntlm", "msg_types": "dhcp",
    "software_type": "software", "machine": "pe", "community": "snmp", "tunnel_type": "tunnel", "notice": "weird",
}  # fmt: skip


def _read(document: Document) -> Parsed:
    """One row. Raises: ParseError."""
    said: dict[str, Value] = {}
    for column, value in document.items():
        kind = type(value)
        if kind is str or kind is int or kind is float or kind is bool:
            if value != "":
                said[column] = plain(value)
        elif value:
            said |= originals({column: value})
    path = said.pop("_path", None)
    if not isinstance(path, str):
        path = _path_of(document)
    stamp = str(said.pop("ts", ""))
    fields: dict[str, Value] = {}
    put(fields, path, said)
    finish(fields, path, said)
    return Parsed(timestamp.iso(stamp, _UTC) if stamp[4:5] == "-" else moment(stamp), fields)


def _path_of(document: Document) -> str:
    if "name" in document and "path" in document:
        return "smb_files"
    return next((path for column, path in _TELLTALES.items() if column in document), OTHER)


SHAPES = (
    Shape(
        "ts",
        _read,
        GIVES,
        fits=lambda document: (
            isinstance(document["ts"], int | float | str) and ("id.orig_h" in document or "_path" in document)
        ),
    ),
)
