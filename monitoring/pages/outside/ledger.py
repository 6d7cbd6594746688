"""The ledger as MLflow has it: the runs of its experiment `releases`, which scripts/ledger/releases.py writes."""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from monitoring.pages.words import OK, RAISED, UNKNOWN, Mood
from monitoring.references import TrackingServer, TrackingUnavailable

_LOG = logging.getLogger(__name__)
EXPERIMENT = "releases"
MOST = 100
#: Seconds that an answer is shown before MLflow is asked again.
FRESH = 30.0
PLAIN = re.compile(r"[A-Za-z0-9._:@/-]{1,200}")
MOODS = {"verified": OK, "scaled": OK, "confirmed": OK, "not proven": UNKNOWN}


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
    """Asks MLflow at most every half minute. `server` is this one's own: it is asked by one thread at a time."""

    def __init__(self, server: TrackingServer):
        self._server = server
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
        # A name goes into MLflow's filter only as one that needs no quoting there.
        if not self._server.named or not PLAIN.fullmatch(release):
            return {}
        with self._lock:
            if release not in self._documents:
                document = self._read(release)
                if not document:
                    return {}
                self._documents[release] = document
            return self._documents[release]

    def _ask(self) -> Answer:
        now = dt.datetime.now(dt.UTC)
        if not self._server.named:
            return Answer(now, fault="The monitor was told no MLflow.")
        try:
            runs = self._server.ask(lambda client: _runs(client, "", MOST))
        except TrackingUnavailable as error:
            # What it said is for the log: it may name hosts and users.
            _LOG.warning("%s", error)
            return Answer(now, fault="MLflow does not answer.")
        return Answer(now, tuple(map(_release, runs)))

    def _read(self, release: str) -> Mapping[str, Any]:
        try:
            return self._server.ask(lambda client: _document(client, release))
        except (TrackingUnavailable, ValueError) as error:
            _LOG.warning("release.json of %s: %s", release, error)
            return {}


def _document(client: Any, release: str) -> Mapping[str, Any]:
    runs = _runs(client, f"tags.`swarmline.release` = '{release}'", 1)
    if not runs:
        return {}
    with tempfile.TemporaryDirectory(prefix="swarmline-") as folder:
        path = client.download_artifacts(runs[0].info.run_id, "release.json", folder)
        return dict(json.loads(Path(path).read_bytes()))


def _runs(client: Any, condition: str, most: int) -> list[Any]:
    experiment = client.get_experiment_by_name(EXPERIMENT)
    if experiment is None:
        return []
    newest = ["attributes.start_time DESC"]
    return list(
        client.search_runs([experiment.experiment_id], condition, max_results=most, order_by=newest)
    )


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
