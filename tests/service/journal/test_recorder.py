"""The worker's journal."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from service.bundle.engines import Answer
from service.journal import Journal
from service.journal.errors import JournalError


def test_a_model_that_is_not_known_is_a_mistake_of_the_caller(journal: Journal) -> None:
    answer = Answer(np.ones((1, 1), np.float32))
    with pytest.raises(JournalError, match="given a prediction of other 1; .* quality 1"):
        journal.record(
            "r", "other", "1", "x", "y", None, np.ones((1, 1), np.float32), answer, 0.0, 0.0
        )


def test_a_worker_loads_no_sqlalchemy() -> None:
    code = "import sys, service.journal; assert 'sqlalchemy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
