"""`soc-verify PACK --key ledger.pub`: the program of an auditor. Exit code 0: sound; 1: something is wrong; 2: cannot be checked at all."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from iso27001.errors import IsoError, PackError
from iso27001.verifier.notes import PublicKey
from iso27001.verifier.pack import verify_pack
from iso27001.verifier.timestamp import trusted
from iso27001.verifier.verdict import Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Check a pack and say what was found."""
    options = _parser().parse_args(arguments)
    try:
        verdict = verify_pack(
            options.pack,
            PublicKey.load(options.key),
            anchors=[_text(path) for path in options.anchor],
            printed=[_printed(text) for text in options.printed],
            authority=trusted(options.authority) if options.authority else None,
        )
    except IsoError as error:
        print(f"soc-verify: {error}", file=sys.stderr)  # noqa: T201
        return 2
    shown = json.dumps(as_json(verdict), indent=2, sort_keys=True) if options.json else "\n".join(verdict.lines())
    print(shown)  # noqa: T201
    return 0 if verdict.sound else 1


def as_json(verdict: Verdict) -> dict[str, object]:
    """The verdict as JSON values."""
    return {
        "sound": verdict.sound,
        "integrity": verdict.integrity.value,
        "completeness": verdict.completeness.value,
        "entries": verdict.size,
        "disclosed": verdict.disclosed,
        "root": verdict.root.hex(),
        "signed": verdict.signed,
        "anchored": verdict.anchored,
        "stamped": None if verdict.stamped is None else verdict.stamped.isoformat(),
        "heads": verdict.heads,
        "origin": verdict.origin,
        "key": verdict.key,
        "checked": dict(verdict.checked),
        "faults": [{"kind": fault.kind.value, "text": fault.text, "seq": fault.seq} for fault in verdict.faults],
        "faults_not_listed": verdict.more,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("soc-verify", description="Check an evidence pack, offline.")
    parser.add_argument("pack", type=Path, metavar="PACK")
    parser.add_argument(
        "--key", type=Path, required=True, help="The ledger's public key (PEM), got by another way than the pack."
    )
    parser.add_argument(
        "--anchor", type=Path, action="append", default=[], help="A file of signed heads that was kept elsewhere."
    )
    parser.add_argument(
        "--printed",
        action="append",
        default=[],
        metavar="SIZE:ROOT",
        help="A root that stands in a printed report (hex).",
    )
    parser.add_argument(
        "--authority", type=Path, help="The certificate (PEM) of the time stamping authority to believe."
    )
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    return parser


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error}") from error


def _printed(text: str) -> tuple[int, bytes]:
    match = re.fullmatch(r"(\d{1,18}):([0-9a-fA-F]{64})", text)
    if match is None:
        raise PackError(f'"{text[:80]}" is no printed root: SIZE:ROOT with 64 hex digits is expected')
    return int(match[1]), bytes.fromhex(match[2])


if __name__ == "__main__":
    sys.exit(main())
