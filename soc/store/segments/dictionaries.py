"""Columns of a Parquet row group in, bytes with every text that they have out: only dictionaries are read, not which row has which.

Source of truth: parquet.thrift (PageHeader, in Thrift's compact protocol). Reading a column of a sparse group takes four times as long.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.parquet as pq

_DICTIONARY = 8
"""Encoding RLE_DICTIONARY: a page of numbers of the dictionary's entries."""
_UNCOMPRESSED, _COMPRESSED, _CRC, _DATA_PAGE = 2, 3, 4, 5
_COUNT, _ENCODING = 1, 2
"""Fields of PageHeader and of DataPageHeader."""
_TRUE, _FALSE, _STRUCT = 1, 2, 12
_INTEGERS = (4, 5, 6)

HEADER_BYTES = 128
"""More than the header of a page takes that has no statistics."""

_Header = dict[int, "int | _Header"]


class DamagedPageError(Exception):
    """A page does not read as it was written."""


Place = tuple[int, int, int]
"""Where in a file a dictionary begins, and the first page of its column, and how many values that has."""


def chunks(group: pq.RowGroupMetaData) -> dict[str, Place]:
    """Column -> where its dictionary is; of columns that have one of texts."""
    found = {}
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.physical_type == "BYTE_ARRAY" and chunk.has_dictionary_page:
            name = chunk.path_in_schema.removesuffix(".list.element")
            found[name] = chunk.dictionary_page_offset, chunk.data_page_offset, chunk.num_values
    return found


def dictionaries(data: bytes, places: Iterable[Place]) -> Iterator[bytes | None]:
    """Of each place in a file's bytes the texts of its dictionary, each with its length before it; None where its column has texts besides.

    Raises: DamagedPageError.
    """
    codec = pa.Codec("zstd")
    for at, first, values in places:
        try:
            page, _ = _header(data, first)
            header = page.get(_DATA_PAGE)
            if not isinstance(header, dict) or header.get(_COUNT) != values or header.get(_ENCODING) != _DICTIONARY:
                yield None
                continue
            page, begin = _header(data, at)
            size, length, crc = (page[name] for name in (_UNCOMPRESSED, _COMPRESSED, _CRC))
            packed = data[begin : begin + length]  # type: ignore[operator]
            if zlib.crc32(packed) != crc & 0xFFFFFFFF:  # type: ignore[operator]
                raise DamagedPageError
            found: bytes = codec.decompress(packed, size, asbytes=True)
        except (IndexError, KeyError, TypeError, ValueError, OSError) as error:
            raise DamagedPageError from error
        yield found


def _header(data: bytes, at: int) -> tuple[_Header, int]:
    """A struct that begins `at`, and what follows it."""
    found: _Header = {}
    field = 0
    while head := data[at]:
        at += 1
        kind = head & 15
        if head >> 4:
            field += head >> 4
        else:
            field, at = _number(data, at)
        if kind in _INTEGERS:
            found[field], at = _number(data, at)
        elif kind == _STRUCT:
            found[field], at = _header(data, at)
        elif kind not in (_TRUE, _FALSE):
            raise DamagedPageError
    return found, at + 1


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number that begins `at`, and what follows it."""
    found = shift = 0
    while (byte := data[at]) > 127:
        found |= (byte & 127) << shift
        shift += 7
        at += 1
    found |= byte << shift
    return (found >> 1) ^ -(found & 1), at + 1
