"""Is the service here well? What the container's health check runs; the exit code is the answer.

    python3 -I -S service/process/probe.py [/health/live]

Until it was ready once, it has to be ready: so a release that never gets there replaces no replica that serves. From
then on it has to be alive: one that drains is not ill.

It imports as little as it can: it runs every few seconds beside the service, on the same cores.
"""

import os
import socket
import sys

SECONDS = 4.0
#: That it was ready once; in memory, and gone with the container.
MARK = "/dev/shm/swarmline-was-ready"  # nosec B108


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


def asked() -> str:
    return "/health/live" if os.path.exists(MARK) else "/health/ready"


def remember() -> None:
    try:
        with open(MARK, "a", encoding="ascii"):
            pass
    except OSError as error:
        # Then it is asked for readiness to the end, and counts as ill if it drains for long.
        print(f"{MARK}: {error}")


def main(arguments: list[str]) -> int:
    bind = os.environ.get("BIND", "127.0.0.1:8080")
    path = arguments[0] if arguments else asked()
    try:
        code = status(address(bind), path)
    except OSError as error:
        print(f"{bind}{path}: {error}")
        return 1
    print(f"{bind}{path}: {code}")
    if code == 200 and not arguments:
        remember()
    return 0 if code == 200 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
