"""What all processes of a service share, a little memory that a fork inherits, and each worker's handle."""

from __future__ import annotations

import mmap
import struct
import threading
from typing import Any

_HEAD = 8
_SLOT = struct.Struct("qq")
_NUMBER = struct.Struct("q")
_ABSENT = -1


class WorkerHandle:
    """What an application may ask of the worker that it runs in. This one does nothing: it stands for none."""

    def waiting(self) -> int:
        """The number of requests that wait for a thread."""
        return 0

    def lift_read_deadline(self, sock: Any) -> None:
        """Leaves the connection to its thread, which may wait as long as it likes: it became a stream."""


class State:
    """Made once, before the workers are forked. A successor takes over its predecessor's slot.

    A slot holds a worker's requests in flight and open connections, -1 while there is none.
    """

    def __init__(self, slots: int = 512) -> None:
        #: Of this process alone.
        self.worker = WorkerHandle()
        self._memory = mmap.mmap(-1, _HEAD + _SLOT.size * slots)
        self._lock = threading.Lock()
        self._inflight = 0
        self._slot = _HEAD
        for slot in range(slots):
            self.clear_slot(slot)

    @property
    def draining(self) -> bool:
        return self._memory[0] != 0

    def drain(self) -> None:
        self._memory[0] = 1

    @property
    def contained(self) -> bool:
        """Found bad: it takes no prediction until it is replaced."""
        return self._memory[1] != 0

    def contain(self) -> None:
        self._memory[1] = 1

    @property
    def available(self) -> bool:
        """Whether callers should come here."""
        return not (self.draining or self.contained)

    def take_slot(self, slot: int) -> None:
        """Called in a new worker: what its predecessor had in flight is over."""
        self._slot = _HEAD + _SLOT.size * slot
        self._inflight = 0
        _SLOT.pack_into(self._memory, self._slot, 0, 0)

    def clear_slot(self, slot: int) -> None:
        """Called in the master: there is no worker here, or none any more."""
        _SLOT.pack_into(self._memory, _HEAD + _SLOT.size * slot, 0, _ABSENT)

    def request_began(self) -> None:
        with self._lock:
            self._inflight += 1
            _NUMBER.pack_into(self._memory, self._slot, self._inflight)

    def request_ended(self) -> None:
        with self._lock:
            self._inflight -= 1
            _NUMBER.pack_into(self._memory, self._slot, self._inflight)

    def set_connections(self, count: int) -> None:
        """Sets the number of connections that this worker has."""
        _NUMBER.pack_into(self._memory, self._slot + _NUMBER.size, count)

    @property
    def fewest_connections(self) -> int:
        """Those of the worker that has the fewest."""
        counts = [count for _, count in self._slots() if count != _ABSENT]
        return min(counts, default=0)

    @property
    def inflight(self) -> int:
        """Requests in flight in all workers."""
        return sum(count for count, _ in self._slots())

    def _slots(self) -> list[tuple[int, int]]:
        return list(_SLOT.iter_unpack(self._memory[_HEAD:]))
