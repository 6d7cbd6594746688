"""One operation of the OpenAPI document: what it takes, what it answers, and how it may refuse."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from service.openapi.schemas import Json, closed_object, ref
from service.web.reply import JSON_TYPE, PROBLEM_TYPE

PROBLEMS = {
    "400": "Not JSON, not sound HTTP, or a header that cannot be.",
    "401": "No key, or none that is known.",
    "403": "The key has not the scope, or not for this model; or a page of another site asks.",
    "404": "No such model or page; the models there are.",
    "405": "Another method is allowed here.",
    "408": "The body did not arrive in time.",
    "409": "Already under way.",
    "413": "The body is larger than allowed.",
    "415": "Another content type or encoding is needed.",
    "422": "Not as the contract says: one entry a bad field.",
    "502": "Jenkins, or the command, could not be reached.",
    "503": "Busy or draining: try again, as Retry-After says.",
}
OPEN = ("403",)
READ = ("400", "401", "403", "404")
WRITE = (*READ, "408", "413", "415", "422", "503")
PROBLEM: Json = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": closed_object(
                {
                    "row": {"type": "integer"},
                    "column": {"type": "string"},
                    "given": {},
                    "allowed": {"type": "string"},
                }
            ),
        },
        "total": {"type": "integer"},
        "error": {"type": "string", "description": "The detail again, for clients of V2."},
    },
    "required": ["type", "title", "status", "detail", "request_id"],
    "additionalProperties": False,
}
HEADERS = {
    "X-Request-Id": "The caller's, if it is sane, or a new one.",
    "X-Release": "The release that answered.",
    "X-Model": "The model that was asked.",
    "X-Model-Version": "Its version that answered.",
    "X-Arm": "The arm that answered: champion or challenger.",
}
EVERY = ("X-Request-Id", "X-Release")


class Answers(NamedTuple):
    """What an operation answers when all is well, and how else it may end."""

    success: Json
    codes: Collection[str]
    status: str = "200"
    #: Content types of a good answer beside JSON.
    beside: tuple[str, ...] = ()
    #: The headers that its answers have. Whoever may not ask gets those of EVERY.
    headers: Iterable[str] = EVERY


def responses(answers: Answers) -> Json:
    content = {JSON_TYPE: {"schema": answers.success}} | {kind: {} for kind in answers.beside}
    success = {"description": "The answer.", "headers": _refs(answers.headers), "content": content}
    return {answers.status: success} | {
        code: _problem(code, answers.headers) for code in answers.codes
    }


def _problem(code: str, headers: Iterable[str]) -> Json:
    shown = EVERY if code in ("401", "403") else headers
    content = {PROBLEM_TYPE: {"schema": ref("Problem")}}
    return {"description": PROBLEMS[code], "headers": _refs(shown), "content": content}


def _refs(headers: Iterable[str]) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in headers}


def operation(
    tag: str, name: str, summary: str, answers: Answers, request: Json | None = None
) -> Json:
    """`request` has what of the operation is about its input: requestBody, parameters."""
    described = {
        "tags": [tag],
        "summary": summary,
        "operationId": name,
        "responses": responses(answers),
    }
    free: Json = {} if "401" in answers.codes else {"security": []}
    return described | free | (request or {})


def body(schema: Json, examples: Json, beside: dict[str, Json] | None = None) -> Json:
    """A request body as JSON, or as one of the content types `beside`, each with its schema."""
    content: dict[str, Any] = {
        JSON_TYPE: {
            "schema": schema,
            "examples": {name: {"value": value} for name, value in examples.items()},
        }
    }
    others = {kind: {"schema": other} for kind, other in (beside or {}).items()}
    return {"requestBody": {"required": True, "content": content | others}}


def parameters(*names: str) -> Json:
    return {"parameters": [{"$ref": f"#/components/parameters/{name}"} for name in names]}
