"""What is refused before anything is touched."""

from __future__ import annotations

import pytest

from scripts.command.outcome import Refused
from scripts.image.release import Release
from scripts.release.deploy import refuse_older
from tests.support.scripts.views import GOOD, record


def release(name: str, created: str) -> Release:
    return Release(GOOD, name, {"created": created, "models": {}}, {})


def test_a_newer_release_is_not_overtaken_by_an_older_one():
    serving = record(5, "bbbb")
    with pytest.raises(Refused, match="bbbb, which serves.*make rollback TO=aaaa"):
        refuse_older(release("aaaa", "2026-01-04T23:59:59+00:00"), serving)
    refuse_older(release("cccc", "2026-01-05T00:00:01+00:00"), serving)
