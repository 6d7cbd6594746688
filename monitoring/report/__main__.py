"""Draws the tables of a folder, in a process that ends with it: `python -m monitoring.report FOLDER HTML`.

What Evidently imports would take 200 MB of the monitor for ever.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The image has no pyarrow: pandas, which loads it wherever there is one, does without here too.
sys.modules["pyarrow"] = None  # type: ignore[assignment]

# pylint: disable=wrong-import-position
from monitoring.report import tables
from monitoring.report.evidently_html import write_html


def main(folder: str, html: str) -> None:
    write_html(tables.read(Path(folder)), Path(html))


if __name__ == "__main__":
    main(*sys.argv[1:])
