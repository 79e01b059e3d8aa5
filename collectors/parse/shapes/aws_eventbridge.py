"""What EventBridge carries in, the event itself out.

    {"version":"0","id":"6a","detail-type":"AWS API Call via CloudTrail","source":"aws.iam","time":"2026-11-22T03:00:00Z","detail":{...}}

Source of truth: Amazon EventBridge User Guide, "Events reference": what a service says stands below `detail`.
"""

from __future__ import annotations

from collectors.parse.format import Parsed
from collectors.parse.shape import Document, Shape
from collectors.parse.shaped import read_shaped


def _read(document: Document) -> Parsed | None:
    detail = document["detail"]
    return read_shaped(detail) if isinstance(detail, dict) and "detail-type" not in detail else None


SHAPES = (Shape("detail-type source detail", _read),)
