"""What a build came to, in words: its subject, name and description, why it is not well, what a person agrees to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scripts.image import changes

#: Characters of a cause in a headline; the mail has it whole.
LONGEST = 300
WORDS = {"SUCCESS": "Done", "UNSTABLE": "Unstable", "FAILURE": "FAILED", "ABORTED": "Aborted"}
#: What a change of the Swarm that failed leaves undone, by its kind.
UNDONE = {
    "deploy": "the new release does not",
    "rollback": "nothing was gone back to",
    "traffic": "the traffic is shared as before",
    "scale": "as many replicas serve as before",
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
    #: What it came to in the stack's staging, where it has one.
    staging: Mapping[str, Any] = NOTHING
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
    refusal = refusal_of(build)
    if refusal:
        return [refusal]
    named = [*_failed_rules(build), *_failed_staging(build), *_failed_deploy(build), *build.broken]
    if build.goal and not named:
        named = [f"`make {build.goal}` failed{_last_line(build)}"]
    return named or (["it was ended by a person, or its time was up"] if _aborted(build) else [])


def _aborted(build: Build) -> bool:
    return build.result == "ABORTED"


def refusal_of(build: Build) -> str:
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


def _failed_staging(build: Build) -> Iterator[str]:
    if build.staging.get("code") and build.staging.get("reason"):
        yield f"staging: {build.staging['reason']}"


def _failed_deploy(build: Build) -> Iterator[str]:
    if build.deploy.get("code") and build.deploy.get("reason"):
        yield f"{changed_by(build)}: {build.deploy['reason']}"


def changed_by(build: Build) -> str:
    """What was to change the Swarm: deploy, rollback, traffic or scale."""
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


def rejected(training: dict[str, Any]) -> str:
    return f", rejected {training['rejected']}" if training.get("rejected") else ""
