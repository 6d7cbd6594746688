"""Experiments for programs: `/v1/experiments` and `/v1/experiments/MODEL`, as JSON. A ramp goes by them."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Blueprint, Response

from monitoring.experiment.kept import NoExperiment, all_experiments, find_experiment
from monitoring.findings import Store
from monitoring.pages import access
from monitoring.pages.access import NoSuchPage


def install(pages: Blueprint, store: Store) -> None:
    @pages.get("/v1/experiments", endpoint="experiments")
    def list_experiments() -> Response:
        covers = access.caller().covers
        return _json([each for each in all_experiments(store) if covers(each.model)])

    @pages.get("/v1/experiments/<model>", endpoint="experiment")
    def show_experiment(model: str) -> Response:
        try:
            return _json(find_experiment(store, model, access.caller().covers))
        except NoExperiment as error:
            raise NoSuchPage(str(error)) from error


def _json(contents: Any) -> Response:
    return Response(msgspec.json.encode(contents), content_type="application/json")
