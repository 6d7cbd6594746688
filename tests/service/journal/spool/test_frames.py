"""Frames and marks: whatever bytes a file holds, its reader gets to the end."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from service.journal.spool.frames import START, pack, pack_mark, unpack_mark, walk


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever is in a file, each byte is in one frame at most, and the end is reached."""
    for final in (True, False):
        frames = list(walk(data, START, final))
        assert all(one.end == two.start for one, two in zip(frames, frames[1:], strict=False))
        assert not (final and data) or frames[-1].end == START + len(data)


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(0, 20))
def test_frames_are_read_up_to_a_cut(payloads: list[bytes], cut: int) -> None:
    data = b"".join(pack(payload, 1) for payload in payloads)
    read = [frame.payload for frame in walk(data[: len(data) - cut], 0, False)]
    assert read == payloads[: len(read)]
    assert len(read) >= len(payloads) - cut


@settings(deadline=None)
@given(st.integers(START, 2**63))
def test_a_mark_is_read_as_it_was_written(position: int) -> None:
    assert unpack_mark(pack_mark(position)) == position
