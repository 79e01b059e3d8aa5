"""Pairs of a firewall's line: what is remembered of earlier lines changes nothing of what a line says."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from collectors.event import Value
from collectors.parse.keyvalue import Names

KNOWN = {
    "srcip": "source.ip",
    "srcport": "source.port",
    "sentbyte": "source.bytes",
    "srcmac": "source.mac",
    "user": "user.name",
    "msg": "",
}
PAIR = re.compile(r'\b(\w[\w.-]{0,63}+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*|))', re.ASCII | re.DOTALL)
WORDS = (
    " ", "  ", "\t", '"', '""', "\\", '\\"', "=", "==", '="', '" ', "a", "a=b", "srcip=", "srcip=192.0.2.7", "srcip=::1%x", "srcport=7",
    "srcport=99999", "sentbyte=12", "sentbyte=" + "9" * 30, "srcmac=a:b", 'user="an"', 'user="an binh"', "msg=x", 'msg="x y"', "user=N/A",
    "new.name-7=1", "n" * 70 + "=1", "é=1", "=1", "sentbyte=١",
)  # fmt: skip
NAMES = Names("own.", KNOWN, ("", "N/A"))


def plainly(text: str) -> tuple[dict[str, Value], dict[str, str]]:
    """Fields, and what a parser reads itself, of the pairs of the whole text one after the other."""
    fields: dict[str, Value] = {}
    pairs = [
        (name, re.sub(r"(?s)\\(.)", r"\1", quoted) if quoted else bare) for name, quoted, bare in PAIR.findall(text)
    ]
    return fields, Names("own.", KNOWN, ("", "N/A")).put(pairs[:500], fields)


@given(st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=3)), max_size=30).map("".join))
@example('user="an" user="an" msg="srcip=192.0.2.7 user="root"')
@example('srcip="::1%x"user="root" sentbyte=1')
@example("user=an\tsrcport=7 " * 600)
def test_pairs_are_read_as_if_no_line_had_been_read_before(text: str) -> None:
    for _ in range(2):
        fields: dict[str, Value] = {}
        own = NAMES.read(text, fields)
        assert (fields, own) == plainly(text)


def test_a_stream_of_invented_pairs_is_remembered_within_bounds() -> None:
    names = Names("own.", KNOWN)
    for n in range(20_000):
        names.read(f'user="u{n}" new{n}=x', {})
    assert len(names) < 6_000
    assert names.read('user="an b" sentbyte=7', fields := {}) == {}
    assert fields == {"user.name": "an b", "source.bytes": 7}
