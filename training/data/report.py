"""The report of the data checks: as text, as JSON, as JUnit XML for a build page, as HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.common.files import pretty, write_whole
from training.common.html import render
from training.common.numbers import plural
from training.spec.values import Severity

#: Checks whose count is of rows; of the others it says nothing more than their message does.
BY_ROW = ("types", "ranges", "categories", "nulls", "uniqueness", "duplicates")
#: Checks that need encoded rows on both sides of the split.
NEED_ROWS = ("leakage", "duplicates", "constants", "balance")
#: Below this many usable rows no dataset is made, and so those checks do not run.
FEWEST_ROWS = 10

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Violation(msgspec.Struct, frozen=True):
    """A check that a column breaks; `examples` are row numbers with the value that stands there."""

    check: str
    column: str
    severity: Severity
    count: int
    message: str
    examples: tuple[tuple[int, str], ...] = ()


class ValidationReport(NamedTuple):
    """Every check that was asked for, the violations, and which rows cannot be encoded at all."""

    model: str
    source: str
    fingerprint: str
    rows: int
    checked: tuple[tuple[str, str], ...]
    violations: tuple[Violation, ...]
    unusable: NDArray[np.bool_]

    @property
    def usable(self) -> int:
        return self.rows - int(self.unusable.sum())

    @property
    def errors(self) -> list[Violation]:
        return [violation for violation in self.violations if violation.severity == "error"]

    @property
    def warnings(self) -> list[Violation]:
        return [violation for violation in self.violations if violation.severity == "warning"]


class Case(NamedTuple):
    """One check of one column, or of all rows; `skipped` says why it did not run."""

    check: str
    column: str
    violations: tuple[Violation, ...] = ()
    skipped: str = ""

    @property
    def status(self) -> str:
        if self.violations:
            failed = any(violation.severity == "error" for violation in self.violations)
            return "error" if failed else "warning"
        return "skipped" if self.skipped else "passed"

    @property
    def place(self) -> str:
        return self.column or "all rows"


def cases(report: ValidationReport) -> list[Case]:
    """Every check that was asked for, in order, then what was found beyond them."""
    by_check: dict[tuple[str, str], list[Violation]] = {pair: [] for pair in report.checked}
    for violation in report.violations:
        by_check.setdefault((violation.check, violation.column), []).append(violation)
    return [
        Case(check, column, tuple(violations), _why_skipped(report, check, column))
        for (check, column), violations in by_check.items()
    ]


def _why_skipped(report: ValidationReport, check: str, column: str) -> str:
    missing = [each.column for each in report.violations if each.check == "columns"]
    needed = missing if check in (*NEED_ROWS, "rows") else [column]
    if check != "columns" and set(needed) & set(missing):
        return f"not run: the source lacks {', '.join(missing)}"
    usable = report.usable
    if check in NEED_ROWS and usable < FEWEST_ROWS:
        return f"not run: {plural(usable, 'usable row')} is too few"
    return ""


def verdict(report: ValidationReport) -> str:
    if report.errors:
        return f"the data breaks the contract: {plural(len(report.errors), 'error')}"
    if report.warnings:
        return f"the data keeps the contract, with {plural(len(report.warnings), 'warning')}"
    return "the data keeps the contract"


def extent(report: ValidationReport, violation: Violation) -> str:
    """How many rows a violation concerns, where it counts rows."""
    if violation.check not in BY_ROW:
        return ""
    return f"{plural(violation.count, 'row')} ({violation.count / max(report.rows, 1):.2%})"


def text(report: ValidationReport) -> str:
    """For the terminal: the verdict, then each violation with its examples."""
    lines = [
        f"{report.model}: {verdict(report)}",
        f"  {report.source}: {plural(report.rows, 'row')}, {report.usable:,} of them usable",
        f"  checks: {_tally(report)}",
    ]
    for each in report.violations:
        count = extent(report, each)
        where = f"{each.column or 'all rows'}: {each.message}" + (f"; {count}" if count else "")
        lines.append(f"  {each.severity.upper():<7}  {each.check:<10}  {where}")
        lines += [f"{'':23}row {row}: {value}" for row, value in each.examples]
    return "\n".join(lines)


def _tally(report: ValidationReport) -> str:
    counts = _counts(cases(report))
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _counts(all_cases: list[Case]) -> dict[str, int]:
    """How many checks ended how; the words are singular and plural alike."""
    statuses = [case.status for case in all_cases]
    words = {"passed": "passed", "error": "failed", "warning": "warned", "skipped": "not run"}
    return {word: statuses.count(status) for status, word in words.items()}


def document(report: ValidationReport) -> dict[str, Any]:
    """The report as plain values: what `--json` prints and validation.json holds."""
    return {
        "model": report.model,
        "source": report.source,
        "fingerprint": report.fingerprint,
        "passed": not report.errors,
        "rows": report.rows,
        "usable_rows": report.usable,
        "violations": [_plain(violation) for violation in report.violations],
        "checks": [
            {"check": case.check, "column": case.column, "status": case.status}
            for case in cases(report)
        ],
    }


def _plain(violation: Violation) -> dict[str, Any]:
    examples = [{"row": row, "value": value} for row, value in violation.examples]
    return {**msgspec.structs.asdict(violation), "examples": examples}


def junit(report: ValidationReport) -> str:
    """As Jenkins' junit step reads it: an error fails its test, a warning shows in its output."""
    all_cases = cases(report)
    text_ = render(
        "data/validation.xml",
        report=report,
        cases=all_cases,
        counts=_counts(all_cases),
        lines={violation: _line(report, violation) for violation in report.violations},
    )
    return _NOT_XML.sub("\ufffd", text_)


def _line(report: ValidationReport, violation: Violation) -> str:
    """A violation in words with its examples, as the build page shows it."""
    parts = [f"{violation.column or 'all rows'} {violation.message}", extent(report, violation)]
    parts += [f"row {row}: {value}" for row, value in violation.examples]
    return "; ".join(filter(None, parts))


def page(report: ValidationReport) -> str:
    all_cases = cases(report)
    return render(
        "data/validation.html",
        report=report,
        verdict=verdict(report),
        usable=report.usable,
        counts=_counts(all_cases),
        extents={violation: extent(report, violation) for violation in report.violations},
        matrix=_matrix(all_cases),
    )


def _matrix(all_cases: list[Case]) -> dict[str, dict[str, str]]:
    """Status by column, then by check: the table of everything that was looked at."""
    table: dict[str, dict[str, str]] = {}
    for case in all_cases:
        table.setdefault(case.place, {})[case.check] = case.status
    return table


def write(report: ValidationReport, folder: Path) -> dict[str, Path]:
    """The four files, by ending."""
    contents = {
        "txt": text(report) + "\n",
        "json": pretty(document(report)).decode(),
        "xml": junit(report),
        "html": page(report),
    }
    paths = {ending: folder / f"validation.{ending}" for ending in contents}
    for ending, content in contents.items():
        write_whole(paths[ending], content.encode())
    return paths
