"""What really happened, and training anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, g, request

from service import journal
from service.bundle.contract import FieldError
from service.predict.served import Core
from service.views.models import as_json
from service.views.retrain import Retrain
from service.web.body import need_type, read_body
from service.web.problems import JSON_TYPE, NotFound, Unavailable, Unprocessable
from service.web.strict_json import parse_json, too_many

if TYPE_CHECKING:
    from service.app import Service
    from service.journal.truth import Key

ENTRY = "request_id, row (0 if left out) and value"


def add_routes(app: Service, core: Core) -> None:
    retrain = Retrain(core.settings)

    @app.post("/v1/models/<model>/truth", endpoint="truth")
    def truth(model: str) -> Response:
        core.model(model)
        need_type(request.environ, JSON_TYPE)
        given = _entries(parse_json(read_body(request.environ, core.settings.max_body)))
        if len(given) > core.settings.max_rows:
            raise too_many(len(given), core.settings.max_rows)
        return _store(core, model, given)

    @app.post("/v1/models/<model>/retrain", endpoint="retrain")
    def start(model: str) -> Response:
        core.model(model)
        need_type(request.environ, JSON_TYPE)
        read_body(request.environ, core.settings.max_body)
        return as_json(retrain.start(model, g.request_id), 202)


def _entries(document: Any) -> list[Any]:
    """One entry, or `{"entries": [...]}`."""
    if isinstance(document, dict) and "entries" in document:
        entries = document["entries"]
        if not isinstance(entries, list) or len(document) != 1:
            raise Unprocessable.field("entries", entries, "a list, and nothing beside it")
        return entries
    return [document]


def _store(core: Core, model: str, given: list[Any]) -> Response:
    if core.journal is None:
        raise NotFound("this service keeps no journal, so there is nothing to tell the truth about")
    # The first truth loads SQLAlchemy; a worker that never gets one does without.
    from service.journal.truth import Entry  # pylint: disable=import-outside-toplevel

    entries = []
    for row, entry in enumerate(given):
        try:
            entries.append(msgspec.convert(entry, Entry))
        # The other, where a text with half of a surrogate pair stands for what is no text.
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise Unprocessable.field("", entry, f"an object with {ENTRY}: {error}", row) from error
    try:
        outcome = core.journal.truth(model, entries)
    except journal.Unavailable as error:
        raise Unavailable(
            "the journal's database does not answer; try again", retry_after=10
        ) from error
    if outcome.unknown and not (outcome.stored or outcome.unchanged or outcome.replaced):
        raise _unknown(model, outcome.unknown)
    return as_json(outcome)


def _unknown(model: str, keys: tuple[Key, ...]) -> NotFound:
    errors = [
        FieldError(
            place, "request_id", f"{key.request_id}, row {key.row}", "a prediction that was served"
        )
        for place, key in enumerate(keys[:100])
    ]
    detail = f"{model} has not served any of these predictions; a fresh one may be known soon"
    return NotFound(detail, errors=errors, total=len(keys))
