"""`judge_forever`: looks again and again, if no other monitor does; and sends what was judged to places outside."""

from __future__ import annotations

import threading
import time

from monitoring.background import Note
from monitoring.findings import FindingsUnavailable, Store
from monitoring.findings.lock import JudgeLock
from monitoring.references import References, TrackingServer
from monitoring.report import AlarmReports, Reports
from monitoring.retrain import Starter
from monitoring.scale import Bounds, Rules, Scaler
from monitoring.schedule import sources as names
from monitoring.schedule.look import Monitor
from monitoring.schedule.sources import Sources
from monitoring.settings import Settings
from monitoring.tracking.elastic import Elastic
from monitoring.tracking.mlflow_runs import MlflowRuns
from monitoring.tracking.sender import Sender
from monitoring.window.journal import JournalReader
from service.jenkins import JenkinsJob
from service.process.logs import log


class Judge:
    """A process that judges: from `start` until `stop`. Everything in it may be away, then and later."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self.store = Store(settings.findings_url)
        self._journal = JournalReader(settings.journal_url)
        self.lock = JudgeLock(self.store.engine)
        self._sources = Sources(self.store)
        self._senders = self._make_senders()
        reports = AlarmReports(self.store, self._make_reports())
        tasks = (*self._senders, reports, self._make_starter(), self._make_scaler())
        self._tasks = [task for task in tasks if task is not None]
        references = References(
            settings.bundles, settings.monitor_state, TrackingServer.of(settings)
        )
        self.monitor = Monitor(settings, self.store, self._journal, references, self._sources)
        self._held: bool | None = None
        self._prepared = False

    def judge_forever(self, stop: threading.Event) -> None:
        for task in self._tasks:
            task.start()
        while not stop.is_set():
            began = time.monotonic()
            self.judge_once()
            # A look that took longer than the time between two is followed by the next one at once.
            stop.wait(max(0.5, self._settings.monitor_every - (time.monotonic() - began)))
        self.close()

    def judge_once(self) -> int | None:
        """One look; how many windows were judged. None where this process may not look, or cannot."""
        try:
            if not self._prepared:
                self.store.prepare()
                self._prepared = True
            if not self._hold():
                return None
        except FindingsUnavailable as error:
            self._sources.note(names.FINDINGS, False, str(error))
            return None
        return self.monitor.look()

    def send(self) -> None:
        """What was judged and not sent yet, of one batch: for who looks once."""
        for sender in self._senders:
            sender.send_some()
        self._sources.save()

    def close(self) -> None:
        for task in self._tasks:
            task.end()
        for task in self._tasks:
            task.stop()
        self.lock.release()
        self.monitor.close()
        self._journal.close()
        self.store.close()

    def _hold(self) -> bool:
        held = self.lock.hold()
        if held != self._held:
            word = "this monitor judges" if held else "another monitor judges; this one waits"
            log("info", "judge-lock", message=word)
        self._held = held
        return held

    def _make_reports(self) -> Reports:
        """With a journal of its own, so that no window waits for them; of references that are here already."""
        settings = self._settings
        references = References(settings.bundles, settings.monitor_state, TrackingServer(""))
        journal = JournalReader(settings.journal_url)
        return Reports(settings.monitor_state / "reports", references.find, journal)

    def _make_senders(self) -> list[Sender]:
        """Each with connections of its own."""
        settings, senders = self._settings, []
        if settings.mlflow_tracking_uri:
            runs = MlflowRuns(settings.mlflow_tracking_uri, TrackingServer.of(settings))
            senders.append(Sender("mlflow", self.store, runs.send, self._noting(names.MLFLOW)))
        if settings.elastic_url:
            elastic = Elastic(settings.elastic_url, settings.elastic_key)
            senders.append(Sender("elastic", self.store, elastic.send, self._noting(names.ELASTIC)))
        return senders

    def _make_starter(self) -> Starter | None:
        settings = self._settings
        if not settings.retrains:
            if settings.retrain_url:
                lacking = "RETRAIN_TOKEN or RETRAIN_WEBHOOK_TOKEN says none"
                message = f"RETRAIN_URL is set, and alerts start nothing: {lacking}"
                log("warning", "retrain", message=message)
            return None
        return Starter(self.store, self._job(settings.retrain_url), self._noting(names.JENKINS))

    def _make_scaler(self) -> Scaler | None:
        """It measures wherever there is a Prometheus."""
        settings = self._settings
        if settings.autoscale and not settings.scales:
            lacking = "SCALE_URL, RETRAIN_TOKEN or PROMETHEUS_URL is not given"
            log("warning", "scale", message=f"AUTOSCALE is on, and scales nothing: {lacking}")
        if not settings.prometheus_url:
            return None
        job = self._job(settings.scale_url, name="scale") if settings.scales else None
        rules = Rules(
            Bounds(settings.replicas_min, settings.replicas_max),
            *(settings.autoscale_cooldown, settings.autoscale_quiet),
        )
        note = self._noting(names.SCALE)
        return Scaler(self.store, settings.prometheus_url, rules, job, note)

    def _job(self, url: str, name: str = "retrain") -> JenkinsJob:
        settings = self._settings
        login = (settings.retrain_user, settings.retrain_token)
        return JenkinsJob(url, *login, settings.retrain_insecure, name)

    def _noting(self, source: str) -> Note:
        return lambda up, reason: self._sources.note(source, up, reason)
