"""`create_app(settings, state)`: the bundles, loaded and proven, and the application that serves them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from flask import Flask
from werkzeug.routing import BaseConverter

from service.bundle.exported import Bundle, ExportedModel, check_golden, load_models
from service.bundle.manifest import BundleError
from service.openapi import page
from service.predict.direct import DirectLane
from service.predict.served import ServedModels
from service.predict.traffic import read_traffic
from service.process.metrics import Metrics
from service.process.state import State
from service.settings import Settings
from service.views import (
    containment,
    health,
    models,
    open_inference,
    predictions,
    retrain,
    stream,
    truth,
)
from service.web import guard
from service.web.keys import Authenticator, parse_keys
from service.web.pipeline import Pipeline
from service.web.reply import Headers


class ModelName(BaseConverter):
    """A model's name in a path: without a colon, behind which KServe V1 says what to do with it."""

    regex = "[^/:]+"


class Service(NamedTuple):
    """The WSGI application, which is Flask with the direct lane before it; and what stands behind it."""

    flask: Flask
    lane: DirectLane
    models: ServedModels
    pipeline: Pipeline


def create_app(settings: Settings, state: State) -> Service:
    """All that a worker needs. Raises BundleError, BadKeys or BadTraffic."""
    exported = load_models(settings.bundles, settings.trusted_packages)
    keys = parse_keys(settings.keys, exported) if settings.auth else ()
    has_challenger = {name: model.challenger is not None for name, model in exported.items()}
    traffic = read_traffic(settings.traffic, has_challenger)
    _prove(exported)
    metrics = Metrics()
    served = ServedModels(settings, metrics, exported, traffic)
    pipeline = Pipeline(settings, Authenticator(keys), state, metrics)
    app = create_flask(served, pipeline, settings)
    guard.check_scopes(app)
    lane = DirectLane(app.wsgi_app, predictions.direct_routes(served, pipeline))
    # Flask's documented way to stand something before it.
    app.wsgi_app = lane  # type: ignore[method-assign]
    return Service(app, lane, served, pipeline)


def create_flask(served: ServedModels, pipeline: Pipeline, settings: Settings) -> Flask:
    """Every route as a rule of Flask's, and the pipeline's hooks."""
    app = Flask("service", static_folder=None)
    # A redirect to the tidy address would go where the caller's Host header says.
    app.url_map.merge_slashes = False
    app.url_map.converters["default"] = ModelName
    app.json.sort_keys = False  # type: ignore[attr-defined]

    def signature(model: str) -> Headers | None:
        """What is no prediction is signed by the champion."""
        match = served.get(model)
        return match.champion.headers if match is not None else None

    guard.install(app, pipeline, signature)
    state, release = pipeline.state, settings.release
    for blueprint in (
        health.blueprint(served, state, release),
        models.blueprint(served, state, release),
        open_inference.blueprint(served, state, release),
        predictions.blueprint(served),
        stream.blueprint(served, pipeline, settings),
        truth.blueprint(served, settings.max_body, settings.max_rows),
        retrain.blueprint(served, settings),
        containment.blueprint(state),
        page.blueprint(served, release, pipeline.authenticator.required),
    ):
        app.register_blueprint(blueprint)
    return app


def _prove(exported: Mapping[str, ExportedModel]) -> None:
    bundles: list[Bundle] = [
        bundle for model in exported.values() for bundle in model if bundle is not None
    ]
    for bundle in bundles:
        differences = check_golden(bundle)
        if differences:
            # This machine would predict something else than what was exported.
            raise BundleError(f"{bundle.folder}: {differences[0]}; export the bundle again")
