"""Sigma's encoding modifiers and `windash` for pySigma's modifier chain, where pySigma 1.5.1 departs from the specification.

Source of truth: Sigma specification 2.1, modifiers appendix, "Encoding" and "windash". What differs here from pySigma's own classes:
`utf16le` exists; `utf16` puts the byte order mark before the bytes that base64 encodes (FF FE); all of them take any text, not only ASCII;
base64 encodes the plain value (an escaped `\\*` is one asterisk) and counts bytes; a dash under `windash` stays one class of characters
instead of five to the power of the dashes values. Imports pySigma: only the rule parser may import this module.
"""

from __future__ import annotations

import re
from base64 import b64encode
from itertools import product

from sigma.exceptions import SigmaValueError
from sigma.modifiers import SigmaModifier, SigmaValueModifier, modifier_mapping
from sigma.types import Placeholder, SigmaExpansion, SigmaString

from soc.detect.sigma.ir import DASHES

DASH = "_windash"
"""Name of the placeholder that stands for a dash of `windash` in a SigmaString."""

_DASH = re.compile(rf"\B[{re.escape(DASHES)}]\b")
"""A dash that begins a word after no word: of `-param-name` the first, not the second."""


class EncodedString(SigmaString):
    """Text that stands for bytes: `raw` are the bytes, the string shows each as one character."""

    raw: bytes = b""


def _plain(value: SigmaString, what: str, source: object) -> bytes:
    if isinstance(value, EncodedString) and value.raw:
        return value.raw
    parts = [part for part in value.s if isinstance(part, str)]
    if len(parts) != len(value.s):
        raise SigmaValueError(f"{what} needs a plain value, without wildcards or placeholders", source=source)  # type: ignore[arg-type]
    return "".join(parts).encode()


_MAX_SPELLED = 4
"""Dashes that are written out before an encoding: 625 spellings."""


def _spelled(value: SigmaString, source: object) -> list[SigmaString]:
    """The value with each dash of `windash` written out in its five forms: their encodings have nothing in common."""
    dashes = sum(_is_dash(part) for part in value.s)
    if not dashes:
        return [value]
    if dashes > _MAX_SPELLED:
        raise SigmaValueError(f"at most {_MAX_SPELLED} dashes of windash can be encoded", source=source)  # type: ignore[arg-type]
    spelled = []
    for parts in product(*[list(DASHES) if _is_dash(part) else [part] for part in value.s]):
        one = SigmaString()
        one.s = list(parts)
        spelled.append(one)
    return spelled


def _is_dash(part: object) -> bool:
    return isinstance(part, Placeholder) and part.name == DASH


class _Utf16(SigmaValueModifier[SigmaString, SigmaExpansion]):
    codec = "utf-16-le"
    mark = b""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        return SigmaExpansion([self._encoded(each) for each in _spelled(val, self.source)])

    def _encoded(self, val: SigmaString) -> SigmaString:
        encoded = EncodedString()
        encoded.s = [part.encode(self.codec).decode("latin-1") if isinstance(part, str) else part for part in val.s]
        if self.mark:
            encoded.s.insert(0, self.mark.decode("latin-1"))
        if all(isinstance(part, str) for part in encoded.s):
            encoded.s = ["".join(part for part in encoded.s if isinstance(part, str))]
            encoded.raw = encoded.s[0].encode("latin-1")  # type: ignore[union-attr]
        return encoded


class Utf16Le(_Utf16):
    """`utf16le`, `wide`: two bytes a character, low byte first."""


class Utf16Be(_Utf16):
    """`utf16be`: two bytes a character, high byte first."""

    codec = "utf-16-be"


class Utf16(_Utf16):
    """`utf16`: the byte order mark FF FE, then low byte first."""

    mark = b"\xff\xfe"


class Base64(SigmaValueModifier[SigmaString, SigmaExpansion]):
    """`base64`: the value's bytes as Base64."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        plain = (_plain(each, "base64", self.source) for each in _spelled(val, self.source))
        return SigmaExpansion([SigmaString.from_str(b64encode(each).decode()) for each in plain])


class Base64Offset(SigmaValueModifier[SigmaString, SigmaExpansion]):
    """`base64offset`: the value's Base64 at each of the three places in a longer text, less the characters that neighbours change."""

    def modify(self, val: SigmaString) -> SigmaExpansion:
        shifted = []
        for each in _spelled(val, self.source):
            raw = _plain(each, "base64offset", self.source)
            for offset in range(3):
                encoded = b64encode(b"\0" * offset + raw).decode()
                first = (0, 2, 3)[offset]
                last = (None, -3, -2)[(offset + len(raw)) % 3]
                shifted.append(SigmaString.from_str(encoded[first:last]))
        return SigmaExpansion(list(shifted))


class Windash(SigmaValueModifier[SigmaString, SigmaString]):
    """`windash`: each dash before a word as a placeholder that the matcher takes for any of the five."""

    def modify(self, val: SigmaString) -> SigmaString:
        return val.replace_with_placeholder(_DASH, DASH)


MODIFIERS: dict[str, type[SigmaModifier]] = {  # type: ignore[type-arg]
    **modifier_mapping,
    "utf16le": Utf16Le,
    "wide": Utf16Le,
    "utf16be": Utf16Be,
    "utf16": Utf16,
    "base64": Base64,
    "base64offset": Base64Offset,
    "windash": Windash,
}
"""Modifier names -> classes: pySigma's with ours in place."""
