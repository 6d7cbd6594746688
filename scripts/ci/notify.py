"""Tells people what a build came to: subject, mail, name and description in build/report, a page, a message.

    python -m scripts.ci notify [--json]
    python -m scripts.ci offer             only prints what a person is to agree to

Reads what the build left behind (reports, logs, release), and of the environment RESULT, SCOPE, PLAN, VERDICT, BY,
WHY, SINCE (the commit that succeeded last), JOB_NAME, BUILD_NUMBER, BUILD_URL and WEBHOOK_URL (`none`, or empty: no
message). A webhook that does not answer is said, and fails nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # nosec B405 # our own reports

import requests

from scripts.ci import report
from scripts.ci.mail import harmless, mail_of, message_of
from scripts.ci.page import page
from scripts.command import checkout, files
from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import Refused, finish, say

SECONDS = 10.0
#: What email-ext fills in: NOTIFY_TO of the controller.
DEFAULT_RECIPIENTS = "$DEFAULT_RECIPIENTS"
#: What a process ends with that was told to: in a parallel stage, the others of the one that failed.
TOLD_TO_END = {"130", "137", "143"}


def gather() -> report.Build:
    environ, reports = os.environ, files.reports()
    log = Path(environ.get("SWARMLINE_LOG") or files.build() / "log")
    goal = _failed_first(log)
    trainings = [_json(path) for path in sorted(reports.glob("*/training.json"))]
    return report.Build(
        result=environ.get("RESULT", "SUCCESS"),
        job=environ.get("JOB_NAME", "build"),
        number=environ.get("BUILD_NUMBER", "0"),
        url=environ.get("BUILD_URL", ""),
        scope=environ.get("SCOPE", ""),
        plan=environ.get("PLAN", ""),
        verdict=environ.get("VERDICT", ""),
        by=environ.get("BY", ""),
        reason=environ.get("WHY", ""),
        committers=_committers(),
        trainings=tuple(trainings),
        release=_json(files.release("release.json")),
        deploy=_json(files.release("deploy.json")),
        staging=_json(files.staging_outcome()),
        changes=_json(files.changes()),
        broken=tuple(_broken(reports)),
        goal=goal,
        last_words=_text(log / f"{goal.replace(' ', '+')}.log") if goal else "",
    )


def _committers() -> tuple[str, ...]:
    """Whose commits came in since the last build that succeeded; of a job that builds no commit, nobody."""
    if not os.environ.get("SCOPE"):
        return ()
    try:
        return tuple(checkout.committers(Path.cwd(), os.environ.get("SINCE", "")))
    except Refused as error:
        say(f"swarmline: no committer is mailed: {error}")
        return ()


def _failed_first(log: Path) -> str:
    """The goal whose failure the others followed; where all were told to end, the first of them."""
    lines = [line.partition(" ") for line in _text(log / "failed").splitlines()]
    own = [goal for code, _, goal in lines if code not in TOLD_TO_END]
    return next(iter(own or [goal for _, _, goal in lines]), "")


def _broken(reports: Path) -> Iterator[str]:
    """Failed tests, lint messages and broken rules of the data, from their JUnit reports."""
    for path in sorted(reports.rglob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()  # nosec B314
        except ElementTree.ParseError:
            continue  # the build was ended while this was written
        for case in root.iter("testcase"):
            for problem in (*case.iter("failure"), *case.iter("error")):
                said = (problem.get("message") or "").strip().partition("\n")[0]
                yield f"{case.get('classname')} {case.get('name')}: {said}"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        return files.read_json(path)
    except ValueError as error:
        say(f"swarmline: {path}: {error}; left out of the report")
        return {}


def write(build: report.Build, folder: Path) -> dict[str, Any]:
    texts = {
        "subject.txt": report.subject(build),
        "mail.txt": harmless(mail_of(build)),
        "name.txt": report.name(build),
        "description.txt": report.description(build),
        "recipients.txt": ", ".join([DEFAULT_RECIPIENTS, *build.committers]),
    }
    for name, text in texts.items():
        files.write(folder / name, text)
    return texts


def post(url: str, build: report.Build) -> str:
    """An empty word, or why nobody got the message; the address is a secret and stays out of it."""
    try:
        answer = requests.post(url, json=message_of(build), timeout=SECONDS)
    except requests.RequestException as error:
        return f"the webhook did not answer: {type(error).__name__}"
    return "" if answer.ok else f"the webhook answered {answer.status_code}"


def act() -> dict[str, Any]:
    build = gather()
    folder = files.build() / "report"
    texts = write(build, folder)
    reports = files.reports()
    files.write(reports / "index.html", page(build, reports))
    say(texts["mail.txt"].rstrip())
    problem, url = "", os.environ.get("WEBHOOK_URL", "none")
    if url not in ("", "none"):
        problem = post(url, build)
        say(f"swarmline: {problem or 'the message was posted'}")
    return {"folder": str(folder), "subject": texts["subject.txt"], "webhook": problem}


def main_offer(arguments: list[str] | None = None) -> int:
    parsed(plain_parser("ci offer", __doc__), arguments)
    print(report.offer(gather()))
    return 0


def main(arguments: list[str] | None = None) -> int:
    options = parsed(plain_parser("ci notify", __doc__), arguments)
    return finish(act, options.json)
