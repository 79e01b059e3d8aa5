"""An independent Sigma matcher: one detection, one event, straight from the YAML, following the specification (2.1) line by line.

Deliberately plain and slow, and no code shared with soc.detect.sigma: where the two differ, one of them is wrong.
"""

from __future__ import annotations

import base64
import fnmatch
import ipaddress
import itertools
import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

MISSING = object()
ANCHORS = {"contains", "startswith", "endswith"}


def matches(detection: dict, fields: dict, original: str = "", placeholders: dict | None = None) -> bool:
    """Whether a detection section (selections and condition) matches an event; `placeholders`: name -> values, for `expand`."""
    detection = _filled(detection, placeholders or {})
    selections = {name: value for name, value in detection.items() if name != "condition"}
    conditions = detection["condition"]
    conditions = conditions if isinstance(conditions, list) else [conditions]
    # "The condition can be a list ... They are logically linked with OR."
    return any(_condition(text, selections, fields, original) for text in conditions)


def _filled(node, placeholders, *, expand=False, regex=False):
    """The detection with the placeholders of `expand` in its values filled in: "multiple or-linked values"."""
    if isinstance(node, dict):
        filled = {}
        for key, value in node.items():
            words = str(key).split("|")[1:]
            # one value of a list may become several of which any counts, so a list that must hold as a whole is a list of lists
            filled[key] = _filled(value, placeholders, expand="expand" in words, regex="re" in words)
        return filled
    if isinstance(node, list):
        return [_filled(each, placeholders, expand=expand, regex=regex) for each in node]
    if not expand or not isinstance(node, str):
        return node
    parts = re.split(r"(?<!\\)%(\w+)%", node)
    names = [placeholders.get(name, []) for name in parts[1::2]]
    quoted = [[re.escape(v) for v in values] if regex else values for values in names]
    return AnyOf(
        "".join(itertools.chain.from_iterable(itertools.zip_longest(parts[::2], chosen, fillvalue=""))).replace(
            "\\%", "%"
        )
        for chosen in itertools.product(*quoted)
    )


class AnyOf(tuple):
    """What one value became: any of these."""

    __slots__ = ()


# --- Condition: or binds least, then and, then not, then x of, then brackets ---------------------------------------------------


def _condition(text, selections, fields, original):
    words = re.findall(r"\(|\)|[^\s()]+", text)

    def or_():
        value = and_()
        while words and words[0] == "or":
            words.pop(0)
            other = and_()
            value = value or other
        return value

    def and_():
        value = not_()
        while words and words[0] == "and":
            words.pop(0)
            other = not_()
            value = value and other
        return value

    def not_():
        if words[0] == "not":
            words.pop(0)
            return not not_()
        return atom()

    def atom():
        word = words.pop(0)
        if word == "(":
            value = or_()
            assert words.pop(0) == ")"
            return value
        if words and words[0] == "of":
            words.pop(0)
            pattern = words.pop(0)
            # "across all defined search identifiers not starting with an underscore"
            names = [
                n
                for n in selections
                if pattern == "them" or fnmatch.fnmatchcase(n, pattern.replace("[", "[[]").replace("?", "[?]"))
            ]
            names = [n for n in names if not n.startswith("_") or (pattern.startswith("_") and pattern != "them")]
            results = [_selection(selections[n], fields, original) for n in names]
            return all(results) if word == "all" else any(results)
        return _selection(selections[word], fields, original)

    value = or_()
    assert not words, words
    return value


# --- Selections: maps are AND, lists are OR ------------------------------------------------------------------------------------


def _selection(definition, fields, original):
    if isinstance(definition, dict):
        return all(_item(key, value, fields, original) for key, value in definition.items())
    if isinstance(definition, list):
        return any(_selection(part, fields, original) for part in definition)
    return _item("", definition, fields, original)


def _item(key, value, fields, original):
    field, *modifiers = key.split("|")
    values = value if isinstance(value, list) else [value]
    link = all if "all" in modifiers else any
    if field:
        actual = fields.get(field, MISSING)
        result = link(_value(actual, v, modifiers, fields) for v in values)
    else:
        everything = [original]
        for held in fields.values():
            everything += [h for h in (held if isinstance(held, list) else [held]) if isinstance(h, str)]
        # "strings that are applied to the full log message"
        anchored = {"startswith", "endswith", "re"} & set(modifiers)
        modifiers = modifiers if anchored else [*modifiers, "contains"]
        result = link(any(_value(text, v, modifiers, fields) for text in everything) for v in values)
    return not result if "neq" in modifiers else result


def _value(actual, wanted, modifiers, fields):
    """Whether what the field holds (MISSING, one value, or a list of which any counts) matches one value of the rule."""
    if isinstance(wanted, AnyOf):
        return any(_value(actual, each, modifiers, fields) for each in wanted)
    elements = actual if isinstance(actual, list) else [] if actual is MISSING or actual is None else [actual]
    if "exists" in modifiers:
        return bool(elements) == wanted
    if wanted is None:
        return not elements
    return any(_element(element, wanted, modifiers, fields) for element in elements)


def _element(actual, wanted, modifiers, fields):
    text = _text(actual)
    fold = _same if "cased" in modifiers else _folded
    comparisons = {
        "lt": lambda a, b: a < b,
        "lte": lambda a, b: a <= b,
        "gt": lambda a, b: a > b,
        "gte": lambda a, b: a >= b,
    }
    parts = {
        "minute": lambda t: t.minute,
        "hour": lambda t: t.hour,
        "day": lambda t: t.day,
        "week": lambda t: t.isocalendar()[1],
        "month": lambda t: t.month,
        "year": lambda t: t.year,
    }
    part = next((m for m in modifiers if m in parts), None)
    comparison = next((m for m in modifiers if m in comparisons), None)
    if part:
        try:
            number = parts[part](datetime.fromisoformat(actual.strip()))
        except (ValueError, AttributeError):  # no date; a number is none either
            return False
        return comparisons[comparison](number, wanted) if comparison else number == wanted
    if comparison:
        if isinstance(actual, bool) or not re.fullmatch(
            r"\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*", text
        ):
            return False
        return comparisons[comparison](Fraction(Decimal(text.strip())), Fraction(wanted))
    if "cidr" in modifiers:
        return isinstance(actual, str) and _within(actual, wanted)
    if "re" in modifiers:
        flags = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}
        value = 0
        for m in modifiers:
            value |= flags.get(m, 0)
        # flags of the whole expression stand at its start, where Python wants them before anything else
        own = re.match(r"\(\?[ims]+\)", wanted)
        wanted = wanted[own.end() :] if own else wanted
        for letter in own[0][2:-1] if own else "":
            value |= flags[letter]
        # "the supported flavor is PCRE", where classes and word boundaries are those of ASCII
        ascii_only = re.sub(r"\\\\|\\([dDwWsSbB])", lambda m: f"(?a:{m[0]})" if m[1] else m[0], wanted)
        inside = "contains" in modifiers
        before = r"\A" if "startswith" in modifiers and not inside and "endswith" not in modifiers else ""
        after = r"\Z" if "endswith" in modifiers and not inside and "startswith" not in modifiers else ""
        return re.search(f"{before}(?:{ascii_only}){after}", text, value) is not None
    if "fieldref" in modifiers:
        other = fields.get(wanted)
        others = [fold(_text(o)) for o in (other if isinstance(other, list) else [other]) if o is not None]
        mine = fold(text)
        begins, ends = "startswith" in modifiers, "endswith" in modifiers
        if "contains" in modifiers or (begins and ends):
            return any(o in mine for o in others)
        return any(mine.startswith(o) if begins else mine.endswith(o) if ends else mine == o for o in others)
    if isinstance(wanted, bool):
        return text.lower() == _text(wanted)
    if isinstance(wanted, int | float) and not {"cased", *ANCHORS} & set(modifiers):
        if isinstance(actual, int | float) and not isinstance(actual, bool):
            return actual == wanted
        return fold(text) == fold(_text(wanted))
    return any(_string(text, expanded, modifiers) for expanded in _expand(_tokens(wanted), modifiers))


def _text(value):
    """A value as text: numbers and booleans as JSON writes them."""
    return (
        value
        if isinstance(value, str)
        else {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else str(value)
    )


def _folded(text):
    """Case-insensitive: equal in lower case, and a sigma is a sigma wherever in a word it stands."""
    return text.lower().replace("ς", "σ")


def _same(text):
    return text


def _within(text, network):
    """An address in a network; one of IPv4 in IPv6's clothes (::ffff:0:0/96) is of IPv4, and a URL's brackets are not part of it."""
    try:
        address, network = ipaddress.ip_address(text.strip("[]")), ipaddress.ip_network(network)
    except ValueError:
        return False
    if network.version == 6 and network.subnet_of(ipaddress.ip_network("::ffff:0:0/96")):
        network = ipaddress.ip_network((int(network.network_address) % 2**32, network.prefixlen - 96))
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address in network


# --- Strings: wildcards, escapes, and what modifiers make of them --------------------------------------------------------------


def _tokens(wanted):
    """The characters of a value; wildcards as ("*",) and ("?",). "The backslash character is used for escaping of wildcards"."""
    text, out, i = str(wanted), [], 0
    while i < len(text):
        c = text[i]
        if c == "\\" and i + 1 < len(text) and text[i + 1] in "*?\\":
            out.append(text[i + 1])
            i += 2
        else:
            out.append((c,) if c in "*?" else c)
            i += 1
    return out


def _expand(tokens, modifiers):
    """Transformation modifiers in their order; each value may become several, of which any counts. Bytes are shown as Latin-1."""
    values, encoded = [tokens], False
    for modifier in modifiers:
        if modifier == "windash":
            values = [v for value in values for v in _windash(value)]
        elif modifier in ("wide", "utf16le", "utf16be", "utf16"):
            codec = "utf-16-be" if modifier == "utf16be" else "utf-16-le"
            mark = ["ÿþ"] if modifier == "utf16" else []
            values = [
                mark + [t if isinstance(t, tuple) else t.encode(codec).decode("latin-1") for t in value]
                for value in values
            ]
            encoded = True
        elif modifier in ("base64", "base64offset"):
            data = ["".join(value).encode("latin-1" if encoded else "utf-8") for value in values]
            if modifier == "base64":
                values = [list(base64.b64encode(each).decode()) for each in data]
            else:
                values = [list(v) for each in data for v in _base64offset(each)]
    return values


def _windash(value):
    """Every dash that begins a word, in each of its five forms."""
    plain = "".join(c if isinstance(c, str) else "\0" for c in value)
    places = [m.start() for m in re.finditer(r"(?<!\w)[-/–—―](?=\w)", plain)]
    for forms in itertools.product("-/–—―", repeat=len(places)):
        spelled = list(value)
        for place, form in zip(places, forms, strict=True):
            spelled[place] = form
        yield spelled


def _base64offset(data):
    """What stays the same whatever stands before and after: found by trying neighbours, not by a table."""
    for offset in range(3):
        variants = {
            base64.b64encode(bytes([a]) * offset + data + bytes([b]) * n).decode()
            for a in (0, 255)
            for b in (0, 255)
            for n in range(3)
        }
        shortest = min(map(len, variants))
        same = [i for i in range(shortest) if len({v[i] for v in variants}) == 1]
        # the run of unchanging characters that begins where the value's own bits begin
        start = {0: 0, 1: 2, 2: 3}[offset]
        end = start
        while end in same:
            end += 1
        yield min(variants, key=len)[start:end]


def _string(text, tokens, modifiers):
    star, fold = ("*",), _same if "cased" in modifiers else _folded
    if "contains" in modifiers or "endswith" in modifiers:
        tokens = [star, *tokens]
    if "contains" in modifiers or "startswith" in modifiers:
        tokens = [*tokens, star]
    pieces = [[]]  # between the stars
    for token in tokens:
        if token == star:
            pieces.append([])
        else:
            pieces[-1].append("." if isinstance(token, tuple) else re.escape(fold(token)))
    first, *middle = ["".join(piece) for piece in pieces]
    last = [f".*{middle.pop()}"] if middle else []
    # the earliest place of each piece leaves most room for those after it: no need to try another ("(?>")
    pattern = "".join([first, *[f"(?>.*?{piece})" for piece in middle], *last])
    return re.fullmatch(pattern, fold(text), re.DOTALL) is not None
