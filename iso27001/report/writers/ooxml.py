"""Parts in, one Office Open XML package out (ECMA-376 part 2), and the escaping of text in it. The same parts give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from xml.sax.saxutils import escape

from iso27001.report.visible import visible

EPOCH = (1980, 1, 1, 0, 0, 0)
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


def text(value: str) -> str:
    """Any text as XML character data: deceiving and control characters are written out, so none is left that XML forbids."""
    return escape(visible(value), {'"': "&quot;"})


def package(parts: Mapping[str, str], content_types: Mapping[str, str]) -> bytes:
    """The package of these parts (name -> XML without its first line), of which these are not plain XML (name -> content type)."""
    types = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in content_types.items())
    all_parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        **parts,
    }
    return zipped({name: (_HEAD + xml).encode() for name, xml in all_parts.items()})


def relations(targets: Mapping[str, str]) -> str:
    """A part of relationships: target -> the last word of its type; ids r1, r2, ... in order."""
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    lines = "".join(
        f'<Relationship Id="r{n}" Type="{kind}/{word}" Target="{target}"/>'
        for n, (target, word) in enumerate(targets.items(), 1)
    )
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{lines}</Relationships>'
    )


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files in their order, without anything of the day or the machine it is made on."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            about = zipfile.ZipInfo(name, EPOCH)
            about.compress_type, about.create_system, about.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(about, content)
    return out.getvalue()
