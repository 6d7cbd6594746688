"""What a request costs grows with its bytes, and no faster: for every route, and the worst that can be sent to it."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service.fuzzed import Case
from tests.support.service.server import ROOT
from tests.support.service.worst import Asker, find_worst

OPEN = {"AUTH": "off", "LOG_LEVEL": "error", "RETRAIN_COMMAND": "true"}
#: Twice the growth for twice the bytes is in proportion, four times is their square.
MOST = 2.5


@pytest.fixture(name="no_collection")
def _no_collection() -> Iterator[None]:
    """It comes at any time, and would be taken for the cost of one body."""
    gc.disable()
    yield
    gc.enable()


# Minutes under callgrind: the nightly run's.
@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.usefixtures("no_collection")
def test_the_worst_that_a_fuzzer_finds_costs_in_proportion_to_its_bytes(
    make_app: Callable[..., Any], environment: dict[str, str], tmp_path: Path
) -> None:
    worst = find_worst(Asker(make_app(**OPEN)), size=1 << 14, each=1)
    sizes = {case: [size, 2 * size, 4 * size] for case, size in worst}
    counts = count(sizes, environment | OPEN, tmp_path)
    steep = {
        case: (sizes[case], steps)
        for case, steps in counts.items()
        if steps[2] - steps[1] > MOST * max(steps[1] - steps[0], steps[0] / 10)
    }
    assert not steep


def count(
    sizes: dict[Case, list[int]], environ: dict[str, str], folder: Path
) -> dict[Case, list[int]]:
    """The processor's instructions that each body takes at each size: the same in every run."""
    (folder / "metrics").mkdir()
    cases = [[*case, given] for case, given in sizes.items()]
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    subprocess.run(
        ["valgrind", "--tool=callgrind", "--dump-before=getpgid"]
        + [f"--callgrind-out-file={folder}/counted", "--log-file=/dev/null"]
        + [sys.executable, "-m", "tests.support.service.worst", str(folder)],
        cwd=ROOT,
        env=environ
        | {"PATH": os.environ["PATH"], "TMPDIR": tempfile.gettempdir(), "PYTHONHASHSEED": "0"},
        check=True,
        timeout=900,
    )
    # One dump before each body, and one behind it.
    steps = iter([summary(folder / f"counted.{2 * body}") for body in range(1, 3 * len(sizes) + 1)])
    return {case: [next(steps) for _ in given] for case, given in sizes.items()}


def summary(dump: Path) -> int:
    text = dump.read_text(encoding="utf-8")
    return int(text.partition("\nsummary: ")[2].split()[0])
