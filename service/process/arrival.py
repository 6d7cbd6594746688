"""A request while it arrives: how long it is, and whether all of it is there, judged without waiting.

Gunicorn's parser remains the judge of what is sound; this only says when there is nothing more to wait for.
"""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterator
from enum import Enum, auto
from typing import NoReturn

#: The most that is taken from a socket at once, and of a request before its head is judged.
SHORT_REQUEST = 65536
#: The longest head, and the longest end of a body in chunks.
MAX_HEAD = 32768
#: Gunicorn copies what it has of a body for each chunk of it, so it gets no more at once.
PIECE = 16384
_START = re.compile(rb"((?:GET|HEAD|POST) /[!-~]*) HTTP/1\.[01]\r\n").match
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n").findall
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked[ \t]*\r\n").search
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]*)?").fullmatch


class HeadTooLong(Exception):
    """Refused before an application sees it."""


class TooManyLongRequests(Exception):
    """Refused before an application sees it, as one of many."""


class BodyTooLong(Exception):
    """Raised where a body is read, of which more has come than it may have."""


class BodyNotHere(BaseException):
    """Raised where a body is read that has not arrived. For the worker alone: no handler of errors may answer it."""


class AbsentBody:
    """Stands for a body that is not there: who can answer without it does so at once."""

    def __init__(self, reason: BaseException):
        self._reason = reason

    def read(self, _size: int | None = None) -> NoReturn:
        raise self._reason


class Framing(Enum):
    CHUNKED = auto()
    #: None that can be foretold; the parser will refuse it.
    UNKNOWN = auto()


class Stage(Enum):
    """`ENDLESS`: waiting for more would be of no use."""

    MORE = auto()
    WHOLE = auto()
    ENDLESS = auto()


def receive(client: socket.socket) -> bytes:
    """What has come, in up to eight pieces; nothing at the end of the connection.

    More than one piece, because most long requests are there as a whole, and need not be judged by their heads.
    """
    pieces: list[bytes] = []
    with contextlib.suppress(OSError):
        while len(pieces) < 8:
            pieces.append(client.recv(SHORT_REQUEST))
            if len(pieces[-1]) < SHORT_REQUEST:
                break
    return b"".join(pieces)


def framing_of(head: bytes) -> int | Framing:
    """How many bytes of body follow a head."""
    head = head.lower()
    count = head.count(b"\r\ncontent-length")
    if b"\r\ntransfer-encoding" in head:
        sound = not count and head.count(b"\r\ntransfer-encoding") == 1 and _CHUNKED(head)
        return Framing.CHUNKED if sound else Framing.UNKNOWN
    if not count:
        return 0
    lengths = _LENGTH(head)
    return int(lengths[0]) if count == len(lengths) == 1 else Framing.UNKNOWN


def size_of(data: bytes) -> int | None:
    """The length of the request that begins with these bytes; None where they hold no head that tells it."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return None
    length = framing_of(data[:end])
    return end + length if isinstance(length, int) else None


def line_of(data: bytes) -> str:
    """Method and target, such as `POST /x`, of a short request where they are plain; else nothing."""
    start = _START(data) if len(data) <= SHORT_REQUEST else None
    return start[1].decode("ascii") if start else ""


def parser_pieces(request: bytes) -> Iterator[bytes]:
    """What the parser is given one after the other."""
    if len(request) <= PIECE:
        return iter((request,))
    return (request[place : place + PIECE] for place in range(0, len(request), PIECE))


class Arrival:
    """One request while it comes. Each byte is looked at once, however small the pieces are."""

    def __init__(self, data: bytes | bytearray = b"") -> None:
        self.data = bytearray(data)
        #: The head's length, once it is there; whether its sender waits for a word before the body.
        self.head, self.expects = 0, False
        #: Whether somebody judged the head, and found it good.
        self.admitted = False
        #: The whole request's length; 0: not known yet.
        self.size = 0
        #: How much the chunks hold.
        self.content = 0
        self._framing: int | Framing = 0
        #: Where the next chunk begins, where the search goes on, and where the last chunk's line ends.
        self._place = self._searched = self._last = 0

    def stage(self) -> Stage:
        """How far it is, with what has come until now."""
        if not self.head and not self._find_head():
            return Stage.ENDLESS if len(self.data) > MAX_HEAD else Stage.MORE
        if self._framing is Framing.UNKNOWN:
            return Stage.ENDLESS
        if self._framing is Framing.CHUNKED and not self.size:
            return self._follow_chunks()
        return Stage.WHOLE if len(self.data) >= self.size else Stage.MORE

    @property
    def is_long(self) -> bool:
        return max(self.size, len(self.data)) > SHORT_REQUEST

    def exceeds(self, max_body: int) -> bool:
        """Whether its chunks hold more than a body may, or are of no size at all."""
        return self.content > max_body or len(self.data) > 2 * max_body + SHORT_REQUEST

    def take(self) -> bytes:
        """The request, or as much of it as has come; what stands behind it remains for the next."""
        size = self.size or len(self.data)
        request = bytes(self.data[:size])
        del self.data[:size]
        return request

    def rest(self) -> Arrival | None:
        """What of the next request has come already."""
        return Arrival(self.data) if self.data else None

    def _find_head(self) -> bool:
        end = self.data.find(b"\r\n\r\n", max(0, self._searched - 3)) + 4
        self._searched = len(self.data)
        if end < 4:
            return False
        head = bytes(self.data[:end])
        # A client of HTTP/1.0 waits for no word, and would take it for the answer.
        is_new = head.partition(b"\r\n")[0].endswith(b" HTTP/1.1")
        self.head, self.expects = end, is_new and b"\r\nexpect:" in head.lower()
        self._framing = framing_of(head)
        if isinstance(self._framing, int):
            self.size = end + self._framing
        self._place = self._searched = end
        return True

    def _follow_chunks(self) -> Stage:
        while not self._last:
            end = self.data.find(b"\r\n", max(self._place, self._searched - 1))
            if end < 0:
                self._searched = len(self.data)
                return self._unless_longer(self._searched - self._place)
            chunk = _CHUNK(bytes(self.data[self._place : end]))
            if chunk is None:
                return Stage.ENDLESS
            size = int(chunk[1], 16)
            if not size:
                self._last = self._searched = end
                break
            self.content += size
            self._place = self._searched = end + 2 + size + 2
        return self._find_end()

    def _find_end(self) -> Stage:
        """Behind the last chunk come trailers, or none, and an empty line."""
        end = self.data.find(b"\r\n\r\n", max(self._last, self._searched - 3)) + 4
        self._searched = len(self.data)
        if end < 4:
            return self._unless_longer(self._searched - self._last)
        self.size = end
        return Stage.WHOLE

    def _unless_longer(self, length: int) -> Stage:
        return Stage.ENDLESS if length > MAX_HEAD else Stage.MORE
