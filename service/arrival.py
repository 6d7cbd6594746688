"""What has come of a request, judged without waiting: whether more will, and whether it is a plain POST.

Gunicorn's parser remains the judge of what is sound; this only says that it will not wait.
"""

from __future__ import annotations

import re

#: The most that is gathered of a request, and of its head. A longer one is read by a thread.
MOST = 65536
MOST_HEAD = 16384
_START = re.compile(rb"POST (/[!-~]*) HTTP/1\.1\r\n").match
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,8})\r\n").findall
#: Whose end cannot be foretold, or who wait for a word before they go on.
_FOR_THREADS = (b"\r\ntransfer-encoding", b"\r\nexpect:", b"\r\nupgrade:")


def size_of(data: bytes) -> int | None:
    """How long the request is, at least, that begins with these bytes; None: a thread has to see."""
    end = data.find(b"\r\n\r\n") + 4
    if end < 4:
        return len(data) + 1 if len(data) < MOST_HEAD else None
    head = data[:end].lower()
    if any(name in head for name in _FOR_THREADS):
        return None
    count = head.count(b"\r\ncontent-length")
    if not count:
        return end
    lengths = _LENGTH(head)
    if count > 1 or not lengths:
        return None
    size = end + int(lengths[0])
    return size if size <= MOST else None


def target_of(data: bytes) -> str | None:
    """The target, if this is one plain POST; `size_of` has said that it is whole."""
    start = _START(data)
    return start[1].decode("ascii") if start else None
