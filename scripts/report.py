"""What a build came to, in words: from what it left behind to the mail, the message, the page and the name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scripts.outcome import REFUSED

WORDS = {"SUCCESS": "Done", "UNSTABLE": "Unstable", "FAILURE": "FAILED", "ABORTED": "Aborted"}
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Build(NamedTuple):
    """Everything that a report tells of; empty where a build did not come that far."""

    result: str
    job: str
    number: str
    url: str
    scope: str = ""
    plan: str = ""
    verdict: str = ""
    by: str = ""
    reason: str = ""
    trainings: tuple[dict[str, Any], ...] = ()
    release: Mapping[str, Any] = NOTHING
    deploy: Mapping[str, Any] = NOTHING
    broken: tuple[str, ...] = ()
    goal: str = ""
    last_words: str = ""


def subject(build: Build) -> str:
    about = release_name(build) or build.scope
    return (
        f"{WORDS.get(build.result, build.result)}: {build.job} #{build.number}"
        f"{f' ({about})' if about else ''}"
    )


def name(build: Build) -> str:
    """What the build is called in Jenkins' lists."""
    return " ".join(filter(None, (f"#{build.number}", release_name(build))))


def description(build: Build) -> str:
    parts = [f"{one['model']} {one['version'] or 'refused'}" for one in build.trainings]
    if build.scope == "documents":
        parts.append("only documents changed")
    if build.result not in ("SUCCESS", "UNSTABLE"):
        parts.append(f"{build.goal or 'build'} {WORDS.get(build.result, build.result)}")
    return ", ".join(parts)


def release_name(build: Build) -> str:
    """What was built; of a job that builds nothing, what it brought in."""
    brought = build.deploy.get("record", {}).get("release", "")
    return str(build.release.get("release", brought))


def offer(build: Build) -> str:
    """What a person is asked to agree to, on one line: each model beside its champion."""
    models = "; ".join(_offered(one) for one in build.trainings)
    return f"{release_name(build)}: {models}" if models else release_name(build)


def _offered(one: dict[str, Any]) -> str:
    values = "; ".join(
        _beside(name, value, one["champion"]) for name, value in one["metrics"].items()
    )
    return f"{one['model']} {one['version']}, {one['status']} ({values})"


def _beside(metric: str, value: float, champion: Mapping[str, float]) -> str:
    beside = f", champion {champion[metric]:.4g}" if metric in champion else ""
    return f"{metric} {value:.4g}{beside}"


def mail(build: Build) -> str:
    parts = (_head(build), _why(build), _serving(build), _models(build), _links(build))
    return "\n\n".join(filter(None, parts)) + "\n"


def message(build: Build) -> dict[str, Any]:
    """For a webhook: `text` is what Slack, Mattermost and Teams show."""
    parts = (subject(build), _why(build, lines=5), _serving(build), _models(build), build.url)
    return {"text": "\n".join(filter(None, parts))}


def _head(build: Build) -> str:
    if build.scope == "documents":
        return (
            f"{subject(build)}\nOnly documents changed: nothing was trained, nothing was deployed."
        )
    return subject(build)


def _why(build: Build, lines: int = 30) -> str:
    if build.result == "SUCCESS":
        return ""
    parts = [*build.broken[:lines]]
    if build.goal:
        said = build.last_words.splitlines()[-lines:]
        parts += [f"`make {build.goal}` failed; its last words:", *(f"    {line}" for line in said)]
    elif build.result == "ABORTED":
        parts.append(_ended(build))
    return "\n".join(["Why:", *(parts or ["see the log: " + build.url + "console"])])


def _ended(build: Build) -> str:
    if build.verdict == "reject":
        return f"{build.by} rejected the release: {build.reason or 'no reason given'}"
    if build.verdict == "none":
        return "Nobody agreed to the release: the approval was aborted, or its time was up."
    return "It was ended by a person, or its time was up."


def _serving(build: Build) -> str:
    """What serves now, as far as this build knows; said above all where it did not go well."""
    code, reason = build.deploy.get("code"), build.deploy.get("reason", "")
    if code == 0:
        record = build.deploy.get("record", {})
        return f"Serving: release {record.get('release', release_name(build))}."
    if "code" in build.deploy and code is None:
        return f"Serving: not known to this build: {reason}"
    if code is None and build.result == "SUCCESS":
        unchanged = f"Serving: release {release_name(build)}, as before; nothing had changed."
        return unchanged if build.plan == "nothing" else ""
    if code is None:
        return "Serving: nothing was deployed; the release that served before still serves."
    serves = build.deploy.get("serves")
    if code != REFUSED and not serves:
        return f"Serving: what is there now is not verified: {reason}"
    what = f"release {serves}" if serves else "what served before"
    return f"Serving: {what} still serves; the new release does not: {reason}"


def _models(build: Build) -> str:
    if not build.trainings:
        return ""
    return "\n".join(["Models:", *(line for one in build.trainings for line in _model(one))])


def _model(one: dict[str, Any]) -> Iterator[str]:
    version = f"version {one['version']}" if one["version"] else "refused"
    yield f"  {one['model']}: {version}, {one['status']}{rejected(one)}"
    for metric, value in one["metrics"].items():
        champion = one["champion"].get(metric)
        beside = "" if champion is None else f" (champion {champion:.4g}, {value - champion:+.2g})"
        yield f"    {metric} {value:.4g}{beside}"
    for rule in one["gates"]:
        if not rule["passed"]:
            yield f"    FAIL {rule['rule']}: value {rule['value']:.4g}, bound {rule['bound']:.4g}"


def rejected(one: dict[str, Any]) -> str:
    return f", rejected {one['rejected']}" if one.get("rejected") else ""


def _links(build: Build) -> str:
    if not build.url:
        return ""
    pages = {"Build": "", "Log": "console", "Tests and data": "testReport", "Files": "artifact"}
    return "\n".join(f"{title}: {build.url}{path}" for title, path in pages.items())


def harmless(text: str) -> str:
    """Jenkins' mail fills in what looks like ${THIS}; a quoted log shall stay as it is."""
    return re.sub(r"\$(?=[A-Za-z_{])", "$ ", text)
