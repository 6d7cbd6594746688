"""Predictions of challengers in shadow: made apart from requests, so that none can touch an answer."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from service.process.logs import log_failure

#: Rows that wait at most; those of more are not scored.
MOST_ROWS = 100_000


class Shadows:
    """One thread, begun by the first of them; `lose` is called for each that is not made, with the reason."""

    def __init__(self, lose: Callable[[str], None]):
        self._lose = lose
        self._changed = threading.Condition()
        self._waiting: deque[tuple[int, str, Callable[[], None]]] = deque()
        self._rows = 0
        self._thread: threading.Thread | None = None
        self._closed = False

    def add(self, rows: int, request_id: str, work: Callable[[], None]) -> None:
        """Never waits: a challenger that cannot keep up misses some."""
        with self._changed:
            if self._closed or self._rows + rows > MOST_ROWS:
                self._lose("busy")
                return
            self._rows += rows
            self._waiting.append((rows, request_id, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="shadows", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self, seconds: float = 5.0) -> None:
        """Makes those that wait, for a while."""
        with self._changed:
            self._closed, thread = True, self._thread
            self._changed.notify()
        if thread is not None:
            thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                rows, request_id, work = self._waiting.popleft()
                self._rows -= rows
            try:
                work()
            # The next may go well; the log has this failure.
            except Exception as error:  # pylint: disable=broad-exception-caught
                self._lose("failed")
                log_failure(request_id, error)
