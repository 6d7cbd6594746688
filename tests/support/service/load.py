"""Callers without pause, and what became of their requests."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import requests

from tests.support.service.calls import predict
from tests.support.service.server import Server


class Load:
    """Each caller tries again where its connection was refused."""

    def __init__(self, server: Server, callers: int = 4):
        self._server, self._stop = server, threading.Event()
        #: Predictions that were answered, answers that were none, and connections that ended without any.
        self.good, self.lost, self.dropped = 0, list[str](), 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._call, args=(one,)) for one in range(callers)]
        for thread in self._threads:
            thread.start()

    def _call(self, caller: int) -> None:
        session, number = requests.Session(), 0
        while not self._stop.is_set():
            number += 1
            self._once(session, f"c{caller}.{number}")
        session.close()

    def _once(self, session: requests.Session, request_id: str) -> None:
        try:
            answer = predict(self._server, session, X_Request_Id=request_id)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            refused = "refused" in str(error)
            with self._lock:
                self.dropped += not refused
            # Nobody listens any more: in the stack the edge would ask another replica.
            if refused:
                time.sleep(0.01)
            return
        with self._lock:
            self.good += answer.status_code == 200
            if answer.status_code != 200:
                self.lost.append(f"{answer.status_code} {answer.text}")

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def journalled(folder: Path) -> list[str]:
    """The request ids in the table of a service that has stopped."""
    with closing(sqlite3.connect(folder / "journal.db")) as link:
        return [request_id for (request_id,) in link.execute("SELECT request_id FROM prediction")]
