"""What all processes of a service share: a few bytes of memory that a fork inherits."""

from __future__ import annotations

import mmap
import struct
import threading

SLOTS = 512
_NUMBER = struct.Struct("q")


class State:
    """Made once, before the workers are forked. A slot is a worker's place: a successor takes it over."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _NUMBER.size * (SLOTS + 1))
        self._lock = threading.Lock()
        self._place = _NUMBER.size
        self._inflight = 0

    @property
    def draining(self) -> bool:
        return self._memory[0] != 0

    def drain(self) -> None:
        self._memory[0] = 1

    def take_slot(self, slot: int) -> None:
        """Called in a new worker: what its predecessor had in flight is over."""
        self._place = _NUMBER.size * (slot % SLOTS + 1)
        self._inflight = 0
        _NUMBER.pack_into(self._memory, self._place, 0)

    def clear_slot(self, slot: int) -> None:
        """Called in the master: a worker died with what it had in flight."""
        _NUMBER.pack_into(self._memory, _NUMBER.size * (slot % SLOTS + 1), 0)

    def enter(self) -> None:
        with self._lock:
            self._inflight += 1
            _NUMBER.pack_into(self._memory, self._place, self._inflight)

    def leave(self) -> None:
        with self._lock:
            self._inflight -= 1
            _NUMBER.pack_into(self._memory, self._place, self._inflight)

    @property
    def inflight(self) -> int:
        """Requests in flight in all workers."""
        table = _NUMBER.iter_unpack(self._memory[_NUMBER.size :])
        return sum(count for (count,) in table)
