"""What becomes of a release that a build has built and not brought in: whoever said no, and why, is kept.

In the Swarm, so that neither the release nor its code comes in by a build that asks nobody; in MLflow, so that its new
versions are no challengers any more.

    python -m scripts.ci reject-unreleased

Reads, of the environment, PLAN, VERDICT (`none` while nobody has agreed, then `deploy` or `reject`), BY, WHY, RESULT
and BUILD_TAG, and what the deploy came to, in staging and then in production. A build that was lost leaves its
candidates as they are, as does a deploy that was refused before it changed anything, or of which nobody knows how it
ended: the next build goes on from there.
"""

from __future__ import annotations

import os
import subprocess  # nosec B404 # training has a process of its own
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from scripts.command import files
from scripts.command.options import named_stack
from scripts.command.outcome import DONE, LATE, REFUSED, ROLLED_BACK, Refused, finish, say
from scripts.engine.docker import DockerError
from scripts.ledger import confirmations, records
from scripts.ledger.records import Record


class Rejection(NamedTuple):
    by: str
    why: str


def rejection(
    environ: Mapping[str, str], deploy: Mapping[str, Any], staging: Mapping[str, Any]
) -> Rejection | None:
    """Who does not want the candidates, and why; None where that is nobody."""
    tag = environ.get("BUILD_TAG") or "a build"
    if environ.get("PLAN") not in ("deploy", "withdrawn"):
        return None
    if environ.get("VERDICT") == "reject":
        return Rejection(environ.get("BY") or tag, environ.get("WHY") or "no reason given")
    if environ.get("VERDICT") == "none":
        return Rejection(tag, "nobody agreed to it: the approval was aborted, or its time was up")
    why = _why_not(environ.get("RESULT") == "ABORTED", deploy, staging)
    return Rejection(tag, why) if why else None


def _why_not(is_aborted: bool, deploy: Mapping[str, Any], staging: Mapping[str, Any]) -> str:
    """What the release itself came to, where that is no good; empty otherwise."""
    if is_red(staging) and not is_aborted:
        return f"red in staging: {staging.get('reason', 'see its log')}"
    if deploy.get("code") in (ROLLED_BACK, LATE):
        return f"the deploy failed: {deploy.get('reason', 'see its log')}"
    # Of a deploy whose end the build did not see, there is a document without a code: it may serve.
    if is_aborted and deploy.get("code", REFUSED) not in (DONE, None):
        return "the build was aborted before it served"
    return ""


def is_red(staging: Mapping[str, Any]) -> bool:
    """Whether a release did not come into staging, or callers there did not get what they should."""
    return staging.get("code") in (ROLLED_BACK, LATE) or bool(staging.get("red"))


def act() -> dict[str, Any]:
    staging = files.read_json(files.staging_outcome())
    said = rejection(os.environ, files.read_json(files.deploy_outcome()), staging)
    if said is None:
        say("nothing was rejected: the next build goes on from here")
        return {}
    undone = [problem for problem in (_keep_in_swarm(said), _keep_in_mlflow(said)) if problem]
    if undone:
        raise Refused(f"rejected by {said.by} ({said.why}), but {'; '.join(undone)}")
    return said._asdict()


def _keep_in_swarm(said: Rejection) -> str:
    """An empty word, or what was not kept."""
    document, image = (
        files.read_json(files.release(name)) for name in ("release.json", "image.json")
    )
    if not document:
        return "there is no release.json here, so the Swarm does not know of it"
    stack = named_stack()
    try:
        history = records.history(stack)
        # What was red in staging its deploy or its proof has kept already.
        seen = confirmations.newest(history, image.get("image", ""))
        if seen is None or seen.outcome != records.RED:
            serving = records.serving(history)
            records.store(stack, _record(said, document, image, serving.release if serving else ""))
    except DockerError as error:
        return f"the Swarm does not know of it: {error.words}"
    return ""


def _record(
    said: Rejection, document: Mapping[str, Any], image: Mapping[str, Any], serving: str
) -> Record:
    return Record(
        kind=records.REJECTION,
        release=document["release"],
        image=image.get("image", ""),
        at=records.now(),
        by=said.by,
        why=said.why,
        outcome=records.REJECTED,
        replaced=serving,
        document=document,
        golden={},
    )


def _keep_in_mlflow(said: Rejection) -> str:
    """An empty word, or what was not kept."""
    command = [sys.executable, "-m", "training", "reject", "--exported"]
    command += ["--by", said.by, "--why", said.why]
    if subprocess.run(command, check=False).returncode:  # nosec B603
        return "its versions could not be marked in MLflow"
    return ""


def main() -> int:
    return finish(act, as_json=False)
