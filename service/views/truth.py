"""The route POST /v1/models/<model>/truth: what really happened, for predictions that were served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from flask import Blueprint, Response, request

from service.bundle.contract import FieldError
from service.journal import Journal
from service.journal import Unavailable as JournalUnavailable
from service.predict.served import ServedModels
from service.web.body import check_content_type, check_row_limit, read_body
from service.web.guard import scopes
from service.web.problems import NotFound, Unavailable, Unprocessable
from service.web.reply import JSON_TYPE, json_response
from service.web.strict_json import parse_json

if TYPE_CHECKING:
    from service.journal.truth import Key

ENTRY = "request_id, row (0 if left out) and value"


def blueprint(models: ServedModels, max_body: int, max_rows: int) -> Blueprint:
    routes = Blueprint("truth", __name__)

    @routes.post("/v1/models/<model>/truth", endpoint="truth")
    @scopes("truth")
    def truth(model: str) -> Response:
        models.find(model)
        check_content_type(request.environ, JSON_TYPE)
        documents = _entries(parse_json(read_body(request.environ, max_body)))
        check_row_limit(len(documents), max_rows)
        return _store(models.journal, model, documents)

    return routes


def _entries(document: Any) -> list[Any]:
    """One entry, or `{"entries": [...]}`."""
    if isinstance(document, dict) and "entries" in document:
        entries = document["entries"]
        if not isinstance(entries, list) or len(document) != 1:
            raise Unprocessable.field("entries", entries, "a list, and nothing beside it")
        return entries
    return [document]


def _store(journal: Journal | None, model: str, documents: list[Any]) -> Response:
    if journal is None:
        raise NotFound("this service keeps no journal, so there is nothing to tell the truth about")
    # The first truth loads SQLAlchemy; a worker that never gets one does without.
    from service.journal.truth import Entry  # pylint: disable=import-outside-toplevel

    entries = []
    for row, document in enumerate(documents):
        try:
            entries.append(msgspec.convert(document, Entry))
        # The other, where a text with half of a surrogate pair stands for what is no text.
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise Unprocessable.field(
                "", document, f"an object with {ENTRY}: {error}", row
            ) from error
    try:
        outcome = journal.truth(model, entries)
    except JournalUnavailable as error:
        raise Unavailable(
            "the journal's database does not answer; try again", retry_after=10
        ) from error
    if outcome.unknown and not (outcome.stored or outcome.unchanged or outcome.replaced):
        raise _unknown(model, outcome.unknown)
    return json_response(outcome)


def _unknown(model: str, keys: tuple[Key, ...]) -> NotFound:
    errors = [
        FieldError(
            number, "request_id", f"{key.request_id}, row {key.row}", "a prediction that was served"
        )
        for number, key in enumerate(keys[:100])
    ]
    detail = f"{model} has not served any of these predictions; a fresh one may be known soon"
    return NotFound(detail, errors=errors, total=len(keys))
