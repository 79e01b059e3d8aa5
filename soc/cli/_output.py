"""Bytes in, a file that is there whole or not at all out; with its size and SHA-256 told."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import click

from soc.cli._shared import print_json
from soc.errors import SocError


def write_whole(output: Path, content: bytes, *, as_json: bool) -> None:
    """Write the file and say so. Raises: SocError; then what was there before still is."""
    partial = output.with_name(output.name + ".partial")
    try:
        partial.write_bytes(content)
        partial.replace(output)
    except OSError as error:
        raise SocError(f"{output} cannot be written: {error.strerror}") from error
    digest = sha256(content).hexdigest()
    if as_json:
        print_json({"path": str(output), "bytes": len(content), "sha256": digest})
    else:
        click.echo(f"{output}: {len(content):,} bytes, SHA-256 {digest}")
