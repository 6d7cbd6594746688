"""Looks for known holes in what is locked; says what could not be looked at, which is never taken for clean.

    python -m scripts.ci audit [--of LOCK,LOCK] [--unaudited unstable|red]

Prints one word for a pipeline: `clean`, or `unaudited` where the source of advisories does not know a package or does
not answer. Exit codes: 0 clean, or not all audited; 1 a known hole, or not all audited and SWARMLINE_UNAUDITED=red.
build/release/audit.json has the whole of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess  # nosec B404 # runs pip-audit
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from outside.values import Allowed, Outside, choice
from scripts.command import files
from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import Refused, finish, say

LOCKS = Path("requirements")
SECONDS = 600.0
UNAUDITED = ("unstable", "red")
LOCK_NAMES = Allowed(r"[a-z-]{1,50}(,[a-z-]{1,50})*", "names of locks, with commas between")


class Audit(NamedTuple):
    """Packages by name: those that were looked at, those that could not be and why, and the holes of those with any."""

    audited: tuple[str, ...]
    unaudited: dict[str, str]
    holes: dict[str, list[str]]


def audit(lock: Path) -> Audit:
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--progress-spinner", "off"]
    words = [*command, "--format", "json", "--requirement", str(lock)]
    try:
        done = subprocess.run(  # nosec B603
            words, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Audit((), {str(lock): f"no answer within {SECONDS:g} s"}, {})
    try:
        return audit_of(json.loads(done.stdout))
    except ValueError:
        # It asks about all or nothing: an error of the network is one for every package.
        said = done.stderr.strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
        return Audit((), {str(lock): said}, {})


def audit_all(locks: Sequence[Path]) -> Audit:
    """Of several as of one: each package once, and what is wrong with it in any of them."""
    audits = [audit(lock) for lock in locks]
    holes: dict[str, list[str]] = {}
    for each in audits:
        for name, wrong in each.holes.items():
            holes[name] = sorted({*holes.get(name, []), *wrong})
    unaudited = {name: why for each in audits for name, why in each.unaudited.items()}
    return Audit(
        tuple(sorted({name for each in audits for name in each.audited})), unaudited, holes
    )


def audit_of(document: Mapping[str, Any]) -> Audit:
    """What pip-audit says, as --format json."""
    packages = document["dependencies"]
    return Audit(
        tuple(package["name"] for package in packages if "skip_reason" not in package),
        {
            package["name"]: package["skip_reason"]
            for package in packages
            if "skip_reason" in package
        },
        {
            package["name"]: [f"{hole['id']} in {package['version']}" for hole in package["vulns"]]
            for package in packages
            if package.get("vulns")
        },
    )


def judge(result: Audit, unaudited: str) -> str:
    """The word for a pipeline; what was found is said either way."""
    for name, holes in result.holes.items():
        say(f"{name}: {', '.join(holes)}")
    for name, why in result.unaudited.items():
        say(f"not audited: {name}: {why}")
    looked_at = f"{len(result.audited)} packages were audited, {len(result.unaudited)} could not be"
    if result.holes:
        raise Refused(f"known holes in {', '.join(result.holes)}; {looked_at}")
    if result.unaudited or not result.audited:
        if unaudited == "red":
            raise Refused(f"{looked_at}; SWARMLINE_UNAUDITED=unstable lets a build go on")
        say(f"swarmline: {looked_at}: nothing is known of their holes")
        return "unaudited"
    say(f"swarmline: no known hole; {looked_at}")
    return "clean"


def act(options: argparse.Namespace) -> dict[str, Any]:
    locks = [LOCKS / f"{name}.txt" for name in options.of.split(",")]
    if lacking := [lock.stem for lock in locks if not lock.is_file()]:
        there = ", ".join(sorted(path.stem for path in LOCKS.glob("*.txt")))
        raise Refused(f"OF is {', '.join(lacking)!r}; allowed are {there}")
    result = audit_all(locks)
    files.write_json(files.release("audit.json"), {"lock": options.of, **result._asdict()})
    word = judge(result, options.unaudited)
    if not options.json:
        print(word)
    return {"verdict": word, **result._asdict()}


def main(arguments: list[str] | None = None) -> int:
    line = plain_parser("ci audit", __doc__)
    line.add_argument(
        "--of",
        default=Outside("OF", LOCK_NAMES, "dev"),
        help="locks: requirements/OF.txt; with commas",
    )
    line.add_argument(
        "--unaudited",
        choices=UNAUDITED,
        default=Outside("SWARMLINE_UNAUDITED", choice(*UNAUDITED), UNAUDITED[0]),
        help="what a package is that nothing is known of",
    )
    options = parsed(line, arguments)
    return finish(lambda: act(options), options.json)
