"""Coverage by package: how much of the lines and of the branches the tests ran, and which modules lack the most.

python -m tests.support.coverage_report build/reports/coverage.json
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

#: So many modules are named.
NAMED = 15


class Count(NamedTuple):
    """Of a module or a package: statements and branches, and how many of both no test ran."""

    statements: int = 0
    branches: int = 0
    missed: int = 0
    missed_branches: int = 0

    def plus(self, other: Count) -> Count:
        return Count(*(one + more for one, more in zip(self, other, strict=True)))

    @property
    def percent(self) -> float:
        whole = self.statements + self.branches
        return 100.0 * (whole - self.missed - self.missed_branches) / whole if whole else 100.0


def modules(
    document: Mapping[str, Mapping[str, Mapping[str, Mapping[str, int]]]],
) -> dict[str, Count]:
    return {
        name: Count(
            *(about["summary"][field] for field in ("num_statements", "num_branches")),
            *(about["summary"][field] for field in ("missing_lines", "missing_branches")),
        )
        for name, about in document["files"].items()
    }


def lines(of: Mapping[str, Count]) -> Iterator[str]:
    packages: dict[str, Count] = defaultdict(Count)
    for name, count in of.items():
        packages[Path(name).parts[0]] = packages[Path(name).parts[0]].plus(count)
    for name, count in sorted(packages.items()):
        yield f"{count.percent:5.1f} % of {name}: {_missed(count)}"
    for name, count in sorted(of.items(), key=lambda each: _lacks(each[1]), reverse=True)[:NAMED]:
        if _lacks(count):
            yield f"  {count.percent:5.1f} % of {name}: {_missed(count)}"


def _lacks(count: Count) -> int:
    return count.missed + count.missed_branches


def _missed(count: Count) -> str:
    return (
        f"{count.missed} of {count.statements} lines and {count.missed_branches} of"
        f" {count.branches} branches were not run"
    )


def main(path: str | Path) -> None:
    for line in lines(modules(json.loads(Path(path).read_bytes()))):
        print(line)


if __name__ == "__main__":
    main(sys.argv[1])
