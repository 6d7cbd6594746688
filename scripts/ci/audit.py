"""Looks for known holes in what is locked; says what could not be looked at, which is never taken for clean.

    python -m scripts.ci.audit [--of LOCK] [--unaudited unstable|red]

Prints one word for a pipeline: `clean`, or `unaudited` where the source of advisories does not know a package or does
not answer. Exit codes: 0 clean, or not all audited; 1 a known hole, or not all audited and SWARMLINE_UNAUDITED=red.
build/release/audit.json has the whole of it.
"""

from __future__ import annotations

import argparse
import json
import subprocess  # nosec B404 # runs pip-audit
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scripts.command.options import NAME, Outside, build, choice, parsed, plain_parser
from scripts.command.outcome import Refused, finish, say

LOCKS = Path("requirements")
SECONDS = 600.0
UNAUDITED = ("unstable", "red")


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
        return read(json.loads(done.stdout))
    except ValueError:
        # It asks about all or nothing: an error of the network is one for every package.
        said = done.stderr.strip().rpartition("\n")[2] or f"it ended with {done.returncode}"
        return Audit((), {str(lock): said}, {})


def read(document: Mapping[str, Any]) -> Audit:
    """What pip-audit says, as --format json."""
    packages = document["dependencies"]
    return Audit(
        tuple(one["name"] for one in packages if "skip_reason" not in one),
        {one["name"]: one["skip_reason"] for one in packages if "skip_reason" in one},
        {
            one["name"]: [f"{hole['id']} in {one['version']}" for hole in one["vulns"]]
            for one in packages
            if one.get("vulns")
        },
    )


def judge(found: Audit, unaudited: str) -> str:
    """The word for a pipeline; what was found is said either way."""
    for name, holes in found.holes.items():
        say(f"{name}: {', '.join(holes)}")
    for name, why in found.unaudited.items():
        say(f"not audited: {name}: {why}")
    looked_at = f"{len(found.audited)} packages were audited, {len(found.unaudited)} could not be"
    if found.holes:
        raise Refused(f"known holes in {', '.join(found.holes)}; {looked_at}")
    if found.unaudited or not found.audited:
        if unaudited == "red":
            raise Refused(f"{looked_at}; SWARMLINE_UNAUDITED=unstable lets a build go on")
        say(f"swarmline: {looked_at}: nothing is known of their holes")
        return "unaudited"
    say(f"swarmline: no known hole; {looked_at}")
    return "clean"


def act(options: argparse.Namespace) -> dict[str, Any]:
    lock = LOCKS / f"{options.of}.txt"
    if not lock.is_file():
        known = ", ".join(sorted(path.stem for path in LOCKS.glob("*.txt")))
        raise Refused(f"OF is {options.of!r}; allowed is one of {known}")
    found = audit(lock)
    place = build() / "release" / "audit.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"lock": options.of, **found._asdict()}, indent=1), "utf-8")
    word = judge(found, options.unaudited)
    if not options.json:
        print(word)
    return {"verdict": word, **found._asdict()}


def main(arguments: list[str] | None = None) -> int:
    made = plain_parser("audit", __doc__)
    made.add_argument(
        "--of", default=Outside("OF", NAME, "dev"), help="the lock: requirements/OF.txt"
    )
    made.add_argument(
        "--unaudited",
        choices=UNAUDITED,
        default=Outside("SWARMLINE_UNAUDITED", choice(*UNAUDITED), UNAUDITED[0]),
        help="what a package is that nothing is known of",
    )
    options = parsed(made, arguments)
    return finish(lambda: act(options), options.json)


if __name__ == "__main__":
    sys.exit(main())
