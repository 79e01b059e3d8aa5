"""Hypothesis strategies for rules and events that meet: every modifier in every chain that has a meaning, and events drawn from the rule.

Random events never match a rule of six conditions, so most values of an event are a value of the rule, changed: other case, other dashes,
encoded, within a longer text, one character off.
"""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

FIELDS = ("a", "b", "c")
PLACEHOLDERS = {"one": ["ab"], "two": ["a*", "1?"], "none": []}

LETTERS = "abAB-/ .\\*?1\nđĐſΣσςKßẞé\u0301"
TEXT = st.text(st.sampled_from(LETTERS), max_size=6)
"""A value of a rule: few letters, so that they meet; wildcards, escapes, and letters whose case is not simple."""
PLAIN = st.text(st.sampled_from("abAB-/ .1đΣ"), min_size=1, max_size=5)
"""A value without wildcards, which encodings take."""
DASHED = st.sampled_from(["-a", " -a", "a -b", "/a-b", "-a -b", "–a", "-a*", "a- -b", "-đ"])
NUMBER = st.one_of(
    st.integers(-3, 20), st.sampled_from([0.5, 1.0, -1.5, 7.0, 2**53, 2**53 + 1, -(2**63), 2**63 - 1, 10**30])
)
SCALAR = st.one_of(TEXT, TEXT, TEXT, NUMBER, st.booleans())
NETWORK = st.sampled_from(
    [
        "10.0.0.0/8",
        "10.1.2.0/23",
        "192.0.2.7/32",
        "0.0.0.0/0",
        "2001:db8::/32",
        "::/0",
        "::1/128",
        "::ffff:10.0.0.0/104",
        "fe80::/10",
    ]
)
ADDRESS = st.one_of(
    st.sampled_from(
        [
            "10.0.0.1",
            "10.1.3.255",
            "192.0.2.7",
            "::1",
            "2001:DB8::5",
            "::ffff:10.1.2.3",
            "[::1]",
            "fe80::1%eth0",
            "1.2.3",
        ]
    ),
    st.ip_addresses().map(str),
)
TIME = st.one_of(
    st.sampled_from(
        [
            "2026-11-22T03:04:05Z",
            "2025-01-01 00:00:00",
            "2026-11-22",
            "20261122T220405+0700",
            "2027-01-01T23:59:59.9",
            "x",
        ]
    ),
    st.datetimes().map(lambda t: t.isoformat()),
)
TIME_PART = st.sampled_from([0, 1, 3, 4, 11, 22, 47, 53, 2026])
EXPRESSION = st.sampled_from(
    [
        "a",
        "^a",
        "b$",
        "^$",
        "a.b",
        "a+b*",
        "[ab]{2}",
        "[^a-b1]",
        "(?:a|b)1",
        "(a|-)b",
        "A",
        r"\*",
        r"\.",
        "đ",
        "Σ",
        "1|2",
        ".b",
        "s",
        "",
        r"\d",
        r"a\b",
        r"\w-",
        r"\n$",
        "^b|1$",
        "a{1,2}?b",
        r"\\",
    ]
)


def _chains(*parts: list[str]) -> list[str]:
    """Every way to take one of each of the parts, in their order: "|wide|base64|contains"."""
    chains = [""]
    for part in parts:
        chains = [f"{chain}|{word}" if word else chain for chain in chains for word in part]
    return chains


_WHERE = ["", "contains", "startswith", "endswith"]
_LINK = ["", "all", "neq", "all|neq"]
_UTF16 = ["utf16le", "wide", "utf16be", "utf16"]
_BASE64 = ["base64", "base64offset"]

OF_TEXT = (
    _chains(_WHERE, ["", "cased"], _LINK) + _chains(["cased"], _WHERE[1:], _LINK) + _chains(["all"], _WHERE, ["cased"])
)
OF_DASHES = _chains(["windash"], _WHERE, ["", "cased"], _LINK) + _chains(_WHERE[1:], ["windash"], _LINK)
OF_BYTES = (
    _chains(["", *_UTF16], _BASE64, _WHERE, ["", "cased"], _LINK)
    + _chains(_UTF16, _WHERE, ["", "cased"], _LINK)
    + _chains(["cased"], ["", "wide"], _BASE64, _WHERE)
)
OF_DASHED_BYTES = _chains(["windash"], ["", *_UTF16], ["", *_BASE64], ["contains"], ["", "cased"])
OF_EXPRESSIONS = _chains(["re"], ["", "i"], ["", "m"], ["", "s"], _LINK) + _chains(["re"], _WHERE[1:], _LINK)
OF_NUMBERS = _chains(["lt", "lte", "gt", "gte"], _LINK)
OF_TIMES = _chains(["minute", "hour", "day", "week", "month", "year"], ["", "lt", "lte", "gt", "gte"], _LINK)
OF_FIELDS = _chains(["fieldref"], _WHERE, ["", "cased"], _LINK) + _chains(["cased"], ["fieldref"], _WHERE)


def one_or_many(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One value, a few, or now and then so many that the engine looks for all of them at once."""
    few = st.lists(values, min_size=1, max_size=3)
    return st.one_of(values, few, few, few, few, few, st.lists(values, min_size=25, max_size=27))


def keyed(
    modifiers: list[str], values: st.SearchStrategy[Any], fields: tuple[str, ...] = FIELDS
) -> st.SearchStrategy[tuple[str, Any]]:
    """An item: field with one of the modifier chains, and values."""
    key = st.builds(lambda field, chain: field + chain, st.sampled_from(fields), st.sampled_from(modifiers))
    return st.tuples(key, one_or_many(values))


EXPANDED = st.builds(
    "{}%{}%{}".format,
    st.sampled_from(["", "a", r"\%"]),
    st.sampled_from(list(PLACEHOLDERS)),
    st.sampled_from(["", "b", "%one%"]),
)
ITEM = st.one_of(
    keyed(_chains(_LINK), st.one_of(SCALAR, st.none())),
    keyed(OF_TEXT, st.one_of(TEXT, TEXT, NUMBER)),
    keyed(OF_DASHES, DASHED),
    keyed(OF_BYTES, PLAIN),
    keyed(OF_DASHED_BYTES, st.sampled_from(["-a", " /b", "x -a"])),
    keyed(OF_EXPRESSIONS, EXPRESSION),
    keyed(_chains(["cidr"], _LINK), NETWORK),
    keyed(OF_NUMBERS, NUMBER),
    keyed(OF_TIMES, TIME_PART),
    keyed(OF_FIELDS, st.sampled_from(FIELDS)),
    keyed(_chains(["", "contains", "startswith", "re"], ["expand"], ["", "all", "neq"]), EXPANDED),
    st.tuples(st.sampled_from(["a|exists", "b|exists", "c|exists|neq"]), st.booleans()),
)
MAP = st.lists(ITEM, min_size=1, max_size=3).map(dict)
WORDS = st.lists(st.one_of(TEXT, PLAIN, st.integers(0, 20)), min_size=1, max_size=3)
KEYWORD = st.one_of(
    PLAIN,
    WORDS,
    st.builds(
        lambda chain, values: {chain: values},
        st.sampled_from(
            [chain for chain in _chains(["", "contains", "startswith", "endswith"], ["", "cased"], _LINK) if chain]
        ),
        st.lists(TEXT, min_size=1, max_size=2),
    ),
    st.builds(
        lambda chain, value: {chain: value}, st.sampled_from(["|windash", "|windash|contains", "|windash|all"]), DASHED
    ),
    st.builds(
        lambda chain, value: {chain: value},
        st.sampled_from(["|base64offset|contains", "|wide|base64|contains", "|wide"]),
        PLAIN,
    ),
    st.builds(
        lambda chain, value: {chain: value},
        st.sampled_from(_chains(["re"], ["", "i"], ["", "m"], ["", "s"])),
        EXPRESSION,
    ),
)
SELECTION = st.one_of(
    MAP,
    MAP,
    MAP,
    st.lists(MAP, min_size=1, max_size=2),
    KEYWORD,
    st.builds(lambda words, item: [*words, item], st.lists(PLAIN, min_size=1, max_size=2), MAP),
)
NAMES = ("s1", "s2", "s3", "_h")
CONDITION = st.recursive(
    st.sampled_from(
        [
            *NAMES,
            "1 of them",
            "any of them",
            "all of them",
            "1 of s*",
            "all of s1*",
            "1 of *2",
            "all of _*",
            "any of s*",
        ]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(" and ".join),
        st.tuples(inner, inner).map(" or ".join),
        inner.map("not {}".format),
        inner.map("({})".format),
        st.tuples(inner, inner).map(lambda two: f"not ({two[0]} or not ({two[1]}))"),
    ),
    max_leaves=5,
)
USES_ALL = "(s1 and s2 and s3 and _h)"  # a selection that no condition names is a fault
DETECTION = st.builds(
    lambda selections, condition, several: dict(zip(NAMES, selections, strict=True))
    | {"condition": [condition, USES_ALL] if several else f"{condition} or {USES_ALL}"},
    st.tuples(SELECTION, SELECTION, SELECTION, SELECTION), CONDITION, st.booleans(),
)  # fmt: skip


# --- Events: mostly what the rule says, changed a little ------------------------------------------------------------------------


def values_of(node: Any) -> list[Any]:
    """Every value that a detection names."""
    if isinstance(node, dict):
        return [value for key, part in node.items() if key != "condition" for value in values_of(part)]
    if isinstance(node, list):
        return [value for part in node for value in values_of(part)]
    return [node]


def _base64(text: str, codec: str = "utf-8") -> str:
    return base64.b64encode(text.encode(codec, "surrogatepass")).decode()


CHANGES = (
    lambda text: text,
    str.upper,
    str.lower,
    str.swapcase,
    lambda text: text.replace("*", "zz").replace("?", "q"),
    lambda text: text.replace("*", "").replace("?", "\n"),
    lambda text: text.replace("\\\\", "\\").replace("\\*", "*").replace("\\?", "?"),
    lambda text: text.replace("-", "/").replace("–", "―"),
    lambda text: text.replace("-", "—"),
    lambda text: text.replace("%one%", "ab").replace("%two%", "1x"),
    lambda text: text[1:],
    lambda text: text[:-1],
    lambda text: f"{text}\n",
    lambda text: f"x{text}",
    lambda text: f"{text}x",
    lambda text: f" {text}Α",
    lambda text: f"\ud800{text}\0",
    lambda text: f"{'-long' * 40}{text}",
    lambda text: f"{text}{'b' * 4_200}",
    lambda text: f"{'ab-' * 30}{text}{'/1' * 30}",
    _base64,
    lambda text: _base64(f"x{text}"),
    lambda text: _base64(f"xy{text}z"),
    lambda text: _base64(text, "utf-16-le"),
    lambda text: _base64(f"x{text}y", "utf-16-be"),
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("latin-1"),
    lambda text: f"a{text.encode('utf-16-be', 'surrogatepass').decode('latin-1')}",
    lambda text: "ÿþ" + text.encode("utf-16-le", "surrogatepass").decode("latin-1"),
)
FREE = st.one_of(
    SCALAR,
    PLAIN,
    ADDRESS,
    TIME,
    st.sampled_from(
        ["", "\0", "\ud800", "1_000", "inf", "nan", "٧", " 7 ", "1e1", "+3", ".5", str(2**53 + 1), "9" * 400]
    ),
    st.sampled_from([[], ["a", "B1"], [1, 2], ["", "-a"], [True], ["10.0.0.1", "x"]]),
)


def events_for(detection: Any) -> st.SearchStrategy[list[tuple[dict[str, Any], str]]]:
    """Events as fields and original text, up to six, with something of the detection in them."""
    said = [value for value in values_of(detection) if value is not None]
    # what an event cannot hold: whole numbers beyond 64 bits come as text
    held = [str(value) if isinstance(value, int) and not -(2**63) <= value < 2**63 else value for value in said]
    changed = st.builds(
        lambda value, change: change(str(value)), st.sampled_from(held or [""]), st.sampled_from(CHANGES)
    )
    value = st.one_of(
        changed, changed, changed, st.sampled_from(held or [""]), FREE, st.lists(changed, min_size=1, max_size=3)
    )
    fields = st.dictionaries(st.sampled_from(FIELDS), value, max_size=3)
    return st.lists(st.tuples(fields, st.one_of(st.just(""), changed, PLAIN)), min_size=1, max_size=6)
