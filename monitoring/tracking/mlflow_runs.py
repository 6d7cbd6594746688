"""MLflow's experiment `monitoring`: a run a model version, curves of a few metrics, and each window's values as JSON.

MLflow draws a chart a metric key: there are ten, whatever a model's columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from monitoring.findings import Finding, WindowRecord
from monitoring.references import (
    NoReference,
    TrackingRefused,
    TrackingServer,
    TrackingUnavailable,
)
from monitoring.references.version import check_names
from monitoring.tracking.sender import PlaceUnavailable, WindowRefused

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXPERIMENT = "monitoring"
MODEL, VERSION = "swarmline.model", "swarmline.version"


class MlflowRuns:
    """Sends to one server. A window that is judged again has a second point at its step, and its JSON replaced."""

    def __init__(self, uri: str, server: TrackingServer):
        self._uri, self._server = uri, server
        self._experiment = ""
        self._runs: dict[tuple[str, str], str] = {}

    def send(self, record: WindowRecord, findings: Sequence[Finding]) -> None:
        """PlaceUnavailable where MLflow does not answer within seconds, WindowRefused where it refuses this one."""
        try:
            check_names(record.model, record.version)
        except NoReference:
            # A name that would have to be quoted in MLflow's filters is none that it ever registered.
            return
        try:
            self._send(record, findings)
        except TrackingRefused:
            # A run or the experiment may have been deleted since.
            try:
                self._send(record, findings)
            except TrackingRefused as error:
                raise WindowRefused(str(error)) from error

    def _send(self, record: WindowRecord, findings: Sequence[Finding]) -> None:
        try:
            self._server.ask(lambda client: self._log(client, record, findings))
        except TrackingUnavailable as error:
            # It may come back as another one.
            self._experiment = ""
            self._runs.clear()
            if isinstance(error, TrackingRefused):
                raise
            raise PlaceUnavailable(str(error)) from error

    def _log(self, client: MlflowClient, record: WindowRecord, findings: Sequence[Finding]) -> None:
        from mlflow.entities import Metric  # pylint: disable=import-outside-toplevel

        run = self._run(client, record)
        at, step = int(record.end.timestamp() * 1000), int(record.start.timestamp() // 60)
        points = [Metric(key, value, at, step) for key, value in metrics(record, findings)]
        client.log_batch(run, points)
        name = f"windows/{record.arm}/{record.start:%Y%m%dT%H%M%S.%f}.json"
        client.log_dict(run, document(record, findings), name)

    def _run(self, client: MlflowClient, record: WindowRecord) -> str:
        key = (record.model, record.version)
        if key not in self._runs:
            self._runs[key] = self._find(client, *key) or self._make(client, *key)
        return self._runs[key]

    def _find(self, client: MlflowClient, model: str, version: str) -> str:
        condition = f"tags.`{MODEL}` = '{model}' AND tags.`{VERSION}` = '{version}'"
        runs = client.search_runs([self._experiment_id(client)], condition, max_results=1)
        return str(runs[0].info.run_id) if runs else ""

    def _make(self, client: MlflowClient, model: str, version: str) -> str:
        run = client.create_run(
            self._experiment_id(client),
            run_name=f"{model} {version}",
            tags={MODEL: model, VERSION: version},
        )
        client.set_terminated(run.info.run_id)
        return str(run.info.run_id)

    def _experiment_id(self, client: MlflowClient) -> str:
        if not self._experiment:
            there = client.get_experiment_by_name(EXPERIMENT)
            self._experiment = str(there.experiment_id) if there else self._make_experiment(client)
        return self._experiment

    def _make_experiment(self, client: MlflowClient) -> str:
        """A server keeps artifacts where it wants; beside a file they lie where training puts its own."""
        place = None
        if self._uri.startswith("sqlite:///"):
            folder = Path(self._uri.removeprefix("sqlite:///")).resolve().parent
            place = (folder / "artifacts" / EXPERIMENT).as_uri()
        return str(client.create_experiment(EXPERIMENT, artifact_location=place))


def metrics(record: WindowRecord, findings: Iterable[Finding]) -> Iterator[tuple[str, float]]:
    """What a window has of the ten keys."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.value is not None:
            by_kind.setdefault(finding.kind, []).append(finding)
    yield "rows", float(record.rows)
    for key, kind in (("worst_effect", "drift"), ("worst_missing", "missing")):
        if kind in by_kind:
            yield key, max(_value(finding) for finding in by_kind[kind])
    for key, kind in (("drifted_share", "share"), ("relation", "relation")):
        if kind in by_kind:
            yield key, _value(by_kind[kind][0])
    for kind in ("estimate", "quality"):
        if kind in by_kind:
            # The metric of a gate, where the spec has one: the others stand in the JSON.
            gated = [finding for finding in by_kind[kind] if finding.bound is not None]
            yield kind, _value((gated or by_kind[kind])[0])
    for finding in by_kind.get("truth", ()):
        if finding.column in ("share", "delay"):
            yield {"share": "truth_share", "delay": "truth_delay_seconds"}[finding.column], _value(
                finding
            )
    if "trust" in by_kind:
        yield "trust_gap", max((_value(finding) for finding in by_kind["trust"]), key=abs)


def _value(finding: Finding) -> float:
    return float(finding.value or 0.0)


def document(record: WindowRecord, findings: Iterable[Finding]) -> dict[str, Any]:
    """A window as JSON, without what only pages draw and without rows."""
    return {
        "window": msgspec.to_builtins(record),
        "findings": [
            {
                name: value
                for name, value in msgspec.to_builtins(finding).items()
                if name != "details"
            }
            for finding in findings
        ],
    }
