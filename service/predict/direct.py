"""The direct lane: predictions, answered as plain WSGI before Flask builds a request of its own.

Flask keeps every other route, and these too wherever something is unusual: another method, an unknown model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from service.bundle.contract import Matrix
from service.predict.arm import Prediction
from service.predict.served import ServedModel
from service.web.body import Environ, check_content_type, read_body
from service.web.keys import Scope
from service.web.pipeline import Pipeline, RequestContext, subject_of
from service.web.reply import Reply

Wsgi = Callable[[Environ, Any], Any]
PREDICT: tuple[Scope, ...] = ("predict",)


class InferenceProtocol(Protocol):
    """How one protocol reads and writes. `form` is what of the request shapes its answer."""

    content_types: tuple[str, ...]

    def read(self, body: bytes, environ: Environ) -> tuple[Matrix, Any]: ...
    def write(self, prediction: Prediction, request_id: str, form: Any) -> Reply: ...


class PredictionRoute:
    """One model's predictions by one protocol. `_predict` is the list of steps of a prediction."""

    def __init__(
        self, name: str, model: ServedModel, protocol: InferenceProtocol, pipeline: Pipeline
    ):
        self.name, self._model, self._protocol = name, model, protocol
        self._pipeline, self._max_body = pipeline, model.max_body

    def __call__(self, environ: Environ, start_response: Any) -> list[bytes]:
        context = self._pipeline.begin(environ, self.name)
        reply = self._pipeline.answer(context, self._predict)
        start_response(reply.status, reply.headers)
        return [reply.body]

    def _predict(self, context: RequestContext) -> Reply:
        environ, model = context.environ, self._model
        context.metrics = model.metrics.requests
        self._pipeline.admit(context, PREDICT, model.name)
        # Refusals are signed too: by the champion, until an arm is chosen.
        context.signed_by = model.champion.headers
        context.subject, context.arm_name = subject_of(environ), environ.get("HTTP_X_ARM")
        arm = model.choose(context)
        context.signed_by, context.metrics = arm.headers, arm.metrics.requests
        self._pipeline.refuse_when_unable()
        check_content_type(environ, *self._protocol.content_types)
        matrix, form = self._protocol.read(read_body(environ, self._max_body), environ)
        prediction = model.predict(context, arm, matrix)
        return self._protocol.write(prediction, context.request_id, form)


class DirectLane:
    """Stands before Flask, and answers what is at one of `routes`, by its path."""

    def __init__(self, flask: Wsgi, routes: Mapping[str, PredictionRoute]):
        self._flask, self._routes = flask, routes

    def __call__(self, environ: Environ, start_response: Any) -> Any:
        route = self._routes.get(environ["PATH_INFO"])
        if route is not None and environ["REQUEST_METHOD"] == "POST":
            return route(environ, start_response)
        return self._flask(environ, start_response)

    def answers_at_once(self, line: str) -> bool:
        """Whether a request, such as `POST /x`, is a prediction: these wait for nobody."""
        method, _, target = line.partition(" ")
        return method == "POST" and target in self._routes
