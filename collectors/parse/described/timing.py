"""The text of a record's time in, a moment out, in the form that a description names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from collectors.errors import ParseError
from collectors.parse import timestamp
from collectors.parse.described.asking import Asking
from collectors.parse.described.description import Path
from collectors.parse.format import excerpt

Reading = Callable[[str, datetime, ZoneInfo], datetime]
"""Text, time of receipt and the site's zone in, UTC out. Raises: ParseError."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAP_SECOND = re.compile(r"(?<=\d\d:\d\d):60(?!\d)")
_PROBE = datetime(2026, 11, 22, 10, 4, 5, 678_000, UTC)


def _epoch(units: int) -> Reading:
    def read(text: str, received: datetime, zone: ZoneInfo) -> datetime:
        del received, zone
        try:
            return _EPOCH + timedelta(seconds=float(text[:32]) / units)
        except (ValueError, OverflowError) as error:
            raise ParseError(f"not a number of seconds: {excerpt(text)}") from error

    return read


FORMS: Mapping[str, Reading] = {
    "iso": lambda text, _, zone: timestamp.iso(text, zone),
    "syslog": timestamp.yearless,
    "clf": lambda text, _, __: timestamp.common_log(text),
    "asctime": lambda text, _, zone: timestamp.asctime(text, zone),
    "epoch": _epoch(1),
    "epoch_ms": _epoch(1_000),
}
"""Forms by name; any other is one of strptime(3), as `%d/%m/%Y %H:%M:%S`."""


def reading(asking: Asking, at: Path, data: object) -> tuple[Reading | None, tuple[str, ...]]:
    """How the time is read, and the parts (joined with blanks) that it is read from; none where the description says none."""
    if data is None:
        return None, ()
    asked = asking.keys(at, data, ("from", "form"), ("from", "form"))
    if len(asked.keys() & {"from", "form"}) < 2:
        return None, ()
    form = asking.text((*at, "form"), asked["form"])
    parts = asking.texts((*at, "from"), asked["from"])
    if "%" not in form:
        asking.known((*at, "form"), form, FORMS, "a form of time, nor has it any % as '%Y-%m-%d %H:%M:%S' has")
        return FORMS.get(form), parts
    try:
        fits = datetime.strptime(_PROBE.strftime(form), form).date() == _PROBE.date()  # noqa: DTZ007  only the day is looked at
    except ValueError as error:
        asking.refuse((*at, "form"), f"strptime does not take this form: {error}"[:200])
        return None, parts
    if not fits:
        asking.refuse((*at, "form"), "the form does not say the whole date")
    return _of_form(form), parts


def _of_form(form: str) -> Reading:
    @lru_cache(4096)
    def read(text: str, zone: ZoneInfo) -> datetime:
        try:
            return timestamp.to_utc(datetime.strptime(text, form), zone)  # noqa: DTZ007  to_utc gives it the site's
        except ValueError as error:
            before = _LEAP_SECOND.sub(":59", text)
            if before == text:
                raise ParseError(f"not a time as {form}: {excerpt(text)}") from error
            return read(before, zone).replace(microsecond=999_999)

    return lambda text, _, zone: read(text, zone)
