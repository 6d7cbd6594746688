"""Stands for a socket while an answer is written, so that nobody waits for who reads it."""

from __future__ import annotations

import socket
from typing import Any


class WriteBuffer:
    """Keeps the parts of an answer, to be sent as one."""

    def __init__(self, sock: socket.socket):
        self._sock = sock
        self._parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._parts.append(data)

    def setblocking(self, blocking: bool) -> None:
        """The poller's sockets never block."""

    def let_block(self) -> None:
        """From here on a thread waits at the socket itself: a stream's own."""
        self._sock.setblocking(True)

    def flush(self) -> memoryview:
        """Sends what the kernel takes at once; returns what is left."""
        data = b"".join(self._parts)
        try:
            sent = self._sock.send(data) if data else 0
        except BlockingIOError:
            sent = 0
        return memoryview(data)[sent:]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
