"""A thread that sends judged windows to one place, in their order, for as long as the monitor runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from monitoring.background import BackgroundTask, Note
from monitoring.findings import Finding, FindingsUnavailable, Store, WindowRecord
from monitoring.findings.ledger import Place

#: Windows that are sent between two looks at whether to end.
BATCH = 20
#: Seconds between two looks at the database.
EVERY = 5.0
Send = Callable[[WindowRecord, Sequence[Finding]], None]


class PlaceUnavailable(Exception):
    """The place does not answer; what was to be sent stays to be sent."""


class WindowRefused(Exception):
    """The place answers, and does not take this window; it would refuse it again."""


class Sender(BackgroundTask):
    """Ends within one request's time limit. `note` is told whether the place answers, and why not."""

    def __init__(self, place: Place, store: Store, send: Send, note: Note):
        super().__init__(f"to-{place}", EVERY)
        self._place, self._store, self._send, self._note = place, store, send, note

    def work(self) -> bool:
        return self.send_some() == BATCH

    def note_fault(self, reason: str) -> None:
        self._note(False, reason)

    def send_some(self) -> int:
        """How many windows were sent. One that is refused holds up no other, and is left once another was taken."""
        sent = 0
        refused: list[tuple[WindowRecord, str]] = []
        try:
            for record in self._store.unsent(self._place, BATCH):
                if self._over.is_set():
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
