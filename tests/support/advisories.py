"""A source of advisories as OSV's, on this machine: what pip-audit asks, whatever network there is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Request, Response

from tests.support.web import answering


@contextmanager
def advisories(holes: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """The variables by which pip-audit asks here; `holes` has the id of a hole by the name of the package."""

    def answer(request: Request) -> Response:
        package = request.get_json(force=True)["package"]
        return Response(json.dumps(_advisories_of(package, holes.get(package["name"]))))

    with answering(answer) as url:
        yield {
            "PIP_AUDIT_VULNERABILITY_SERVICE": "osv",
            "PIP_AUDIT_OSV_URL": f"{url}/v1/query",
        }


def _advisories_of(package: dict[str, str], hole: str | None) -> dict[str, Any]:
    if hole is None:
        return {}
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]
    return {
        "vulns": [
            {"id": hole, "summary": "a hole", "affected": [{"package": package, "ranges": ranges}]}
        ]
    }
