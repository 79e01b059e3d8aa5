"""Columns of a Parquet row group in, bytes with every text that they have out: only dictionaries are read, not which row has which.

Source of truth: parquet.thrift (PageHeader, in Thrift's compact protocol). Reading a column of a sparse group takes four times as long.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from struct import Struct

import pyarrow as pa
import pyarrow.parquet as pq

_NUMBER = rb"([\x80-\xff]*[\x00-\x7f])"
_SIZES = rb"\x15" + _NUMBER + rb"\x15" + _NUMBER + rb"\x15" + _NUMBER
"""Uncompressed and compressed size, CRC-32."""
_DICTIONARY_PAGE = re.compile(
    rb"\x15\x04" + _SIZES + rb"\x3c\x15" + _NUMBER + rb"\x15" + _NUMBER + rb"[\x11\x12]?\x00\x00"
)
_NUMBERS_PAGE = re.compile(rb"\x15\x00" + _SIZES + rb"\x1c\x15" + _NUMBER + rb"\x15\x10")
"""How a page begins that has, of each value, the number of its entry in the dictionary (encoding RLE_DICTIONARY)."""

HEADER_BYTES = 128
"""More than the header of a page takes that has no statistics."""

_LENGTH = Struct("<I")


class DamagedPageError(Exception):
    """A page does not read as it was written."""


Place = tuple[int, int, int]
"""Where in a file a dictionary begins, and the first page of its column, and how many values that has."""


def chunks(group: pq.RowGroupMetaData) -> dict[str, Place | None]:
    """Column of texts or bytes -> where its dictionary is; None where it has none."""
    found: dict[str, Place | None] = {}
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.physical_type == "BYTE_ARRAY":
            place = chunk.dictionary_page_offset, chunk.data_page_offset, chunk.num_values
            found[chunk.path_in_schema.removesuffix(".list.element")] = place if chunk.has_dictionary_page else None
    return found


def dictionaries(data: bytes, places: Iterable[Place]) -> Iterator[bytes | None]:
    """Of each place in a file's bytes the texts of its dictionary, each with its length before it (`texts_of`); None where its column has
    texts besides. Raises: DamagedPageError."""
    codec = pa.Codec("zstd")
    for at, first, values in places:
        page = _NUMBERS_PAGE.match(data, first)
        if page is None or _number(page[4]) != values:
            yield None
            continue
        page = _DICTIONARY_PAGE.match(data, at)
        if page is None:
            raise DamagedPageError
        packed = data[page.end() : page.end() + _number(page[2])]
        if zlib.crc32(packed) != _number(page[3]) & 0xFFFFFFFF:
            raise DamagedPageError
        try:
            found: bytes = codec.decompress(packed, _number(page[1]), asbytes=True)
        except (ValueError, OSError) as error:
            raise DamagedPageError from error
        yield found


def texts_of(dictionary: bytes) -> list[str]:
    """The texts of a dictionary (PLAIN encoding of byte arrays)."""
    found: list[str] = []
    at, length = 0, _LENGTH.unpack_from
    while at < len(dictionary):
        start = at + 4
        at = start + length(dictionary, at)[0]
        found.append(dictionary[start:at].decode())
    return found


def _number(spelled: bytes) -> int:
    """A number as Thrift spells it: seven bits a byte, the lowest first, zigzag."""
    found = 0
    for byte in reversed(spelled):
        found = found << 7 | byte & 127
    return (found >> 1) ^ -(found & 1)
