"""Text of XML in, its element out. What comes from the network is hostile: a document type is refused.

So no entity can be declared, expanded or fetched. It cannot hide: the text is decoded before it is looked at, and "<!DOCTYPE" has one
spelling (XML 1.0 §2.8).
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, fromstring
from xml.etree.ElementTree import ParseError as XmlError

from collectors.errors import ParseError
from collectors.parse.format import excerpt


def element_of(text: str) -> Element:
    """The element that a text is. Raises: ParseError."""
    if "<!DOCTYPE" in text:
        raise ParseError("a document type in XML is refused")
    try:
        return fromstring(text.lstrip())  # noqa: S314  no document type, no entities
    except (XmlError, ValueError) as error:
        raise ParseError(f"not XML ({str(error)[:80]}): {excerpt(text)}") from error


def name_of(element: Element) -> str:
    """The tag without its name space."""
    return element.tag.rpartition("}")[2]


def leaves_of(element: Element) -> dict[str, str]:
    """Attributes and texts of children by name, but of those that are empty or have children; the first of those of one name."""
    found = {name.rpartition("}")[2]: value for name, value in element.attrib.items() if value}
    for child in element:
        if child.text and not len(child):
            found.setdefault(name_of(child), child.text)
    return found
