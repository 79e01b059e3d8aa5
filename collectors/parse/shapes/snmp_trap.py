"""A trap of SNMP v2c or v3 in, ECS and names out: of UPSs (RFC 1628), of rack doors (Raritan PDU2-MIB), and the five that all agents know.

    {"snmp":{"version":"2c","agent":"10.20.9.5","trap":"1.3.6.1.2.1.33.2.3","varbinds":{"1.3.6.1.2.1.33.1.6.2.1.2.7":"1.3.6.1.2.1.33.1.6.3.3"}}}

What a receiver of traps hands over: `trap` (the value of snmpTrapOID.0) and `varbinds` by OID in digits (whole numbers, text; octets that
are no text as 0x...; OIDs in digits), and where it knows them `version`, `agent` (the device's address), `host`, `user` (v3), `uptime`
(ticks) and `time` (ISO 8601). Source of truth: RFC 3418 (SNMPv2-MIB), RFC 1628 §4 (UPS-MIB), Raritan PDU2-MIB 2022-09 (SmartLock doors).
Every varbind stays in `snmp.varbinds` as `OID=value`: an OID that became a field's name would be a new field for each row of each table.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from collectors.errors import ParseError
from collectors.event import Value
from collectors.parse import ecs
from collectors.parse.format import Gives, Parsed
from collectors.parse.shape import Document, Shape, moment, put_address

_VARBINDS = 500
"""Of one trap; a datagram of 64 KiB holds some 4,000 of the shortest, and no device sends a tenth of it."""
_GENERIC = {
    "1.3.6.1.6.3.1.1.5.1": "cold-start",
    "1.3.6.1.6.3.1.1.5.2": "warm-start",
    "1.3.6.1.6.3.1.1.5.3": "link-down",
    "1.3.6.1.6.3.1.1.5.4": "link-up",
    "1.3.6.1.6.3.1.1.5.5": "authentication-failure",
}
_UPS = "1.3.6.1.2.1.33."
_UPS_TRAPS = {"1": "on-battery", "2": "test-completed", "3": "alarm-raised", "4": "alarm-cleared"}
_UPS_NUMBERS = {
    "1.2.2": "ups.battery.seconds_on",
    "1.2.3": "ups.battery.minutes_remaining",
    "1.2.4": "ups.battery.charge_percent",
    "1.9.7": "ups.battery.low_minutes",
}
_UPS_ALARM, _UPS_ALARMS = "1.6.2.1.2", f"{_UPS}1.6.3."
_ALARMS = [
    "battery-bad",
    "on-battery",
    "low-battery",
    "depleted-battery",
    "temperature-bad",
    "input-bad",
    "output-bad",
    "output-overload",
    "on-bypass",
    "bypass-bad",
    "output-off-as-requested",
    "ups-off-as-requested",
    "charger-failed",
    "output-off",
    "system-off",
    "fan-failure",
    "fuse-failure",
    "general-fault",
    "diagnostic-test-failed",
    "communications-lost",
    "awaiting-power",
    "shutdown-pending",
    "shutdown-imminent",
    "test-in-progress",
]
"""upsWellKnownAlarms 1 to 24."""
_TEST_RESULTS = {"1": "passed", "2": "warning", "3": "error", "4": "aborted", "5": "in-progress", "6": "none"}

_DOOR = "1.3.6.1.4.1.13742.6."
_DOOR_TRAPS = {
    "130": "access-granted",
    "131": "access-denied",
    "132": "access-rule-added",
    "133": "access-rule-changed",
    "134": "access-rule-deleted",
}
_DOOR_TEXTS = {
    "3.2.2.1.13": "device.name",
    "3.6.3.1.4": "door.name",
    "0.0.45": "door.rule.id",
    "0.0.46": "event.reason",
    "0.0.47": "door.rule.name",
}
_SENSOR_CHANGED, _SENSOR_TYPE, _SENSOR_STATE = "66", "0.0.10", "5.5.3.1.3"
_SENSORS = {"43": "door", "44": "tamper", "49": "lock", "50": "handle"}
_STATES = {"0": "opened", "1": "closed", "9": "detected", "10": "cleared", "11": "alarmed", "12": "ok"}


def _read(document: Document) -> Parsed:
    said = document["snmp"]
    assert isinstance(said, dict)
    trap, bound = _oid(said["trap"]), said["varbinds"]
    if not trap or not isinstance(bound, dict):
        raise ParseError("an SNMP trap without its OID or without varbinds")
    told = islice(((name, value) for name, value in bound.items() if isinstance(value, str | int | float)), _VARBINDS)
    texts = {_oid(name): ecs.plain(value) for name, value in told}
    fields: dict[str, Value] = {"event.dataset": "snmp.trap", "snmp.trap": trap}
    if texts:
        fields["snmp.varbinds"] = [f"{name}={value}" for name, value in texts.items()]
    for name, field in (("version", "snmp.version"), ("user", "snmp.user"), ("host", "host.name")):
        if isinstance(text := said.get(name), str) and text:
            fields[field] = text
    put_address(fields, "source", said.get("agent"))
    if (uptime := ecs.integer(said.get("uptime"))) is not None:
        fields["snmp.uptime"] = uptime
    if action := _GENERIC.get(trap):
        fields["event.action"] = action
    elif trap.startswith(f"{_UPS}2."):
        _put_ups(fields, trap, texts)
    elif trap.startswith(f"{_DOOR}0."):
        _put_door(fields, trap, texts)
    if trap == "1.3.6.1.6.3.1.1.5.5":
        fields["event.category"], fields["event.outcome"] = "authentication", "failure"
    time = said.get("time")
    return Parsed(moment({"time": time}, "time") if isinstance(time, str) else None, fields)


def _oid(text: object) -> str:
    return text.lstrip(".") if isinstance(text, str) else ""


def _under(texts: Mapping[str, str], prefix: str) -> str:
    """The value of an object, whatever its row or instance; "" where it is not among the varbinds."""
    return next((value for name, value in texts.items() if f"{name}.".startswith(f"{prefix}.")), "")


def _put_ups(fields: dict[str, Value], trap: str, texts: Mapping[str, str]) -> None:
    fields["event.dataset"] = "ups.trap"
    fields["event.category"] = "host"
    fields["event.action"] = _UPS_TRAPS.get(trap[len(_UPS) + 2 :].removeprefix("0."), "other")
    for name, field in _UPS_NUMBERS.items():
        if (number := ecs.integer(_under(texts, _UPS + name))) is not None:
            fields[field] = number
    alarm = _oid(_under(texts, _UPS + _UPS_ALARM))
    if alarm:
        number_text = alarm.removeprefix(_UPS_ALARMS)
        known = ecs.number(number_text) if alarm.startswith(_UPS_ALARMS) else None
        fields["ups.alarm"] = _ALARMS[known - 1] if known is not None and 0 < known <= len(_ALARMS) else alarm
    if result := _under(texts, f"{_UPS}1.7.3"):
        fields["ups.test.result"] = _TEST_RESULTS.get(result, result)


def _put_door(fields: dict[str, Value], trap: str, texts: Mapping[str, str]) -> None:
    number = trap[len(_DOOR) + 2 :]
    action = _DOOR_TRAPS.get(number, "")
    if number == _SENSOR_CHANGED:
        sensor = _SENSORS.get(_under(texts, _DOOR + _SENSOR_TYPE))
        state = _STATES.get(_under(texts, _DOOR + _SENSOR_STATE))
        action = f"{sensor}-{state}" if sensor and state else ""
    if not action:
        return
    fields["event.dataset"] = "door.trap"
    fields["event.action"] = action
    for name, field in _DOOR_TEXTS.items():
        if value := _under(texts, _DOOR + name):
            fields[field] = value
    if action in ("access-granted", "access-denied"):
        fields["event.category"] = "authentication"
        fields["event.outcome"] = "success" if action == "access-granted" else "failure"
    elif action.startswith("access-rule"):
        fields["event.category"] = "configuration"


def _is_trap(document: Document) -> bool:
    said = document["snmp"]
    return isinstance(said, dict) and "trap" in said and "varbinds" in said


SHAPES = (
    Shape(
        "snmp",
        _read,
        (
            Gives("snmp.trap", "authentication"),
            Gives("ups.trap", "host"),
            Gives("door.trap", "authentication configuration"),
        ),
        fits=_is_trap,
    ),
)
