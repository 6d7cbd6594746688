"""`/openapi.json`, and `/docs`: a page to try it, with no asset from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from flask import Response, redirect, request

from service.openapi.document import document
from service.predict.served import Core
from service.views.models import as_json
from service.web.problems import JSON_TYPE, NotFound

if TYPE_CHECKING:
    from service.app import Service

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


def add_routes(app: Service, core: Core) -> None:
    made: list[bytes] = []

    @app.get("/openapi.json", endpoint="openapi")
    def openapi() -> Response:
        if not made:
            made.append(msgspec.json.encode(document(core)))
        return Response(made[0], content_type=JSON_TYPE)

    @app.get("/docs", endpoint="docs")
    @app.get("/docs/<asset>", endpoint="docs")
    def docs(asset: str = "docs.html") -> Response:
        if asset not in ASSETS:
            raise NotFound(f"there is no page {asset[:100]!r}; see /docs")
        response = Response((PAGES / asset).read_bytes(), content_type=ASSETS[asset])
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    @app.get("/", endpoint="home")
    def home() -> Any:
        """A browser gets the page; KServe's V1 clients ask here whether the server is alive."""
        wants_page = request.accept_mimetypes.best_match((JSON_TYPE, "text/html")) == "text/html"
        alive = {"status": "alive", "release": core.settings.release}
        response = redirect("/docs") if wants_page else as_json(alive)
        response.headers["Vary"] = "Accept"
        return response
