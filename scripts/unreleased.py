"""What becomes of candidates that a build has built and not released: whoever said no, and why, is kept in MLflow.

    python -m scripts.unreleased

Reads, of the environment, PLAN, VERDICT (`none` while nobody has agreed, then `deploy` or `reject`), BY, WHY, RESULT
and BUILD_TAG, and what the deploy came to. A build that was lost leaves its candidates as they are, as does a deploy
that was refused before it changed anything, or of which nobody knows how it ended: the next build goes on from there.
"""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404 # training has a process of its own
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.options import outcome_file
from scripts.outcome import DONE, LATE, REFUSED, ROLLED_BACK, Refused, finish, say


class Rejection(NamedTuple):
    by: str
    why: str


def rejection(environ: Mapping[str, str], deploy: Mapping[str, Any]) -> Rejection | None:
    """Who does not want the candidates, and why; None where that is nobody."""
    build = environ.get("BUILD_TAG") or "a build"
    if environ.get("PLAN") != "deploy":
        return None
    if environ.get("VERDICT") == "reject":
        return Rejection(environ.get("BY") or build, environ.get("WHY") or "no reason given")
    if environ.get("VERDICT") == "none":
        return Rejection(build, "nobody agreed to it: the approval was aborted, or its time was up")
    if deploy.get("code") in (ROLLED_BACK, LATE):
        return Rejection(build, f"the deploy failed: {deploy.get('reason', 'see its log')}")
    # Of a deploy whose end the build did not see, there is a document without a code: it may serve.
    if environ.get("RESULT") == "ABORTED" and deploy.get("code", REFUSED) not in (DONE, None):
        return Rejection(build, "the build was aborted before it served")
    return None


def act() -> dict[str, Any]:
    kept = outcome_file()
    deploy = json.loads(kept.read_bytes()) if kept.is_file() else {}
    found = rejection(os.environ, deploy)
    if found is None:
        say("nothing was rejected: the next build goes on from here")
        return {}
    command = [sys.executable, "-m", "training", "reject", "--exported"]
    told = [*command, "--by", found.by, "--why", found.why]
    if subprocess.run(told, check=False).returncode:  # nosec B603
        raise Refused(f"the candidates could not be marked as rejected by {found.by}: {found.why}")
    return found._asdict()


if __name__ == "__main__":
    sys.exit(finish(act, as_json=False))
