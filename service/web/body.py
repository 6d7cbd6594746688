"""A request's body: bounded, unpacked, in time; its content type, and how many rows it may have."""

from __future__ import annotations

import zlib
from typing import Any

from service.process.arrival import BodyTooLong
from service.process.worker import NoMoreData, ParseException
from service.web.problems import (
    BadRequest,
    NotJson,
    TooLarge,
    TooSlow,
    Unprocessable,
    UnsupportedMediaType,
)
from service.web.sites import from_browser

Environ = dict[str, Any]
_WINDOW = {"gzip": 31, "deflate": 15}


def read_body(environ: Environ, limit: int) -> bytes:
    """The body, unpacked where it is packed."""
    try:
        body = _read_all(environ, limit)
    except BodyTooLong as error:
        raise too_large(limit) from error
    packing = environ.get("HTTP_CONTENT_ENCODING")
    return unpack(body, packing, limit) if packing else body


def _read_all(environ: Environ, limit: int) -> bytes:
    length = environ.get("CONTENT_LENGTH")
    if length:
        size = int(length)
        if size > limit:
            raise too_large(limit)
        body: bytes = environ["wsgi.input"].read(size)
        if len(body) < size:
            raise TooSlow(f"{len(body)} of {size} bytes came in time")
    elif environ.get("wsgi.input_terminated"):
        body = _read_chunks(environ["wsgi.input"], limit + 1)
        if len(body) > limit:
            raise too_large(limit)
    else:
        body = b""
    return body


def _read_chunks(source: Any, size: int) -> bytes:
    try:
        body: bytes = source.read(size)
    except NoMoreData as error:
        raise TooSlow("the last chunk did not come in time") from error
    except ParseException as error:
        raise BadRequest("the body's chunks are not sound HTTP") from error
    return body


def too_large(limit: int) -> TooLarge:
    return TooLarge(f"a body may have up to {limit} bytes")


def unpack(body: bytes, packing: str, limit: int) -> bytes:
    """Bounded: a small body may unpack to a huge one."""
    packing = packing.strip().lower()
    if packing == "identity":
        return body
    if packing not in _WINDOW:
        raise UnsupportedMediaType(
            f"Content-Encoding is {packing[:50]!r}; it may be gzip or deflate"
        )
    unpacker = zlib.decompressobj(_WINDOW[packing])
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise NotJson(f"the body is not {packing}: {error}") from error
    if len(unpacked) > limit:
        raise too_large(limit)
    if not unpacker.eof:
        raise NotJson(f"the body ends before its {packing} does")
    if unpacker.unused_data:
        raise NotJson(f"{len(unpacker.unused_data)} bytes stand behind the end of the {packing}")
    return unpacked


def check_content_type(environ: Environ, *allowed: str) -> None:
    """JSON alone also keeps a browser on another site from sending forms here."""
    content_type = environ.get("CONTENT_TYPE")
    if content_type in allowed:
        return
    if not content_type:
        # Programs leave it out; a page that does sends what no other site has to be asked for.
        if from_browser(environ):
            raise UnsupportedMediaType(
                f"Content-Type is missing; it must be {' or '.join(allowed)}"
            )
    elif type_of(environ) not in allowed:
        raise UnsupportedMediaType(
            f"Content-Type is {content_type[:100]!r}; it must be {' or '.join(allowed)}"
        )


def type_of(environ: Environ) -> str:
    """The content type without its parameters; empty where there is none."""
    content_type: str = environ.get("CONTENT_TYPE") or ""
    return content_type.partition(";")[0].strip().lower()


def check_rows(count: int, limit: int) -> None:
    if not count:
        raise Unprocessable.field("", "no rows", "at least one row")
    check_row_limit(count, limit)


def check_row_limit(count: int, limit: int) -> None:
    """Asked before rows are read one by one: a small body holds millions of bad ones."""
    if count > limit:
        raise too_many_rows(count, limit)


def too_many_rows(count: int, limit: int) -> Unprocessable:
    return Unprocessable.field("", f"{count} rows", f"up to {limit} rows a request")
