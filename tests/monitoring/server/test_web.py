"""What the process does without that shows pages and numbers."""

from __future__ import annotations

import subprocess
import sys

from tests.support import ROOT

#: 60 MB and a second of its start: what windows are judged with.
STATISTICS = ("scipy", "sklearn", "pandas", "mlflow")
CODE = f"""
import sys
import monitoring.server.web
print(*(name for name in {STATISTICS} if name in sys.modules))
"""


def test_pages_come_without_the_packages_that_judge() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert not done.stdout.split()
