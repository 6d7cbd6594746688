"""The smoke test: the golden rows of what was exported, asked of a running service and of every replica of a stack."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests

from scripts.edge.client import EdgeClient
from scripts.edge.counters import counters
from scripts.engine.swarm import View
from scripts.image import exported
from scripts.image.release import Release

#: Each replica is asked so often, on average; the edge chooses.
ROUNDS = 4
TIMEOUT = 10.0


class Verdict(NamedTuple):
    """What one version answered; `problem` is empty where it was right."""

    model: str
    version: str
    arm: str
    rows: int
    problem: str = ""

    def __str__(self) -> str:
        name = f"{self.model} {self.version} ({self.arm})"
        return f"{name}: {self.problem or f'{self.rows} golden rows as exported'}"


class GoldenRows(NamedTuple):
    """The golden rows of a version that an alias points at."""

    model: str
    version: str
    arm: str
    golden: dict[str, Any]


def golden_rows(root: Path) -> Iterator[GoldenRows]:
    """What the service should serve: the exported set below `root`."""
    for bundle in exported.find(root):
        golden = json.loads((bundle.folder / "golden.json").read_bytes())
        yield GoldenRows(bundle.model, bundle.version, bundle.arm, golden)


def smoke(url: str, root: Path, key: str = "", timeout: float = 10.0) -> list[Verdict]:
    with requests.Session() as session:
        if key:
            session.headers["Authorization"] = f"Bearer {key}"
        return [ask(session, url, target, timeout) for target in golden_rows(root)]


def ask(
    session: requests.Session, url: str, target: GoldenRows, timeout: float, release: str = ""
) -> Verdict:
    """One version's golden rows. With `release`, what another one answered, or nobody, has no rows."""
    rows = target.golden["rows"]
    verdict = Verdict(target.model, target.version, target.arm, len(rows))
    try:
        answer = session.post(
            f"{url}/v1/models/{target.model}/predict",
            json={"rows": rows},
            headers={"X-Arm": target.arm},
            timeout=timeout,
        )
        body = answer.json()
    except requests.RequestException as error:
        return verdict._replace(problem=f"no answer: {error}", rows=0)
    if release and answer.headers.get("X-Release") != release:
        who = (
            f"release {answer.headers['X-Release']}"
            if "X-Release" in answer.headers
            else "the edge"
        )
        return verdict._replace(problem=f"{who} answered {answer.status_code}", rows=0)
    if answer.status_code != 200:
        judged = 0 if answer.status_code == 503 else len(rows)
        return verdict._replace(problem=f"{answer.status_code}: {answer.text[:300]}", rows=judged)
    if body.get("version") != target.version:
        return verdict._replace(problem=f"version {body.get('version')} answered")
    return verdict._replace(problem=next(differences(target.golden, body), ""))


def differences(golden: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    tolerance = golden.get("tolerance", 1e-4)
    for part in ("predictions", "probabilities"):
        expected, got = golden.get(part), body.get(part)
        if expected is None:
            continue
        if got is None or len(got) != len(expected):
            yield f"{part}: {got!r:.200}, expected {len(expected)} of them"
            continue
        for row, (wanted, value) in enumerate(zip(expected, got, strict=True)):
            if not is_same(wanted, value, tolerance):
                yield f"golden row {row}, {part}: {value}, expected {wanted}"


def is_same(expected: Any, got: Any, tolerance: float) -> bool:
    """Labels are equal; numbers, alone or in lists, within the tolerance: of 1 or of the value."""
    if isinstance(expected, list) and len(expected) == 1 and not isinstance(got, list):
        # A bundle has a row of outputs; an answer leaves out the brackets around a single one.
        return is_same(expected[0], got, tolerance)
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(is_same(*pair, tolerance) for pair in zip(expected, got, strict=True))
        )
    if isinstance(expected, str) or isinstance(got, str | None):
        return bool(expected == got)
    return math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)


def targets(release: Release) -> Iterator[GoldenRows]:
    for model, arms in release.golden.items():
        for arm, facts in arms.items():
            yield GoldenRows(model, str(facts["version"]), arm, facts["golden"])


def verdicts(edge: EdgeClient, release: Release) -> list[Verdict]:
    """The golden rows of every model and arm; an answer of another release has no rows."""
    with edge.session() as session:
        return [
            ask(session, edge.url, target, TIMEOUT, release.name) for target in targets(release)
        ]


def wrong_answers(edge: EdgeClient, release: Release) -> str:
    """What the release already answers wrongly while it comes in; others are not judged."""
    for verdict in verdicts(edge, release):
        if verdict.problem and verdict.rows:
            return f"smoke test: {verdict}"
    return ""


def unmet(edge: EdgeClient, release: Release, view: View, service: str) -> str:
    """What still keeps every replica from being that release, or nothing."""
    return (
        next((str(verdict) for verdict in verdicts(edge, release) if verdict.problem), "")
        or _other_releases(edge, release.name, len(_addresses(view, service)))
        or _not_up(edge, view, service)
    )


def _other_releases(edge: EdgeClient, release: str, replicas: int) -> str:
    """Does each replica say that it is the release? Every request may meet another one."""
    for _ in range(ROUNDS * max(replicas, 1)):
        try:
            answer = edge.get("/health/ready")
            answered: Any = answer.json().get("release")
        except (requests.RequestException, ValueError) as error:
            return f"{edge.url}: no answer: {error}"
        if answered != release:
            return f"a replica answers as release {answered}, {release} was meant"
    return ""


def _addresses(view: View, name: str) -> list[tuple[str, ...]]:
    service = view.named(name)
    return [task.addresses for task in view.of(service) if task.up] if service else []


def _not_up(edge: EdgeClient, view: View, service: str) -> str:
    """Does the edge send callers to each replica? It tells only who has the edge key."""
    up = {replica.address for replica in counters(edge) if replica.up}
    if not up:
        return ""
    lost = [own for own in _addresses(view, service) if not up & set(own)]
    return f"the edge finds {len(lost)} replicas not ready" if lost else ""
