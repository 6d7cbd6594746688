"""A thread that sends judged windows to one place, in their order, for as long as the monitor runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from monitoring.findings import Finding, FindingsUnavailable, Store, WindowRecord
from monitoring.findings.ledger import Place

#: Windows that are sent between two looks at whether to end.
BATCH = 20
#: Seconds between two looks at the database.
EVERY = 5.0
Send = Callable[[WindowRecord, Sequence[Finding]], None]
#: Told whether the place answers, and why not.
Note = Callable[[bool, str], None]


class PlaceUnavailable(Exception):
    """The place does not answer; what was to be sent stays to be sent."""


class WindowRefused(Exception):
    """The place answers, and does not take this window; it would refuse it again."""


class Sender:
    """Starts with `start`; ends by its event within one request's time limit."""

    def __init__(self, place: Place, store: Store, send: Send, note: Note):
        self._place, self._store, self._send, self._note = place, store, send, note
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"to-{place}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 10.0) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                sent = self.send_some()
            # This thread would end without a word, and nothing be sent any more.
            except Exception as error:  # pylint: disable=broad-exception-caught
                self._note(False, f"{type(error).__name__}: {error}")
                sent = 0
            if sent < BATCH:
                self._stop.wait(EVERY)

    def send_some(self) -> int:
        """How many windows were sent. One that is refused holds up no other, and is left once another was taken."""
        sent = 0
        refused: list[tuple[WindowRecord, str]] = []
        try:
            for record in self._store.unsent(self._place, BATCH):
                if self._stop.is_set():
                    return sent
                arm = (record.model, record.version, record.arm)
                try:
                    self._send(record, self._store.findings(*arm, record.start))
                except WindowRefused as error:
                    refused.append((record, str(error)))
                    continue
                self._store.note_sent(self._place, record)
                sent += 1
            self._settle(sent, refused)
        except FindingsUnavailable:
            # The schedule says so.
            return sent
        except PlaceUnavailable as error:
            self._note(False, str(error))
        return sent

    def _settle(self, sent: int, refused: Sequence[tuple[WindowRecord, str]]) -> None:
        """Where nothing was taken the fault may be the place's, and all is sent again."""
        if not sent:
            # Not where there was nothing to send: a place that is down then is found by the next window.
            if refused:
                self._note(False, refused[0][1])
            return
        for record, _ in refused:
            self._store.note_sent(self._place, record)
        words = f"{len(refused)} window{'s were' if len(refused) > 1 else ' was'} refused"
        self._note(True, f"{words}: {refused[0][1]}" if refused else "")
