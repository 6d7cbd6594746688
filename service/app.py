"""`create_app(settings)`: the Flask application, and the bundles it serves."""

from __future__ import annotations

import re
import time
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.routing import BaseConverter

from service.bundle.contract import Invalid
from service.bundle.exported import Bundle, ExportedModel, check_golden, load_models
from service.bundle.manifest import BundleError
from service.openapi import page
from service.predict.direct import DirectRoute, request_id_of
from service.predict.served import Core, Served
from service.predict.traffic import read_traffic
from service.process.logs import log_failure, log_request
from service.process.state import State
from service.protocols import mlflow, open_inference
from service.protocols.native import Native
from service.settings import Settings
from service.views import health, models, stream, truth
from service.web.keys import ANYONE, Door, Scope, parse_keys
from service.web.problems import (
    BadRequest,
    Failed,
    NotAllowed,
    NotFound,
    Problem,
    Unprocessable,
    with_error,
)


class GoldenMismatch(BundleError):
    """An engine does not reproduce what was exported: this machine would predict something else."""


class ModelName(BaseConverter):
    """A model's name in a path: without a colon, behind which KServe V1 says what to do with it."""

    regex = "[^/:]+"


class Service(Flask):
    """Flask, with a direct lane for the routes in `direct`."""

    def __init__(self, core: Core):
        super().__init__("service", static_folder=None)
        self.core = core
        self.direct: dict[str, DirectRoute] = {}
        # A redirect to the tidy address would go where the caller's Host header says.
        self.url_map.merge_slashes = False
        self.url_map.converters["default"] = ModelName
        self.json.sort_keys = False  # type: ignore[attr-defined]

    def wsgi_app(self, environ: Any, start_response: Any) -> Any:
        route = self.direct.get(environ["PATH_INFO"])
        if route is not None and environ["REQUEST_METHOD"] == "POST":
            return route(environ, start_response)
        return super().wsgi_app(environ, start_response)

    def quick(self, line: str) -> bool:
        """Whether a request, such as `POST /x`, is a prediction: these wait for nobody."""
        method, _, target = line.partition(" ")
        return method == "POST" and target in self.direct


def create_app(settings: Settings, state: State) -> Service:
    """All that a worker needs, loaded and proven. Raises BundleError, BadKeys or BadTraffic."""
    arms = load_models(settings.bundles)
    keys = parse_keys(settings.keys, arms) if settings.auth else ()
    core = Core(settings, Door(keys), state)
    traffic = read_traffic(
        settings.traffic, {name: pair.challenger is not None for name, pair in arms.items()}
    )
    for name, pair in arms.items():
        _prove(pair)
        core.models[name] = Served(name, pair, traffic[name], core)
    app = Service(core)
    _guard(app)
    for module in (health, models, open_inference, mlflow, truth, stream, page):
        module.add_routes(app, core)
    _add_predictions(app, core)
    return app


def _prove(pair: ExportedModel) -> None:
    bundles: list[Bundle] = [bundle for bundle in pair if bundle is not None]
    for bundle in bundles:
        differences = check_golden(bundle)
        if differences:
            raise GoldenMismatch(f"{bundle.folder}: {differences[0]}; export the bundle again")


def _add_predictions(app: Service, core: Core) -> None:
    """Each model's prediction routes: in the direct lane, and Flask's for what is unusual."""
    for name, served in core.models.items():
        native = DirectRoute("predict", served, Native(served))
        tensors = DirectRoute("infer", served, open_inference.Tensors(served))
        frames = DirectRoute("invocations", served, mlflow.Frames(served))
        app.direct[f"/v1/models/{name}/predict"] = native
        app.direct[f"/v1/models/{name}:predict"] = native
        app.direct[f"/v1/models/{name}/invocations"] = frames
        app.direct[f"/v2/models/{name}/infer"] = tensors
        app.direct[f"/v2/models/{name}/versions/{served.champion.version}/infer"] = tensors
        if len(core.models) == 1:
            app.direct["/invocations"] = frames
    view = _unusual(core)
    for rule in (
        "/v1/models/<model>/predict",
        "/v1/models/<model>:predict",
        "/v1/models/<model>/invocations",
        "/v2/models/<model>/infer",
        "/v2/models/<model>/versions/<version>/infer",
    ):
        app.add_url_rule(rule, "predict", view, methods=["POST"])


def _unusual(core: Core) -> Any:
    def view(model: str, version: str = "") -> Any:
        served = core.model(model)
        raise NotFound(
            f"{model} is served as version {served.champion.version}, not {version[:50]!r}"
        )

    return view


def _guard(app: Service) -> None:
    """Keys before views, problems for errors, and on each answer who gave it."""
    core = app.core

    @app.before_request
    def enter() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id_of(request.environ)
        core.state.request_began()
        g.entered = True
        path = request.environ["PATH_INFO"]
        scopes = SCOPES_OF.get(request.endpoint or "", READERS)
        core.sites.check(request.environ, is_page=not scopes)
        if "//" in path:
            raise NotFound(f"there is nothing at {path[:200]}: a slash stands there twice")
        if not scopes:
            g.key = ANYONE
            return
        key = core.door.enter(request.environ.get("HTTP_AUTHORIZATION"))
        # What is at no page needs a key, to learn so, and no scope.
        if request.endpoint is not None:
            key.need(scopes, (request.view_args or {}).get("model"))
        g.key = key

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("entered", False):
            core.state.request_ended()

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        problem = _problem(error)
        core.metrics.refusal(problem.code).inc()
        reply = problem.reply(g.request_id)
        if request.path.startswith("/v2"):
            reply = reply._replace(body=with_error(reply.body))
        return Response(reply.body, int(reply.status[:3]), reply.headers)

    @app.after_request
    def sign(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        response.headers["X-Release"] = core.settings.release
        served = core.models.get(_model_in(request.environ["PATH_INFO"]))
        # Who may not ask is not told either.
        if served is not None and "key" in g and g.key.reaches(served.name):
            response.headers.update(served.champion.headers)
        core.metrics.request(request.endpoint or "none", str(response.status_code)).inc()
        if request.endpoint not in QUIET:
            log_request(
                core.settings.log_sample, request.environ, response.status, g.request_id, g.started
            )
        return response


def _model_in(path: str) -> str:
    """The model that a path names, whether or not there is such a page."""
    found = MODEL_IN(path)
    return found[1] if found else ""


MODEL_IN = re.compile(r"/v[12]/models/([^/:]+)").match
#: One of these scopes is needed to look at what is served.
READERS: tuple[Scope, ...] = ("predict", "admin")
#: Endpoints that need other scopes; none: open to anyone who reaches the port.
SCOPES_OF: dict[str, tuple[Scope, ...]] = {
    "live": (),
    "ready": (),
    "metrics": (),
    "openapi": (),
    "docs": (),
    "home": (),
    "ping": (),
    "version": (),
    "v2_live": (),
    "v2_ready": (),
    "predict": ("predict",),
    "stream": ("predict",),
    "truth": ("truth",),
    "retrain": ("admin",),
}
#: Endpoints asked every second by machines.
QUIET = ("live", "ready", "metrics", "v2_live", "v2_ready", "ping")


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Invalid):
        return Unprocessable.of(error)
    if isinstance(error, NoSuchPage):
        return NotFound(f"there is nothing at {request.path[:200]}; /docs shows what there is")
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return NotAllowed(
            f"{request.method[:20]} is not allowed here", headers=[("Allow", allowed)]
        )
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return BadRequest(error.description or "this request cannot be served")
    log_failure(g.request_id, error)
    return Failed("this request failed; its id is in the log")
