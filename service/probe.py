"""Is the service here alive? What the container's health check runs; the exit code is the answer.

    python3 -I -S service/probe.py [/health/live]

It imports as little as it can: it runs every few seconds beside the service, on the same cores.
"""

import os
import socket
import sys

SECONDS = 4.0


def address(bind: str) -> tuple[str, int]:
    """Where a service with this BIND is reached from beside it."""
    host, _, port = bind.rpartition(":")
    host = host.strip("[]")
    if not host.strip("0.:"):
        # All addresses: any will do.
        host = "::1" if ":" in host else "127.0.0.1"
    return host, int(port)


def status(place: tuple[str, int], path: str) -> int:
    with socket.create_connection(place, timeout=SECONDS) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {place[0]}\r\n\r\n".encode("ascii"))
        words = connection.recv(64).split(None, 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def main(arguments: list[str]) -> int:
    bind = os.environ.get("BIND", "127.0.0.1:8080")
    path = arguments[0] if arguments else "/health/live"
    try:
        found = status(address(bind), path)
    except OSError as error:
        print(f"{bind}{path}: {error}")
        return 1
    print(f"{bind}{path}: {found}")
    return 0 if found == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
