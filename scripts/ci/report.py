"""What a build came to, in words: from what it left behind to the mail, the message, the page and the name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scripts.command.outcome import REFUSED
from scripts.image import changes

#: Characters of a cause in a headline; the mail has it whole.
LONGEST = 300
WORDS = {"SUCCESS": "Done", "UNSTABLE": "Unstable", "FAILURE": "FAILED", "ABORTED": "Aborted"}
#: What a change of the Swarm that failed leaves undone, by its kind.
UNDONE = {
    "deploy": "the new release does not",
    "rollback": "nothing was gone back to",
    "traffic": "the traffic is shared as before",
}
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
    committers: tuple[str, ...] = ()
    trainings: tuple[dict[str, Any], ...] = ()
    release: Mapping[str, Any] = NOTHING
    deploy: Mapping[str, Any] = NOTHING
    #: What `make plan` said that the release changes against what serves (scripts/image/changes.py).
    changes: Mapping[str, Any] = NOTHING
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
    """What Jenkins shows at the top of the build: why it is not well, then the versions."""
    parts = list(build.changes["models"]) if build.changes else _trained(build)
    if withdrawn(build):
        parts = [f"not deployed: {withdrawn(build)}"]
    if build.scope == "documents":
        parts.append("only documents changed")
    return ". ".join(filter(None, (headline(build), ", ".join(parts))))


def _trained(build: Build) -> list[str]:
    return [f"{each['model']} {each['version'] or 'refused'}" for each in build.trainings]


def headline(build: Build) -> str:
    """The result and its first cause, on one line; empty where all went well."""
    if build.result == "SUCCESS":
        return ""
    reasons = causes(build) or [f"{build.goal or 'build'} failed; see the log"]
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    first = " ".join(reasons[0].split())
    return f"{WORDS.get(build.result, build.result)}: {first[:LONGEST]}{more}"


def causes(build: Build) -> list[str]:
    """Why the build is not well, each on a line: who ended it, or which rule, replica, test or target failed."""
    if build.result == "SUCCESS":
        return []
    refusal = _refusal(build)
    if refusal:
        return [refusal]
    named = [*_failed_rules(build), *_failed_deploy(build), *build.broken]
    if build.goal and not named:
        named = [f"`make {build.goal}` failed{_last_line(build)}"]
    return named or (["it was ended by a person, or its time was up"] if _aborted(build) else [])


def _aborted(build: Build) -> bool:
    return build.result == "ABORTED"


def _refusal(build: Build) -> str:
    if build.verdict == "reject":
        return f"rejected by {build.by}: {build.reason or 'no reason given'}"
    if build.verdict == "none" and _aborted(build):
        return "nobody agreed to the release: the approval was aborted, or its time was up"
    return ""


def _failed_rules(build: Build) -> Iterator[str]:
    for training in build.trainings:
        for rule in training["gates"]:
            if not rule["passed"]:
                yield f"gate of {training['model']}: {in_words(rule)}"


def in_words(rule: Mapping[str, Any]) -> str:
    value, bound = ("-" if rule[key] is None else f"{rule[key]:.4g}" for key in ("value", "bound"))
    return f"{rule['rule']}: value {value}, bound {bound}"


def _failed_deploy(build: Build) -> Iterator[str]:
    if build.deploy.get("code") and build.deploy.get("reason"):
        yield f"{_kind(build)}: {build.deploy['reason']}"


def _kind(build: Build) -> str:
    """What was to change the Swarm: deploy, rollback or traffic."""
    recorded = build.deploy.get("failed", {}).get("kind")
    return str(recorded or next((word for word in build.goal.split() if word in UNDONE), "deploy"))


def _last_line(build: Build) -> str:
    lines = [line.strip() for line in build.last_words.splitlines() if line.strip()]
    # Make's own last line says only that it failed.
    said = [line for line in lines if not line.startswith("make")]
    return f": {said[-1]}" if said else ""


def withdrawn(build: Build) -> str:
    """Who took away what was built, while nobody has brought it in again; `make plan` found it out."""
    return str(build.deploy.get("withdrawn", ""))


def release_name(build: Build) -> str:
    """What was built; of a job that builds nothing, what it brought in."""
    brought = build.deploy.get("record", {}).get("release", "")
    return str(build.release.get("release", brought))


def offer(build: Build) -> str:
    """What a person is asked to agree to, on one line: what the image holds against what serves."""
    again = f"AGAIN, although {withdrawn(build)}: " if withdrawn(build) else ""
    if not build.changes:
        return again + release_name(build)
    held = build.release.get("models", {})
    trainings = [each for each in build.trainings if _is_new_in(held, build.changes, each)]
    return again + ". ".join([changes.in_words(build.changes), *map(_metrics, trainings)])


def _is_new_in(
    held: Mapping[str, Any], change: Mapping[str, Any], training: Mapping[str, Any]
) -> bool:
    """Whether the image holds just what this training came to, and what serves does not."""
    versions = {str(arm["version"]) for arm in held.get(training["model"], {}).values()}
    changed = any(line.startswith(f"{training['model']}") for line in change["models"])
    return changed and training["version"] in versions


def _metrics(training: dict[str, Any]) -> str:
    champion = training["champion"]
    values = (_beside(name, value, champion) for name, value in training["metrics"].items())
    return f"{training['model']} {training['version']}: {'; '.join(values)}"


def _beside(metric: str, value: float, champion: Mapping[str, float]) -> str:
    beside = f", champion {champion[metric]:.4g}" if metric in champion else ""
    return f"{metric} {value:.4g}{beside}"


def mail(build: Build) -> str:
    parts = [_head(build), _why(build), _serving(build), _changes(build)]
    parts += [_models(build), _links(build)]
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
    parts = causes(build)[:lines]
    if build.goal and not _refusal(build):
        said = build.last_words.splitlines()[-lines:]
        parts += [f"`make {build.goal}` failed; its last words:", *(f"    {line}" for line in said)]
    return "\n".join(["Why:", *(parts or ["see the log: " + build.url + "console"])])


def _serving(build: Build) -> str:
    """What serves now, as far as this build knows; said above all where it did not go well."""
    code, reason = build.deploy.get("code"), build.deploy.get("reason", "")
    if withdrawn(build):
        on = build.deploy.get("serves")
        return f"Serving: {f'release {on}' if on else 'nothing'}. What was built is not deployed: {withdrawn(build)}"
    if code == 0:
        record = build.deploy.get("record", {})
        return f"Serving: release {record.get('release', release_name(build))}."
    if code is None:
        return _serving_on(build)
    serves = build.deploy.get("serves")
    if code != REFUSED and not serves:
        return f"Serving: what is there now is not verified: {reason}"
    what = f"release {serves}" if serves else "what served before"
    return f"Serving: {what} still serves; {UNDONE[_kind(build)]}: {reason}"


def _serving_on(build: Build) -> str:
    """Where this build has seen no deploy to its end."""
    if "code" in build.deploy:
        return f"Serving: not known to this build: {build.deploy['reason']}"
    if build.result != "SUCCESS":
        return "Serving: nothing was deployed; the release that served before still serves."
    if build.plan == "nothing":
        return f"Serving: release {release_name(build)}, as before; nothing had changed."
    return ""


def _changes(build: Build) -> str:
    """What the image holds against what served when the build planned its deploy."""
    if not build.changes:
        return ""
    lines = [*build.changes["models"], *build.changes["code"]]
    against = build.changes["serves"] or "nothing, for it is the first"
    title = f"Release {build.changes['release']} against {against}:"
    return "\n".join([title, *(f"  {line}" for line in lines or ["nothing changes"])])


def _models(build: Build) -> str:
    if not build.trainings:
        return ""
    return "\n".join(
        ["Trained, or found trained:", *(line for each in build.trainings for line in _model(each))]
    )


def _model(training: dict[str, Any]) -> Iterator[str]:
    version = f"version {training['version']}" if training["version"] else "refused"
    yield f"  {training['model']}: {version}, {training['status']}{rejected(training)}"
    for metric, value in training["metrics"].items():
        champion = training["champion"].get(metric)
        beside = "" if champion is None else f" (champion {champion:.4g}, {value - champion:+.2g})"
        yield f"    {metric} {value:.4g}{beside}"
    for rule in training["gates"]:
        if not rule["passed"]:
            yield f"    FAIL {in_words(rule)}"


def rejected(training: dict[str, Any]) -> str:
    return f", rejected {training['rejected']}" if training.get("rejected") else ""


def _links(build: Build) -> str:
    if not build.url:
        return ""
    pages = {"Build": "", "Log": "console", "Tests and data": "testReport", "Files": "artifact"}
    return "\n".join(f"{title}: {build.url}{path}" for title, path in pages.items())


def harmless(text: str) -> str:
    """Jenkins' mail fills in what looks like ${THIS}; a quoted log shall stay as it is."""
    return re.sub(r"\$(?=[A-Za-z_{])", "$ ", text)
