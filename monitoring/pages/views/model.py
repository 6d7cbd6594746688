"""The pages of one model: its windows, a version's card, Evidently's report of a window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, render_template, request

from monitoring.experiment.kept import NoExperiment, find_experiment
from monitoring.experiment.values import Experiment
from monitoring.findings.store import Arm, Store
from monitoring.pages import access
from monitoring.pages.access import NoSuchPage
from monitoring.pages.contents import model as contents
from monitoring.pages.outside.versions import CARD
from monitoring.pages.sources import Sources
from service.bundle.contract import Contract


def install(pages: Blueprint, sources: Sources) -> None:
    store, versions = sources.store, sources.versions

    @pages.get("/models/<model>", endpoint="model")
    def show_model(model: str) -> str:  # pylint: disable=redefined-outer-name
        access.check_covers(model)
        arms = [arm for arm in store.arms() if arm.model == model]
        asked = _asked_arm(arms)
        version = versions.of(*asked[:2])
        shown = _model_page(store, model, asked, version.contract if version else None)
        return render_template(
            "model.html",
            now=access.now(),
            model=model,
            arms=arms,
            has_card=version is not None and CARD in version.manifest.files,
            can_report=sources.reports is not None,
            experiment=_experiment(store, model),
            refused=sources.prometheus.now().refused(model),
            **shown,
        )

    @pages.get("/models/<model>/<version>/card", endpoint="card")
    def show_card(model: str, version: str) -> Response:  # pylint: disable=redefined-outer-name
        access.check_covers(model)
        if Arm(model, version, "") not in [arm._replace(arm="") for arm in store.arms()]:
            raise NoSuchPage("There is no such version.")
        card = versions.card(model, version)
        if card is None:
            raise NoSuchPage("The card of this version is not known here.")
        return _foreign(card, access.CARD_POLICY)

    @pages.get("/models/<model>/report", endpoint="report")
    def show_report(model: str) -> Response:  # pylint: disable=redefined-outer-name
        access.check_covers(model)
        asked = _asked_arm([arm for arm in store.arms() if arm.model == model])
        start = _asked_start()
        windows = store.windows(*asked, since=start, limit=50_000 if start else 1)
        record = windows[-1] if windows else None
        if sources.reports is None or record is None or start not in (None, record.start):
            raise NoSuchPage("There is no report of such a window.")
        return _foreign(sources.reports.report(record), access.REPORT_POLICY)


def _model_page(store: Store, name: str, asked: Arm, contract: Contract | None) -> dict[str, Any]:
    limit = request.args.get("windows", contents.LIMITS[0], type=int)
    if limit not in contents.LIMITS:
        raise NoSuchPage(f"windows may be one of {', '.join(map(str, contents.LIMITS))}.")
    task = contract.task if contract else None
    return contents.page(store, name, asked, _asked_start(), limit, task)


def _experiment(store: Store, model: str) -> Experiment | None:
    try:
        return find_experiment(store, model)
    except NoExperiment:
        return None


def _foreign(document: bytes, policy: str) -> Response:
    response = Response(document, content_type=access.HTML)
    response.headers["Content-Security-Policy"] = policy
    return response


def _asked_arm(arms: Sequence[Arm]) -> Arm:
    """As the query names it; the champion's newest version unless it does."""
    version, arm = request.args.get("version"), request.args.get("arm")
    matches = [
        judged_arm
        for judged_arm in arms
        if version in (None, judged_arm.version) and arm in (None, judged_arm.arm)
    ]
    if not matches:
        raise NoSuchPage("No window of such a model, version and arm was judged.")
    return next((judged_arm for judged_arm in matches if judged_arm.arm == "champion"), matches[0])


def _asked_start() -> dt.datetime | None:
    text = request.args.get("window")
    if text is None:
        return None
    try:
        start = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise NoSuchPage(
            "window is the time at which one began, as 2026-01-31T08:00:00Z."
        ) from error
    return start if start.tzinfo else start.replace(tzinfo=dt.UTC)
