"""Flask's hooks, which take each request through the pipeline; and who may ask for a view, said beside it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service.web import problems
from service.web.keys import Scope
from service.web.pipeline import Pipeline, RequestContext
from service.web.problems import BadRequest, Problem
from service.web.reply import Headers

View = TypeVar("View", bound=Callable[..., Any])
_MODEL_IN = re.compile(r"/v[12]/models/([^/:]+)").match


class RuleWithoutScopes(Exception):
    """A view that does not say who may ask for it: it might be open to more than was meant."""


def scopes(*names: Scope) -> Callable[[View], View]:
    """Who may ask for a view: keys with one of these scopes; without any, everyone who reaches the port."""

    def mark(view: View) -> View:
        setattr(view, "scopes", names)
        return view

    return mark


def unlogged(view: View) -> View:
    """For what machines ask every second."""
    setattr(view, "unlogged", True)
    return view


def check_scopes(app: Flask) -> None:
    """Called at the start, when all rules are there."""
    for rule in app.url_map.iter_rules():
        if not hasattr(app.view_functions[rule.endpoint], "scopes"):
            raise RuleWithoutScopes(f"{rule.rule} has no @scopes beside its view; add them")


def install(app: Flask, pipeline: Pipeline, signature: Callable[[str], Headers | None]) -> None:
    """`signature` gives the headers of a model's answers, None where there is no such model."""

    @app.before_request
    def enter() -> None:
        view: Any = app.view_functions.get(request.endpoint or "")
        route = (request.endpoint or "none").rpartition(".")[2]
        g.context = context = pipeline.begin(request.environ, route)
        context.logged = not hasattr(view, "unlogged")
        path = request.environ["PATH_INFO"]
        if "//" in path:
            raise problems.NotFound(f"there is nothing at {path[:200]}: a slash stands there twice")
        # What is at no page needs a key, to learn so, and no scope.
        needed = view.scopes if view else None
        pipeline.admit(context, needed, (request.view_args or {}).get("model"))
        model = _model_in(path)
        # Who may not ask is not told either.
        if context.key.covers(model):
            context.signed_by = signature(model) or context.signed_by

    @app.teardown_request
    def leave(_error: BaseException | None) -> None:
        if g.pop("context", None) is not None:
            pipeline.state.request_ended()

    @app.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        reply = pipeline.refuse(g.context, _as_problem(error))
        return Response(reply.body, int(reply.status[:3]), reply.headers)

    @app.after_request
    def sign(response: Response) -> Response:
        context: RequestContext = g.context
        response.headers.update(pipeline.finish(context, response.status))
        return response


def _model_in(path: str) -> str:
    """The model that a path names, whether or not there is such a page."""
    match = _MODEL_IN(path)
    return match[1] if match else ""


def _as_problem(error: Exception) -> Exception:
    if isinstance(error, Problem) or not isinstance(error, HTTPException):
        return error
    if isinstance(error, NotFound):
        return problems.NotFound(
            f"there is nothing at {request.path[:200]}; /docs shows what there is"
        )
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        return problems.MethodNotAllowed(
            f"{request.method[:20]} is not allowed here", headers=[("Allow", allowed)]
        )
    if error.code and error.code < 500:
        return BadRequest(error.description or "this request cannot be served")
    return error
