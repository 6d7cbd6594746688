"""One process a core computes in one thread: NumPy reads how many it may have when it is loaded, and never again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support import ROOT


@pytest.mark.parametrize("package", ["service", "monitoring"])
def test_numpy_is_not_loaded_before_the_number_of_its_threads_is_set(package: str) -> None:
    code = f"import sys, {package}.__main__; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=True)
