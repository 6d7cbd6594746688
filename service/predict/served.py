"""The models that are served: which arm predicts, and that the journal and the counters have it."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterator, Mapping

import msgspec

from service.bundle.contract import Contract, Matrix
from service.bundle.engines import Answer
from service.bundle.exported import ExportedModel
from service.bundle.rows.encoder import Encoder
from service.journal import Journal
from service.predict.arm import Arm, Prediction
from service.predict.shadow import Shadows
from service.predict.traffic import ArmName, Traffic
from service.process.metrics import Metrics, ModelMetrics
from service.settings import Settings
from service.web.body import check_rows
from service.web.pipeline import RequestContext
from service.web.problems import BadHeader, Forbidden, NotFound


class ServedModel:
    """One model as it is served."""

    def __init__(self, name: str, exported: ExportedModel, traffic: Traffic, models: ServedModels):
        self.name, self.traffic, self._models = name, traffic, models
        settings = models.settings
        self.release = settings.release
        self.max_rows, self.max_body = settings.max_rows, settings.max_body
        metrics = models.metrics
        self.contract: Contract = exported.champion.contract
        self.metrics = ModelMetrics(metrics, name, self.contract.names)
        self.champion = Arm("champion", exported.champion, self.release, metrics, self.metrics)
        self.challenger = (
            Arm("challenger", exported.challenger, self.release, metrics, self.metrics)
            if exported.challenger
            else None
        )
        self.encoder: Encoder = exported.champion.encoder

    @property
    def arms(self) -> list[Arm]:
        return [arm for arm in (self.champion, self.challenger) if arm is not None]

    def share(self, name: ArmName) -> float:
        """The share of requests that an arm answers."""
        share = self.traffic.share if self.traffic.mode == "split" else 0.0
        return share if name == "challenger" else 1.0 - share

    def choose(self, context: RequestContext) -> Arm:
        """The arm that answers."""
        if context.arm_name is not None:
            return self._override(context)
        if self.traffic.mode == "split" and self.challenger is not None:
            picked = self.traffic.pick(context.subject)
            return self.challenger if picked == "challenger" else self.champion
        return self.champion

    def _override(self, context: RequestContext) -> Arm:
        if not context.key.may("admin", self.name):
            raise Forbidden(
                f"X-Arm needs the scope admin, which the key {context.key.name} has not"
            )
        if context.arm_name == "champion":
            return self.champion
        if context.arm_name != "challenger":
            raise BadHeader("X-Arm must be champion or challenger")
        if self.challenger is None:
            raise NotFound(f"{self.name} has no challenger")
        return self.challenger

    def predict(self, context: RequestContext, arm: Arm, matrix: Matrix) -> Prediction:
        check_rows(len(matrix), self.max_rows)
        answer = arm.predict(matrix)
        self._record(context, context.started, arm, matrix, answer)
        if self.traffic.mode == "shadow" and arm is self.champion and self.challenger is not None:
            # It may wait for long, and needs nothing of the request's socket, headers and answer.
            waiting = msgspec.structs.replace(context, environ={})
            shadow = functools.partial(self._predict_in_shadow, waiting, self.challenger, matrix)
            self._models.shadows.add(len(matrix), context.request_id, shadow)
        return Prediction(arm, answer)

    def _predict_in_shadow(self, context: RequestContext, arm: Arm, matrix: Matrix) -> None:
        started, is_made = time.perf_counter(), False
        try:
            self._record(context, started, arm, matrix, arm.predict(matrix))
            is_made = True
        finally:
            if not is_made:
                arm.metrics.requests.failed.inc()

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def _record(
        self, context: RequestContext, started: float, arm: Arm, matrix: Matrix, answer: Answer
    ) -> None:
        latency = time.perf_counter() - started
        if self._models.journal is not None:
            self._models.journal.record(
                context.request_id,
                self.name,
                arm.version,
                self.release,
                arm.name,
                context.subject,
                matrix,
                answer,
                time.time(),
                latency,
                context.trace_id,
            )
        arm.count(answer)
        if arm.others:
            arm.count_others(matrix)
        arm.metrics.latency.observe(latency)


class ServedModels:
    """All of them, with what they share: the journal of this worker, and the thread of the shadows."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        exported: Mapping[str, ExportedModel],
        traffic: Mapping[str, Traffic],
    ):
        self.settings, self.metrics = settings, metrics
        #: Opened in each worker, after the fork.
        self.journal: Journal | None = None
        self.shadows = Shadows(lambda reason: metrics.lost_shadow(reason).inc())
        self._models = {
            name: ServedModel(name, model, traffic[name], self) for name, model in exported.items()
        }

    def __iter__(self) -> Iterator[ServedModel]:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    @property
    def names(self) -> list[str]:
        return list(self._models)

    def get(self, name: str) -> ServedModel | None:
        return self._models.get(name)

    def find(self, name: str) -> ServedModel:
        """The model of this name, or a problem that tells which there are."""
        try:
            return self._models[name]
        except KeyError:
            raise NotFound(
                f"there is no model {name[:100]!r}; there are {', '.join(self._models)}"
            ) from None

    def open_journal(self) -> None:
        if self.settings.journal is not None:
            contracts = [(arm.version, arm.bundle.contract) for model in self for arm in model.arms]
            self.journal = Journal(self.settings.journal, contracts)

    def close(self) -> None:
        """Makes the shadows that wait, and closes the journal."""
        self.shadows.close()
        if self.journal is not None:
            self.journal.close()
