"""A journal whose oldest files were dropped."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from collectors.journal import JournalConfig, open_journal, open_reader
from collectors.journal.local import LocalJournal
from collectors.journal.reader import LocalReader

from .events import event, letter, mark


def test_what_is_dropped_is_gone_and_the_rest_reads_as_before_also_for_a_reader_that_was_open(
    tmp_path: Path,
) -> None:
    config = JournalConfig(tmp_path / "journal", segment_bytes=1_000)
    with closing(open_journal(config)) as journal, closing(open_reader(config)) as reader:
        for n in range(20):
            journal.append([event(n)], {"s": mark(n)}, [letter(n)])
        assert isinstance(journal, LocalJournal)
        assert isinstance(reader, LocalReader)
        assert (reader.start(), reader.dead_start(), reader.end()) == (0, 0, 20)
        files = journal.closed()
        kept = files[len(files) // 2].events[0]
        journal.drop(kept + 1)  # amid a file, which stays
        for each in (journal, reader):
            assert each.start() == each.dead_start() == kept
            assert each.read(kept, 100) == ([event(n) for n in range(kept, 20)], 20)
            assert each.dead_letters(kept, 100) == ([letter(n) for n in range(kept, 20)], 20)
            assert each.marks() == {"s": mark(19)}
        journal.drop(1 << 40)
        assert journal.closed() == []
        assert journal.append([event(20)], {}, []) == 21
    with closing(open_journal(config)) as journal:
        assert journal.end() == 21
        assert journal.marks() == {"s": mark(19)}
