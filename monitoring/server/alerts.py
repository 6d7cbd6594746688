"""The route POST /alerts/retrain, to which Alertmanager posts alerts that ask for a retraining.

Inside of the stack alone: the edge leads to no such path. Without the token nothing is read of a message.
"""

from __future__ import annotations

import hmac
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from monitoring.findings import FindingsUnavailable, Retrain, Store
from monitoring.retrain import BadMessage, Taker
from monitoring.settings import Settings
from service.process.logs import log

PATH = "/alerts/retrain"
LARGEST_BODY = 1 << 20
OFF = "alerts start no retraining here: RETRAIN_URL, RETRAIN_TOKEN and RETRAIN_WEBHOOK_TOKEN have to be set"


def install(app: Flask, settings: Settings, store: Store) -> None:
    """Answers 200 with what became of each model's alerts, also where that is a refusal: the message did arrive."""
    taker = Taker(store, settings.retrain_cooldown)

    @app.post(PATH)
    def take_alerts() -> Response:
        if not settings.retrains:
            return _problem(404, OFF)
        if not _is_authorised(settings.retrain_webhook_token):
            log("warning", "retrain-unauthorised", client=request.remote_addr)
            refusal = _problem(401, "the token is needed: Authorization: Bearer TOKEN")
            refusal.headers["WWW-Authenticate"] = 'Bearer realm="alerts"'
            return refusal
        request.max_content_length = LARGEST_BODY
        try:
            requests = taker.take(request.get_data())
        except RequestEntityTooLarge:
            return _problem(413, f"a message may have {LARGEST_BODY} bytes")
        except BadMessage as error:
            return _problem(400, str(error))
        except FindingsUnavailable as error:
            # Alertmanager sends it again.
            return _problem(503, str(error))
        return jsonify({"requests": [_shown(each) for each in requests]})


def _is_authorised(token: str) -> bool:
    word, _, shown = request.headers.get("Authorization", "").partition(" ")
    # Compared as bytes: a text that is not ASCII is refused by compare_digest with an exception.
    return word.lower() == "bearer" and hmac.compare_digest(shown.encode(), token.encode())


def _problem(status: int, detail: str) -> Response:
    response: Response = jsonify({"status": status, "detail": detail})
    response.status_code = status
    return response


def _shown(retrain: Retrain) -> dict[str, Any]:
    return {
        "model": retrain.model,
        "outcome": retrain.outcome,
        "reason": retrain.reason,
        "place": retrain.place,
        "deliveries": retrain.deliveries,
    }
