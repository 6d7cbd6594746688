"""A thread of the monitor that does the same again and again beside the judging, and that no fault ends."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from monitoring.findings import FindingsUnavailable

#: Told whether what is done works, and why not.
Note = Callable[[bool, str], None]


class BackgroundTask(ABC):
    """Starts with `start`, and ends with `stop` once what is being done is over, or with its process."""

    def __init__(self, name: str, seconds: float):
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Waits for nothing."""
        self._over.set()

    def stop(self, seconds: float = 10.0) -> None:
        self.end()
        if self._thread.is_alive():
            self._thread.join(seconds)

    @abstractmethod
    def work(self) -> bool:
        """Done every so many seconds; at once again where it returns True."""

    @abstractmethod
    def note_fault(self, reason: str) -> None:
        """Told of what `work` raised; it is tried again."""

    def _run(self) -> None:
        while not self._over.is_set():
            is_more = False
            try:
                is_more = self.work()
            except FindingsUnavailable:
                # The schedule says so.
                pass
            # This thread would end without a word, and what it is for not be done any more.
            except Exception as error:  # pylint: disable=broad-exception-caught
                self.note_fault(f"{type(error).__name__}: {error}")
            if not is_more:
                self._over.wait(self._seconds)
