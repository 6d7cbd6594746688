"""From a matrix to a recorded prediction: which arm, the engine, the journal, the counts."""

from __future__ import annotations

import functools
import time
from typing import Any, NamedTuple

import msgspec
import numpy as np

from service.bundle.contract import Contract, Matrix
from service.bundle.encoder import Encoder
from service.bundle.engines import Answer
from service.bundle.exported import Bundle, ExportedModel
from service.journal import Journal
from service.predict.shadow import Shadows
from service.predict.traffic import Arm, Traffic
from service.process.metrics import ArmMetrics, Metrics
from service.process.state import State
from service.settings import Settings
from service.web.digits import numbers_as_json
from service.web.keys import Door, Key
from service.web.problems import BadHeader, Forbidden, NotFound
from service.web.sites import SiteGuard
from service.web.strict_json import need_rows

encode_json = msgspec.json.encode


class Side:
    """One arm of a model, with all that is the same for each of its answers."""

    def __init__(self, arm: Arm, bundle: Bundle, release: str, metrics: Metrics):
        manifest = bundle.manifest
        self.arm, self.bundle, self.version = arm, bundle, manifest.version
        self.classes = bundle.contract.classes
        self.predict = bundle.engine.predict
        self.single = len(bundle.contract.outputs) == 1
        self.metrics = ArmMetrics(metrics, manifest.model, self.version, arm, self.classes)
        self.headers = [
            ("X-Model", manifest.model),
            ("X-Model-Version", self.version),
            ("X-Release", release),
            ("X-Arm", arm),
        ]

    def labels(self, answer: Answer) -> list[str]:
        """A classifier's predictions, by name."""
        return [self.classes[number] for number in answer.values.tolist()]

    def predictions_as_json(self, answer: Answer) -> bytes:
        """Names of classes, numbers, or lists of numbers."""
        if self.classes:
            return encode_json(self.labels(answer))
        return numbers_as_json(answer.values[:, 0] if self.single else answer.values)

    def count(self, answer: Answer) -> None:
        counters = self.metrics.predictions
        if not self.classes:
            counters[0].inc(len(answer.values))
        elif len(answer.values) == 1:
            counters[answer.values[0]].inc()
        else:
            for number, times in enumerate(np.bincount(answer.values)):
                if times:
                    counters[number].inc(int(times))


class Call(NamedTuple):
    """One request: who asks, and when it came."""

    request_id: str
    key: Key
    subject: str | None
    arm: str | None
    started: float


class Prediction(NamedTuple):
    side: Side
    answer: Answer


class Served:
    """One model as it is served."""

    def __init__(self, name: str, arms: ExportedModel, traffic: Traffic, core: Core):
        self.name, self.arms, self.traffic, self.core = name, arms, traffic, core
        release = core.settings.release
        self.champion = Side("champion", arms.champion, release, core.metrics)
        self.challenger = (
            Side("challenger", arms.challenger, release, core.metrics) if arms.challenger else None
        )
        self.contract: Contract = arms.champion.contract
        self.encoder: Encoder = arms.champion.encoder

    def share(self, arm: Arm) -> float:
        """The share of requests that an arm answers."""
        share = self.traffic.share if self.traffic.mode == "split" else 0.0
        return share if arm == "challenger" else 1.0 - share

    def choose(self, call: Call) -> Side:
        if call.arm is not None:
            return self._override(call)
        if self.traffic.mode == "split" and self.challenger is not None:
            return (
                self.challenger
                if self.traffic.pick(call.subject) == "challenger"
                else self.champion
            )
        return self.champion

    def _override(self, call: Call) -> Side:
        if not call.key.may("admin", self.name):
            raise Forbidden(f"X-Arm needs the scope admin, which the key {call.key.name} has not")
        if call.arm == "champion":
            return self.champion
        if call.arm != "challenger":
            raise BadHeader("X-Arm must be champion or challenger")
        if self.challenger is None:
            raise NotFound(f"{self.name} has no challenger")
        return self.challenger

    def predict(self, call: Call, side: Side, matrix: Matrix) -> Prediction:
        need_rows(len(matrix), self.core.settings.max_rows)
        answer = side.predict(matrix)
        self._record(side, call, matrix, answer)
        if self.traffic.mode == "shadow" and side is self.champion and self.challenger is not None:
            shadow = functools.partial(self._shadow, self.challenger, call, matrix)
            self.core.shadows.add(len(matrix), call.request_id, shadow)
        return Prediction(side, answer)

    def _shadow(self, side: Side, call: Call, matrix: Matrix) -> None:
        self._record(side, call._replace(started=time.perf_counter()), matrix, side.predict(matrix))

    def _record(self, side: Side, call: Call, matrix: Matrix, answer: Answer) -> None:
        latency = time.perf_counter() - call.started
        if self.core.journal is not None:
            self.core.journal.record(
                call.request_id,
                self.name,
                side.version,
                self.core.settings.release,
                side.arm,
                call.subject,
                matrix,
                answer,
                time.time(),
                latency,
            )
        side.count(answer)
        side.metrics.latency.observe(latency)


class Core:
    """What all routes share. `journal` is opened in each worker, after the fork."""

    def __init__(self, settings: Settings, door: Door, state: State):
        self.settings, self.door, self.state = settings, door, state
        self.sites = SiteGuard(loopback_only=settings.auth and not door.closed)
        self.metrics = Metrics()
        self.journal: Journal | None = None
        self.models: dict[str, Served] = {}
        self.shadows = Shadows(lambda reason: self.metrics.lost_shadow(reason).inc())

    def close(self) -> None:
        """Makes the shadows that wait, and closes the journal."""
        self.shadows.close()
        if self.journal is not None:
            self.journal.close()

    def contracts(self) -> list[tuple[str, Contract]]:
        """Every version that is served, for the journal."""
        return [
            (bundle.manifest.version, bundle.contract)
            for served in self.models.values()
            for bundle in served.arms
            if bundle is not None
        ]

    def model(self, name: str) -> Served:
        try:
            return self.models[name]
        except KeyError:
            raise NotFound(
                f"there is no model {name[:100]!r}; there are {', '.join(self.models)}"
            ) from None
