"""`/openapi.json`, and `/docs`: a page to try it, with no asset from elsewhere."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, request

from service.openapi.document import document
from service.predict.served import ServedModels
from service.web.guard import scopes
from service.web.problems import NotFound
from service.web.reply import JSON_TYPE, encode_json, json_response

PAGES = Path(__file__).parent / "pages"
ASSETS = {
    "docs.html": "text/html; charset=utf-8",
    "docs.css": "text/css; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
}
#: The page runs its own script and asks its own server: nothing else.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def blueprint(models: ServedModels, release: str, needs_key: bool) -> Blueprint:
    routes = Blueprint("docs", __name__)
    described = functools.cache(lambda: encode_json(document(models, release, needs_key)))

    @routes.get("/openapi.json", endpoint="openapi")
    @scopes()
    def openapi() -> Response:
        return Response(described(), content_type=JSON_TYPE)

    @routes.get("/docs", endpoint="docs")
    @routes.get("/docs/<asset>", endpoint="docs")
    @scopes()
    def docs(asset: str = "docs.html") -> Response:
        if asset not in ASSETS:
            raise NotFound(f"there is no page {asset[:100]!r}; see /docs")
        response = Response((PAGES / asset).read_bytes(), content_type=ASSETS[asset])
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @routes.get("/", endpoint="home")
    @scopes()
    def home() -> Any:
        """A browser gets the page; KServe's V1 clients ask here whether the server is alive."""
        wants_page = request.accept_mimetypes.best_match((JSON_TYPE, "text/html")) == "text/html"
        alive = {"status": "alive", "release": release}
        response = redirect("/docs") if wants_page else json_response(alive)
        response.headers["Vary"] = "Accept"
        return response

    return routes
