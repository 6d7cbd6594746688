"""Memory that all processes share stays shared, and what the start alone needed is given back."""

from __future__ import annotations

import ctypes
import gc

#: glibc's name for "at most so many pools": each thread would have one, and keep what it held.
M_ARENA_MAX = -8


def settle() -> None:
    """Called once, when all is loaded and before anything is forked."""
    gc.collect()
    # Frozen: no collection writes to what is loaded by now, so none copies it into a worker.
    gc.freeze()
    # What a request makes is freed by its reference counts; looking for cycles seldom is enough.
    gc.set_threshold(20_000, 20, 50)
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # another C library: it has its own ways
    libc.mallopt(M_ARENA_MAX, 2)
    libc.malloc_trim(0)
