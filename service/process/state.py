"""What all processes of a service share: a little memory that a fork inherits."""

from __future__ import annotations

import mmap
import struct
import threading

_HEAD = 8
_PLACE = struct.Struct("qq")
_NUMBER = struct.Struct("q")
_ABSENT = -1


class State:
    """Made once, before the workers are forked. A successor takes over its predecessor's slot.

    A slot holds a worker's requests in flight and open connections, -1 while there is none.
    """

    def __init__(self, slots: int = 512) -> None:
        self._memory = mmap.mmap(-1, _HEAD + _PLACE.size * slots)
        self._lock = threading.Lock()
        self._inflight = 0
        self._place = _HEAD
        for slot in range(slots):
            self.clear_slot(slot)

    @property
    def draining(self) -> bool:
        return self._memory[0] != 0

    def drain(self) -> None:
        self._memory[0] = 1

    def take_slot(self, slot: int) -> None:
        """Called in a new worker: what its predecessor had in flight is over."""
        self._place = _HEAD + _PLACE.size * slot
        self._inflight = 0
        _PLACE.pack_into(self._memory, self._place, 0, 0)

    def clear_slot(self, slot: int) -> None:
        """Called in the master: there is no worker here, or none any more."""
        _PLACE.pack_into(self._memory, _HEAD + _PLACE.size * slot, 0, _ABSENT)

    def enter(self) -> None:
        with self._lock:
            self._inflight += 1
            _NUMBER.pack_into(self._memory, self._place, self._inflight)

    def leave(self) -> None:
        with self._lock:
            self._inflight -= 1
            _NUMBER.pack_into(self._memory, self._place, self._inflight)

    def connected(self, count: int) -> None:
        """Tells how many connections this worker has."""
        _NUMBER.pack_into(self._memory, self._place + _NUMBER.size, count)

    @property
    def fewest_connections(self) -> int:
        """Those of the worker that has the fewest."""
        counts = [count for _, count in self._places() if count != _ABSENT]
        return min(counts, default=0)

    @property
    def inflight(self) -> int:
        """Requests in flight in all workers."""
        return sum(count for count, _ in self._places())

    def _places(self) -> list[tuple[int, int]]:
        return list(_PLACE.iter_unpack(self._memory[_HEAD:]))
