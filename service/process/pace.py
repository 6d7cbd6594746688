"""Which requests the poller may answer itself: those that lately took it no time."""

from __future__ import annotations

#: Seconds that the poller may be kept by a request, on average.
QUICK_SECONDS = 0.001
#: Answered by the poller whatever it takes: who asks so decides whether this replica lives.
PROBES = frozenset(
    f"{method} {path}"
    for method in ("GET", "HEAD")
    for path in ("/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready", "/ping")
)


class Pace:
    """The time that each kind of request took, of the processor's: on the clock it is mostly others'."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def allows(self, line: str) -> bool:
        """Whether it is quick. A slow one goes to the threads, and is tried again after some requests."""
        usual = self._seconds.get(line, 0.0)
        if usual <= QUICK_SECONDS:
            return True
        self._seconds[line] = usual * 0.98
        return False

    def record(self, line: str, seconds: float) -> None:
        usual = self._seconds.get(line, 0.0)
        self._seconds[line] = usual + (seconds - usual) / 8
