"""What is said of a request while it arrives, and of how long it takes, without a server."""

from __future__ import annotations

import pytest
from gunicorn.config import Config
from gunicorn.http import get_parser
from gunicorn.http.errors import ParseException
from hypothesis import given, settings
from hypothesis import strategies as st

from service.process.arrival import MAX_HEAD, Arrival, Stage, line_of, size_of
from service.process.pace import QUICK_SECONDS, Pace

HEADERS = [
    b"Host: x",
    b"Content-Length: 5",
    b"content-length:5",
    b"Content-Length: 3",
    b"Content-Length: +5",
    b"Content-Length: 5, 5",
    b"Content-Length : 5",
    b"X-Content-Length: 5",
    b"X: \r\nContent-Length: 9",
    b"X: a\r\n Content-Length: 9",
    b"X: a\nContent-Length: 9",
    b"Transfer-Encoding: chunked",
    b"transfer-encoding : chunked",
    b"Transfer-Encoding: identity",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"Connection: close",
    b"X: \xff",
]
STARTS = [b"POST /p HTTP/1.1", b"POST /p HTTP/1.0", b"GET /p HTTP/1.1", b"POST http://x/p HTTP/1.1"]
BODIES = [
    b"",
    b"12345",
    b"123",
    b"123456789",
    b"5\r\n12345\r\n0\r\n\r\n",
    b"12345POST /p HTTP/1.1\r\n",
]


class Dry:
    """A socket of which nothing may be read."""

    def recv(self, _size: int) -> bytes:
        raise AssertionError("the parser would have waited")


def arrived(data: bytes, step: int = 1) -> Arrival:
    """What has come, after it came in pieces, until there is nothing more to wait for."""
    arrival = Arrival()
    for place in range(0, len(data), step):
        arrival.data += data[place : place + step]
        if arrival.stage() is not Stage.MORE:
            break
    return arrival


@settings(deadline=None)
@given(
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(HEADERS), max_size=4),
    st.sampled_from(BODIES),
    st.integers(1, 30),
)
def test_the_parser_reads_just_what_was_said_to_be_the_whole(
    start: bytes, headers: list[bytes], body: bytes, step: int
) -> None:
    data = b"\r\n".join([start, *headers, b"", body])
    arrival = arrived(data, step)
    if arrival.stage() is not Stage.WHOLE:
        return
    assert arrival.size == size_of(data) or b"hunked" in data
    data = arrival.take()
    parser = get_parser(Config(), Dry(), ("127.0.0.1", 1))
    parser.unreader.unread(data)
    try:
        request = next(parser)
        while request.body.read(1024):
            pass
    except ParseException:
        return
    assert line_of(data) in ("", f"{request.method} {request.uri}")
    assert parser.unreader.take_buffered() == b""


@pytest.mark.parametrize("body", [b"", b"12345"])
def test_a_plain_post_is_whole_when_all_of_it_is_there(body: bytes) -> None:
    data = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    assert (size_of(data), line_of(data)) == (len(data), "POST /p")
    stages = [Arrival(data[:there]).stage() for there in range(len(data) + 1)]
    assert stages == [Stage.MORE] * len(data) + [Stage.WHOLE]


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"0;a=b\r\nX: y\r\n\r\n"])
def test_a_body_in_chunks_ends_where_the_last_one_does(end: bytes) -> None:
    data = b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\nA;x\r\n0123456789\r\n"
    for step in (1, 2, 3, 999):
        arrival = arrived(data + end + b"GET ", step)
        assert (arrival.stage(), arrival.take()) == (Stage.WHOLE, data + end)
        assert arrival.content == 15


@pytest.mark.parametrize(
    "data",
    [
        b"POST /p HTTP/1.1\r\nX: " + b"a" * MAX_HEAD,
        b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /p HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"a" * MAX_HEAD,
        b"POST /p HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /p HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    ],
)
def test_what_has_no_end_in_sight_is_not_waited_for(data: bytes) -> None:
    assert Arrival(data).stage() is Stage.ENDLESS


def test_what_takes_long_goes_to_the_threads_and_is_tried_again() -> None:
    pace = Pace()
    assert pace.allows("/slow")
    for _ in range(20):
        pace.record("/slow", 2 * QUICK_SECONDS)
        pace.record("/quick", QUICK_SECONDS / 2)
    assert not pace.allows("/slow") and pace.allows("/quick")
    assert any(pace.allows("/slow") for _ in range(100))


@pytest.mark.parametrize(("version", "expects"), [(b"1.1", True), (b"1.0", False)])
def test_a_client_of_http_1_0_waits_for_no_word(version: bytes, expects: bool) -> None:
    head = b"POST /p HTTP/%b\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n" % version
    assert arrived(head, len(head)).expects is expects
