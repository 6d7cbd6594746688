"""Reports of windows, made one at a time when they are asked for, and kept in bounded number and size."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess  # nosec B404 # starts our own module
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from monitoring.findings.values import WindowRecord
from monitoring.references import VersionReference
from monitoring.report import tables
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Span
from service.bundle.manifest import BundleError
from service.journal.errors import JournalError

_LOG = logging.getLogger(__name__)
ROOT = Path(__file__).parents[2]
#: Evidently's own scripts are 4 MB of each.
MOST_REPORTS, MOST_BYTES, LARGEST = 40, 300 << 20, 40 << 20
SECONDS = 180.0
#: Where Python finds itself and our packages; no address, no secret.
PASSED_ON = ("PATH", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "TMPDIR")
#: So long somebody waits for the report of somebody else to be made first.
PATIENCE = 20.0
VersionOf = Callable[[str, str], VersionReference | None]


class NoReport(Exception):
    """The message says why there can be none."""


class ReportBusy(Exception):
    """Another one is being made."""


class Reports:
    """Threads may share it."""

    def __init__(self, folder: Path, version_of: VersionOf, journal: JournalReader):
        self._folder, self._version_of, self._journal = folder, version_of, journal
        self._making = Lock()

    def report(self, record: WindowRecord) -> bytes:
        """The HTML of a window's report, made now unless it is kept. A window that was judged anew has a new one."""
        path = self.path_of(record)
        kept_html = _read(path, record)
        if kept_html is not None:
            return kept_html
        # `with` cannot give up.
        if not self._making.acquire(timeout=PATIENCE):  # pylint: disable=consider-using-with
            raise ReportBusy("Another report is being made; ask again in half a minute.")
        try:
            # Made by whom was waited for, perhaps.
            return _read(path, record) or self._make(record, path)
        finally:
            self._making.release()

    def path_of(self, record: WindowRecord) -> Path:
        """Of a hash alone: the names are the journal's."""
        words = f"{record.model}\n{record.version}\n{record.arm}\n{record.start.timestamp():.6f}"
        return self._folder / f"{hashlib.sha256(words.encode()).hexdigest()}.html"

    def _make(self, record: WindowRecord, path: Path) -> bytes:
        with tempfile.TemporaryDirectory(prefix="report-") as folder:
            tables.write(self._tables(record), Path(folder))
            drawn = Path(folder) / path.name
            _draw(Path(folder), drawn)
            html = drawn.read_bytes()
        if len(html) > LARGEST:
            raise NoReport(f"It would have {len(html) >> 20} MB: too many columns for one page.")
        self._keep(path, html)
        return html

    def _tables(self, record: WindowRecord) -> tables.Tables:
        version = self._version_of(record.model, record.version)
        if version is None or version.reference is None or not version.reference.sample:
            raise NoReport("There is no reference with whole rows of this version.")
        arm = Arm(record.model, record.version, record.arm)
        span = Span(record.start, record.end)
        try:
            window = self._journal.window(
                arm, span, version.contract, record.seed, tables.MOST_ROWS
            )
        except (JournalError, BundleError) as error:
            _LOG.warning("%s", error)
            raise NoReport("The journal does not answer.") from error
        if len(window.matrix) < tables.LEAST_ROWS:
            raise NoReport(
                f"The journal has {len(window.matrix)} rows of this window; a report needs {tables.LEAST_ROWS}."
            )
        title = (
            f"{record.model} {record.version} ({record.arm}),"
            f" {record.start:%Y-%m-%d %H:%M} to {record.end:%Y-%m-%d %H:%M} UTC"
        )
        drawn_up = tables.draw_up(title, version.contract, version.reference.matrix, window.matrix)
        if not drawn_up.columns:
            raise NoReport("No column of it may be shown.")
        return drawn_up

    def _keep(self, path: Path, html: bytes) -> None:
        """Whole or not at all; the oldest go for it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".next")
        aside.write_bytes(html)
        aside.replace(path)
        kept_files = sorted(self._folder.glob("*.html"), key=_made, reverse=True)
        size = 0
        for place, file in enumerate(kept_files):
            size += file.stat().st_size
            if place >= MOST_REPORTS or size > MOST_BYTES:
                file.unlink(missing_ok=True)


def _made(path: Path) -> float:
    return path.stat().st_mtime


def _read(path: Path, record: WindowRecord) -> bytes | None:
    """None where it was made before the window was judged last."""
    try:
        return path.read_bytes() if _made(path) >= record.judged_at.timestamp() else None
    except OSError:
        return None


def _draw(folder: Path, html: Path) -> None:
    """In a process of its own, which reaches no database and tells nobody."""
    environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    environment |= {"HOME": str(folder), "DO_NOT_TRACK": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "monitoring.report", str(folder), str(html)]
    try:
        done = subprocess.run(  # nosec B603 # the words are ours, without a shell
            command, cwd=ROOT, env=environment, timeout=SECONDS, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NoReport(f"It was not drawn within {SECONDS:.0f} s.") from error
    if done.returncode or not html.is_file():
        _LOG.warning("Evidently ended with %d: %s", done.returncode, done.stderr[-2000:])
        raise NoReport("Evidently could not draw it; the monitor's log says why.")
