"""Does a running service predict what was exported? Asks it for the golden rows of each bundle.

    python -m scripts.edge.smoke [--url http://127.0.0.1:8080] [--bundles build/bundles] [--key-file FILE] [--json]

Exit codes: 0 every row came out as exported, 1 anything else.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests

from scripts.command.outcome import Refused
from scripts.image import exported as bundles


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


class Exported(NamedTuple):
    """A version that an alias points at, and its golden rows."""

    model: str
    version: str
    arm: str
    golden: dict[str, Any]


def exported(root: Path) -> Iterator[Exported]:
    """What the service should serve: the exported set below `root`."""
    for bundle in bundles.find(root):
        golden = json.loads((bundle.folder / "golden.json").read_bytes())
        yield Exported(bundle.model, bundle.version, bundle.arm, golden)


def smoke(url: str, root: Path, key: str = "", timeout: float = 10.0) -> list[Verdict]:
    with requests.Session() as session:
        if key:
            session.headers["Authorization"] = f"Bearer {key}"
        return [ask(session, url, one, timeout) for one in exported(root)]


def ask(
    session: requests.Session, url: str, one: Exported, timeout: float, release: str = ""
) -> Verdict:
    """One version's golden rows. With `release`, what another one answered, or nobody, has no rows."""
    rows = one.golden["rows"]
    verdict = Verdict(one.model, one.version, one.arm, len(rows))
    try:
        answer = session.post(
            f"{url}/v1/models/{one.model}/predict",
            json={"rows": rows},
            headers={"X-Arm": one.arm},
            timeout=timeout,
        )
        found = answer.json()
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
    if found.get("version") != one.version:
        return verdict._replace(problem=f"version {found.get('version')} answered")
    return verdict._replace(problem=next(differences(one.golden, found), ""))


def differences(golden: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    tolerance = golden.get("tolerance", 1e-4)
    for part in ("predictions", "probabilities"):
        expected, got = golden.get(part), found.get(part)
        if expected is None:
            continue
        if got is None or len(got) != len(expected):
            yield f"{part}: {got!r:.200}, expected {len(expected)} of them"
            continue
        for row, (one, other) in enumerate(zip(expected, got, strict=True)):
            if not same(one, other, tolerance):
                yield f"golden row {row}, {part}: {other}, expected {one}"


def same(expected: Any, got: Any, tolerance: float) -> bool:
    """Labels are equal; numbers, alone or in lists, within the tolerance: of 1 or of the value."""
    if isinstance(expected, list) and len(expected) == 1 and not isinstance(got, list):
        # A bundle has a row of outputs; an answer leaves out the brackets around a single one.
        return same(expected[0], got, tolerance)
    if isinstance(expected, list):
        return (
            isinstance(got, list)
            and len(got) == len(expected)
            and all(same(one, other, tolerance) for one, other in zip(expected, got, strict=True))
        )
    if isinstance(expected, str) or isinstance(got, str | None):
        return bool(expected == got)
    return math.isclose(expected, got, rel_tol=tolerance, abs_tol=tolerance)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.edge.smoke", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument(
        "--bundles", type=Path, default=Path(os.environ.get("BUNDLES", "build/bundles"))
    )
    parser.add_argument("--key-file", type=Path, help="file with a key of scope predict")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args(arguments)
    key = options.key_file.read_text().strip() if options.key_file else ""
    try:
        verdicts = smoke(options.url, options.bundles, key)
    except Refused as error:
        print(f"swarmline: {error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps([verdict._asdict() for verdict in verdicts]))
    else:
        print("\n".join(map(str, verdicts)))
    return 0 if not any(verdict.problem for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
