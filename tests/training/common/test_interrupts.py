"""A signal that a library swallowed ends a training all the same."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.support import ROOT

#: The signal arrives in a destructor, whose exceptions the interpreter prints and forgets.
SWALLOWED = """
import os, sys
from training.common import interrupts

class Library:
    def __del__(self):
        os.kill(os.getpid(), int(sys.argv[1]))
        for _ in range(1000):
            pass

interrupts.listen()
interrupts.heed()
Library()
print("goes on")
try:
    interrupts.heed()
except KeyboardInterrupt:
    print("ends")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_destructor_swallowed_is_raised_again_without_a_traceback(number: int):
    command = [sys.executable, "-c", SWALLOWED, str(int(number))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.split("\n")[:2], done.stderr) == (["goes on", "ends"], "")


def test_other_faults_in_a_destructor_are_told():
    code = "from training.common import interrupts\ninterrupts.listen()\n"
    code += (
        "class Library:\n    def __del__(self):\n        raise ValueError('a fault')\nLibrary()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 and "a fault" in done.stderr
