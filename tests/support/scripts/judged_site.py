"""A stack on a Swarm in a file with callers and a monitor: the monitor's own judgement, its database and its pages.

The edge is the stand-in's; what it is asked below /monitor, the real pages answer. A thread is callers and judge: it
journals requests as the share in the ledger has it, counts them as replicas do, and has them judged.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from werkzeug.wrappers import Request, Response

from monitoring.experiment.evidence.reading import ExperimentReader
from monitoring.experiment.looks import ExperimentLooks, LookTimes
from monitoring.experiment.stages import Served
from monitoring.findings import Experiments, Store
from monitoring.window.journal import JournalReader
from scripts.ledger import records
from scripts.release import traffic_file
from tests.support.monitoring import site
from tests.support.monitoring.experiment import Behaviour, ExperimentJournal
from tests.support.scripts.swarm_in_a_file import SwarmInAFile
from tests.support.web import answering

MODEL = "late"
HOUR = dt.timedelta(hours=1)


class JudgedSite:
    """What callers and monitor do. A share in `failing` is the challenger's of its requests that fail."""

    def __init__(self, folder: Path, swarm: SwarmInAFile):
        self.swarm = swarm
        self.champion, self.challenger = Behaviour(), Behaviour()
        self.failing = 0.0
        #: Requests between two looks.
        self.requests = 200
        self.margin = 0.01
        #: Whether the monitor answers, and whether it judges.
        self.answers, self.judges = True, True
        self.store = Store(f"sqlite:///{folder}/monitor.db")
        self.store.prepare()
        self.pages = site.application(site.sources(folder, self.store))
        self._journal_url = f"sqlite:///{folder}/journal.db"
        self._counted = {"champion": [0.0, 0.0], "challenger": [0.0, 0.0]}
        self._looked, self._last = 0, dt.datetime.now(dt.UTC)
        self._end = threading.Event()

    def share(self) -> float | None:
        serving = records.serving(self.swarm.history)
        about = traffic_file.traffic_of(serving).get(MODEL, {})
        return about.get("share", 0.0) if about.get("mode") == "split" else 0.0

    @contextmanager
    def judged(self) -> Iterator[None]:
        thread = threading.Thread(target=self._go_on, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join()

    def _go_on(self) -> None:
        journal = ExperimentJournal(self._journal_url, MODEL)
        reader = JournalReader(self._journal_url)
        experiments = ExperimentReader(self._journal_url, reader)
        looks = ExperimentLooks(Experiments(self.store), experiments, self._version, lambda: 0.0)
        try:
            while not self._end.wait(0.4):
                share = self.share()
                if share is not None and self.judges:
                    self._call(journal, share)
                    self._judge(looks, share)
        finally:
            for each in (journal, experiments, reader):
                each.close()

    def _version(self, *_: str) -> Any:
        return SimpleNamespace(rules=SimpleNamespace(experiment_margin=self.margin))

    def _call(self, journal: ExperimentJournal, share: float) -> None:
        self._looked += 1
        start, self._last = self._last, dt.datetime.now(dt.UTC)
        arms, span = (self.champion, self.challenger), self._last - start
        journal.split(start, self.requests, share, *arms, seed=self._looked, span=span)
        asked = round(self.requests * share)
        failed = round(asked * self.failing)
        for arm, answered, lost in (
            ("champion", self.requests - asked, 0),
            ("challenger", asked - failed, failed),
        ):
            self._counted[arm][0] += answered
            self._counted[arm][1] += lost

    def _judge(self, looks: ExperimentLooks, share: float) -> None:
        now = dt.datetime.now(dt.UTC)
        counted = {
            (MODEL, version, arm): tuple(self._counted[arm])
            for arm, version in (("champion", "1"), ("challenger", "2"))
        }
        times = LookTimes(now, now, now - HOUR)
        looks.look(MODEL, Served("1", "2", share), {"replica": counted}, times)

    @contextmanager
    def edge(self, behind: str) -> Iterator[str]:
        """Before the stand-in's edge."""

        def ask(request: Request) -> Response:
            if request.path.startswith("/monitor"):
                if not self.answers:
                    return Response("the monitor does not run", 503)
                return Response.from_app(self.pages.wsgi_app, request.environ)
            answer = requests.request(
                request.method,
                f"{behind}{request.full_path}",
                data=request.get_data(),
                headers={name: text for name, text in request.headers if name != "Host"},
                timeout=10,
            )
            return Response(answer.content, answer.status_code, [*answer.headers.items()])

        try:
            with answering(ask) as url:
                yield url
        finally:
            self.store.close()
