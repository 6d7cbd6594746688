"""What the data checks found: as text, as JSON, as JUnit XML for a build page, as HTML."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from training.common.documents import write_whole
from training.common.html import plural, render
from training.data.checks import Report, Violation

#: Checks whose count is of rows; of the others it says nothing more than their message does.
BY_ROW = ("types", "ranges", "categories", "nulls", "uniqueness", "duplicates")
#: Checks that need encoded rows on both sides of the split.
NEED_ROWS = ("leakage", "duplicates", "constants", "balance")
#: Below this many usable rows no dataset is made, and so those checks do not run.
FEWEST_ROWS = 10

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Case(NamedTuple):
    """One check of one column, or of all rows; `skipped` says why it did not run."""

    check: str
    column: str
    violations: tuple[Violation, ...] = ()
    skipped: str = ""

    @property
    def status(self) -> str:
        if self.violations:
            failed = any(found.severity == "error" for found in self.violations)
            return "error" if failed else "warning"
        return "skipped" if self.skipped else "passed"

    @property
    def place(self) -> str:
        return self.column or "all rows"


def cases(report: Report) -> list[Case]:
    """Every check that was asked for, in order, then what was found beyond them."""
    found: dict[tuple[str, str], list[Violation]] = {pair: [] for pair in report.checked}
    for violation in report.violations:
        found.setdefault((violation.check, violation.column), []).append(violation)
    return [
        Case(check, column, tuple(violations), _why_skipped(report, check, column))
        for (check, column), violations in found.items()
    ]


def _why_skipped(report: Report, check: str, column: str) -> str:
    missing = [found.column for found in report.violations if found.check == "columns"]
    needed = missing if check in (*NEED_ROWS, "rows") else [column]
    if check != "columns" and set(needed) & set(missing):
        return f"not run: the source lacks {', '.join(missing)}"
    usable = _usable(report)
    if check in NEED_ROWS and usable < FEWEST_ROWS:
        return f"not run: {plural(usable, 'usable row')} is too few"
    return ""


def _usable(report: Report) -> int:
    return report.rows - int(report.unusable.sum())


def verdict(report: Report) -> str:
    if report.errors:
        return f"the data breaks the contract: {plural(len(report.errors), 'error')}"
    if report.warnings:
        return f"the data keeps the contract, with {plural(len(report.warnings), 'warning')}"
    return "the data keeps the contract"


def extent(report: Report, violation: Violation) -> str:
    """How many rows a violation concerns, where it counts rows."""
    if violation.check not in BY_ROW:
        return ""
    return f"{plural(violation.count, 'row')} ({violation.count / max(report.rows, 1):.2%})"


def text(report: Report) -> str:
    """For the terminal: the verdict, then each violation with its examples."""
    lines = [
        f"{report.model}: {verdict(report)}",
        f"  {report.source}: {plural(report.rows, 'row')}, {_usable(report):,} of them usable",
        f"  checks: {_tally(report)}",
    ]
    for found in report.violations:
        count = extent(report, found)
        where = f"{found.column or 'all rows'}: {found.message}" + (f"; {count}" if count else "")
        lines.append(f"  {found.severity.upper():<7}  {found.check:<10}  {where}")
        lines += [f"{'':23}row {row}: {value}" for row, value in found.examples]
    return "\n".join(lines)


def _tally(report: Report) -> str:
    counts = _counts(cases(report))
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count)


def _counts(found: list[Case]) -> dict[str, int]:
    """How many checks ended how; the words are singular and plural alike."""
    statuses = [case.status for case in found]
    words = {"passed": "passed", "error": "failed", "warning": "warned", "skipped": "not run"}
    return {word: statuses.count(status) for status, word in words.items()}


def document(report: Report) -> dict[str, Any]:
    """The report as plain values: what `--json` prints and validation.json holds."""
    return {
        "model": report.model,
        "source": report.source,
        "fingerprint": report.fingerprint,
        "passed": not report.errors,
        "rows": report.rows,
        "usable_rows": _usable(report),
        "violations": [_plain(violation) for violation in report.violations],
        "checks": [
            {"check": case.check, "column": case.column, "status": case.status}
            for case in cases(report)
        ],
    }


def _plain(violation: Violation) -> dict[str, Any]:
    return {
        "check": violation.check,
        "column": violation.column,
        "severity": violation.severity,
        "count": violation.count,
        "message": violation.message,
        "examples": [{"row": row, "value": value} for row, value in violation.examples],
    }


def junit(report: Report) -> str:
    """As Jenkins' junit step reads it: an error fails its test, a warning shows in its output."""
    found = cases(report)
    document_ = render(
        "data/validation.xml",
        report=report,
        cases=found,
        counts=_counts(found),
        lines=_lines(report),
    )
    return _NOT_XML.sub("\ufffd", document_)


def _lines(report: Report) -> dict[Violation, str]:
    """Each violation in words with its examples, as the build page shows it."""
    return {
        found: "; ".join(
            filter(
                None,
                [
                    f"{found.column or 'all rows'} {found.message}",
                    extent(report, found),
                    *(f"row {row}: {value}" for row, value in found.examples),
                ],
            )
        )
        for found in report.violations
    }


def page(report: Report) -> str:
    found = cases(report)
    return render(
        "data/validation.html",
        report=report,
        verdict=verdict(report),
        usable=_usable(report),
        counts=_counts(found),
        extents={violation: extent(report, violation) for violation in report.violations},
        matrix=_matrix(found),
    )


def _matrix(found: list[Case]) -> dict[str, dict[str, str]]:
    """Status by column, then by check: the table of everything that was looked at."""
    table: dict[str, dict[str, str]] = {}
    for case in found:
        table.setdefault(case.place, {})[case.check] = case.status
    return table


def write(report: Report, folder: Path) -> dict[str, Path]:
    """The four files, by ending."""
    contents = {
        "txt": text(report) + "\n",
        "json": msgspec.json.format(msgspec.json.encode(document(report)), indent=1).decode()
        + "\n",
        "xml": junit(report),
        "html": page(report),
    }
    paths = {ending: folder / f"validation.{ending}" for ending in contents}
    for ending, content in contents.items():
        write_whole(paths[ending], content.encode())
    return paths
