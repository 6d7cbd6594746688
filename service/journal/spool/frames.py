"""How a spool file is laid out: a mark, then frames.

    mark:  SWJ1 | checksum | shipped: up to where      frame:  length | checksum | rows | payload, in MessagePack
    mark | frame: source 0 | frame: record | frame: record | frame: source 1 | frame: record | ...

`rows` is the number of predictions in a frame, 0 for a source. Sources say once a file what the records after them are
of, so that a file can be shipped by a release that no longer knows its model. Its two locks: see `segments`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

import msgspec

HEAD = struct.Struct("<III")
MARK = struct.Struct("<4sIQ")
MAGIC = b"SWJ1"
START = MARK.size

Treatment = Literal["clear", "hash", "omit"]


class SpooledColumn(msgspec.Struct, frozen=True, array_like=True):
    name: str
    type: str
    categories: tuple[str, ...]
    treatment: Treatment
    #: Features of the matrix. New fields stand at the end and have a default, as in `Record`.
    width: int = 1


class Source(msgspec.Struct, frozen=True, array_like=True):
    """What made a prediction, and how its row is to be read."""

    number: int
    model: str
    version: str
    release: str
    arm: str
    columns: tuple[SpooledColumn, ...]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    #: How many of the first outputs can come true; the others are quantiles. 0 of a source from before there were any.
    targets: int = 0


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One answered request: arrays as their bytes, `kind` being the type code of `values`."""

    source: int
    request_id: str
    subject: str | None
    at: float
    latency: float
    matrix: bytes
    kind: str
    values: bytes
    probabilities: bytes | None
    #: The hashes of sensitive columns, one list a column.
    hidden: list[list[str | None]] | None
    #: New fields stand at the end and have a default: releases before and after read each other's spool.
    trace_id: str | None = None


class Frame(NamedTuple):
    """`payload` is None where the bytes are not what was written."""

    start: int
    end: int
    rows: int
    payload: bytes | None


def pack(payload: bytes, rows: int) -> bytes:
    return HEAD.pack(len(payload), zlib.crc32(payload, rows), rows) + payload


def pack_mark(shipped: int) -> bytes:
    return MARK.pack(MAGIC, zlib.crc32(shipped.to_bytes(8, "little")), shipped)


def unpack_mark(data: bytes) -> int:
    """Up to where the file was shipped; its start if in doubt, since shipping twice is harmless."""
    if len(data) < START:
        return START
    magic, checksum, shipped = MARK.unpack_from(data)
    if magic != MAGIC or checksum != zlib.crc32(shipped.to_bytes(8, "little")):
        return START
    return int(shipped)


def walk(data: bytes, origin: int, final: bool) -> Iterator[Frame]:
    """The frames of `data`, which stands at `origin` in its file.

    A growing file may end half written: that is left for later. In a `final` one it is damage.
    """
    position, size = 0, len(data)
    while size - position >= HEAD.size:
        length, checksum, rows = HEAD.unpack_from(data, position)
        end = position + HEAD.size + length
        if not 0 < length or end > size:
            break
        payload: bytes | None = data[position + HEAD.size : end]
        if zlib.crc32(payload or b"", rows) != checksum:
            if end == size and not final:
                return
            payload = None
        yield Frame(origin + position, origin + end, rows, payload)
        position = end
    if final and position < size:
        yield Frame(origin + position, origin + size, 0, None)
