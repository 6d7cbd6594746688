"""The ledger as MLflow has it: the runs of its experiment `releases`, which scripts/ledger/releases.py writes."""

from __future__ import annotations

import datetime as dt
import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

import requests

from monitoring.pages.words import OK, RAISED, UNKNOWN, Mood

_LOG = logging.getLogger(__name__)
EXPERIMENT = "releases"
MOST = 100
#: Seconds that an answer is shown before MLflow is asked again.
FRESH = 30.0
MOODS = {"verified": OK, "not proven": UNKNOWN}


class Release(NamedTuple):
    name: str
    kind: str
    stack: str
    at: dt.datetime
    seconds: float
    outcome: str
    mood: Mood
    by: str
    why: str
    replaced: str
    #: By model the version of each arm.
    models: Mapping[str, Mapping[str, str]]


class Answer(NamedTuple):
    """The newest first; or why there are none."""

    at: dt.datetime
    releases: tuple[Release, ...] = ()
    fault: str = ""


class Ledger:
    """Asks MLflow at `uri`, at most every half minute."""

    def __init__(self, uri: str):
        self._uri = uri
        self._lock = Lock()
        self._answer: Answer | None = None
        self._asked = 0.0
        #: What a release consists of never changes.
        self._documents: dict[str, Mapping[str, Any]] = {}

    def releases(self) -> Answer:
        with self._lock:
            if self._answer is None or monotonic() - self._asked > FRESH:
                self._answer, self._asked = self._ask(), monotonic()
            return self._answer

    def document(self, release: str) -> Mapping[str, Any]:
        """The release.json of a release; empty where the ledger cannot tell."""
        with self._lock:
            if release not in self._documents:
                document = self._read_document(release)
                if not document:
                    return {}
                self._documents[release] = document
            return self._documents[release]

    def _ask(self) -> Answer:
        now = dt.datetime.now(dt.UTC)
        if not self._uri:
            return Answer(now, fault="The monitor was told no MLflow.")
        try:
            client, faults = _client(self._uri)
        except requests.RequestException as error:
            return Answer(now, fault=_away(error))
        try:
            runs = _runs(client, "", MOST)
        except faults as error:
            return Answer(now, fault=_away(error))
        return Answer(now, tuple(map(_release, runs)))

    def _read_document(self, release: str) -> Mapping[str, Any]:
        # A name goes into MLflow's filter only as one that needs no quoting there.
        if not self._uri or not set(release) <= set(_PLAIN):
            return {}
        try:
            client, faults = _client(self._uri)
        except requests.RequestException as error:
            _away(error)
            return {}
        expected: tuple[type[Exception], ...] = (*faults, OSError, ValueError)
        try:
            runs = _runs(client, f"tags.`swarmline.release` = '{release}'", 1)
            if not runs:
                return {}
            with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
                path = client.download_artifacts(runs[0].info.run_id, "release.json", folder)
                return dict(json.loads(Path(path).read_bytes()))
        except expected as error:
            _away(error)
            return {}


_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+:@/"


def _client(uri: str) -> tuple[Any, tuple[type[Exception], ...]]:
    """MLflow's client, once something answers there: it would try again for minutes. And what it raises."""
    if uri.startswith("http"):
        requests.get(f"{uri}/health", timeout=3)
    # Takes seconds to import: not before somebody asks.
    from mlflow.exceptions import MlflowException  # pylint: disable=import-outside-toplevel
    from mlflow.tracking import MlflowClient  # pylint: disable=import-outside-toplevel

    return MlflowClient(uri), (MlflowException, requests.RequestException)


def _runs(client: Any, condition: str, most: int) -> list[Any]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    newest = ["attributes.start_time DESC"]
    return list(
        client.search_runs([experiment.experiment_id], condition, max_results=most, order_by=newest)
    )


def _away(error: Exception) -> str:
    """What it said is for the log: it may name hosts and users."""
    _LOG.warning("MLflow did not answer: %s", error)
    return "MLflow does not answer."


def _release(run: Any) -> Release:
    tags = {
        name.removeprefix("swarmline."): str(value)
        for name, value in run.data.tags.items()
        if name.startswith("swarmline.")
    }
    outcome = tags.get("outcome", "")
    return Release(
        name=tags.get("release", "?"),
        kind=tags.get("kind", ""),
        stack=tags.get("stack", ""),
        at=dt.datetime.fromtimestamp(run.info.start_time / 1000, dt.UTC),
        seconds=float(run.data.metrics.get("seconds", 0)),
        outcome=outcome,
        mood=MOODS.get(outcome, RAISED),
        by=_given(tags.get("by")),
        why=_given(tags.get("why")),
        replaced=_given(tags.get("replaced")),
        models=_models(tags.get("models", "")),
    )


def _given(text: str | None) -> str:
    return "" if text in (None, "None") else str(text)


def _models(text: str) -> Mapping[str, Mapping[str, str]]:
    try:
        models = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(models, dict):
        return {}
    return {
        str(model): {str(arm): str(version) for arm, version in arms.items()}
        for model, arms in models.items()
        if isinstance(arms, dict)
    }
