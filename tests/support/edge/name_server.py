"""A name server that finds replicas as Docker's does."""

from __future__ import annotations

import socket
import threading


class NameServer(threading.Thread):
    """A name server that knows one name: `addresses`, as Docker's knows a service's replicas."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.addresses: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def run(self) -> None:
        while True:
            try:
                asked, caller = self._socket.recvfrom(4096)
            except OSError:
                return
            self._socket.sendto(self._answer(asked), caller)

    def _answer(self, asked: bytes) -> bytes:
        end = asked.index(b"\0", 12) + 5
        wants_a = asked[end - 4 : end - 2] == b"\0\1"
        addresses = [socket.inet_aton(text) for text in self.addresses] if wants_a else []
        head = asked[:2] + b"\x81\x80\0\1" + len(addresses).to_bytes(2, "big") + b"\0\0\0\0"
        record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4"
        return head + asked[12:end] + b"".join(record + address for address in addresses)

    def stop(self) -> None:
        self._socket.close()
