"""`drift`, `quality` and `report` of a model that is not there name those that are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from monitoring.findings import Store
from monitoring.server import asked, console
from monitoring.settings import Settings, read_settings
from tests.support.monitoring import finding, record
from tests.support.monitoring.bundles import write_monitored
from tests.support.service.bundles import YIELD


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    """Windows of `yield` were judged; the exported set has another model, which nobody asked yet."""
    write_monitored(tmp_path / "bundles", YIELD)
    environ = {
        "JOURNAL_URL": f"sqlite:///{tmp_path}/journal.db",
        "BUNDLES": str(tmp_path / "bundles"),
        "MONITOR_STATE": str(tmp_path / "state"),
    }
    settings = read_settings(environ)
    store = Store(settings.findings_url)
    store.prepare()
    store.save(record(), [finding()])
    store.close()
    return settings


ANSWERS = pytest.mark.parametrize(
    "answer",
    [
        lambda settings, models: asked.show(settings, "drift", models, False),
        lambda settings, models: asked.show(settings, "quality", models, True),
        asked.write_reports,
    ],
    ids=["drift", "quality", "report"],
)
Answer = Callable[[Settings, list[str]], int]


@ANSWERS
def test_a_model_that_is_not_there_is_refused_with_those_that_are(
    settings: Settings, answer: Answer, capsys: pytest.CaptureFixture[str]
):
    assert answer(settings, ["yield", "nope"]) == console.NOTHING
    shown = capsys.readouterr()
    assert shown.out == "" and "MODEL is 'nope'" in shown.err
    assert "allowed are 'yield', 'yield-prediction': name some of them" in shown.err


@ANSWERS
def test_of_an_exported_model_that_nobody_asked_it_says_to_wait(
    settings: Settings, answer: Answer, capsys: pytest.CaptureFixture[str]
):
    assert answer(settings, [YIELD.model]) == console.NOTHING
    assert "no window of 'yield-prediction' was judged yet" in capsys.readouterr().err


def test_a_name_cannot_write_to_the_terminal(
    settings: Settings, capsys: pytest.CaptureFixture[str]
):
    assert asked.show(settings, "drift", ["\x1b[2Jnope"], False) == console.NOTHING
    assert "\x1b" not in capsys.readouterr().err


def test_a_model_that_is_there_is_answered(settings: Settings, capsys: pytest.CaptureFixture[str]):
    assert asked.show(settings, "drift", ["yield"], True) == console.OK
    [window] = json.loads(capsys.readouterr().out)
    assert window["window"]["model"] == "yield"
