"""A report tells of each incident which legal notices were due, and which were sent in time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iso27001.catalogue import load
from iso27001.language import Language
from iso27001.report.kinds import compose
from iso27001.report.model import NoticeLine
from iso27001.report.writers import Format, write
from tests.iso27001.material import DAY, SINCE, month


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.ENGLISH, ("Legal notices", "sent late", "not sent", "The legal data has no answer: no rule on 2016")),
        (Language.VIETNAMESE, ("Báo cáo theo luật định", "gửi trễ hạn", "chưa gửi", "Mức độ và nhóm")),
    ],
)
def test_notices_stand_at_their_incident_with_their_timeliness(
    tmp_path: Path, language: Language, said: tuple[str, ...]
) -> None:
    report = month(tmp_path)
    late = NoticeLine("report", "NĐ 331/2026, Đ31.2.d", "A05 <b>", SINCE + DAY, SINCE + 2 * DAY, "sent-late")
    missing = NoticeLine("initial", "NĐ 331/2026, Đ31.2.d", "A05", SINCE + DAY, None, "overdue")
    hit = replace(
        report.incidents[0], severity="M2", group="N4", notices=(late, missing), gaps=("no rule on 2016-01-01",)
    )
    document = compose(replace(report, incidents=(hit,)), load(), language)
    page = write(document, Format.HTML).decode()
    assert all(text in page for text in said)
    assert "A05 &lt;b&gt;" in page
    assert "M2 N4" in page
    assert hit.id in {each.id for each in replace(report, incidents=(hit,)).incidents_of("A.8.15")}
