"""What cannot be judged is said, keeps nothing else from it, and is judged once it can be."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from monitoring.findings import Finding, Store
from monitoring.judge.judge import Judgement
from monitoring.schedule import window_judge
from monitoring.window.journal import JournalReader
from monitoring.window.values import Arm, Window
from service.journal.errors import Unavailable
from tests.monitoring.schedule.conftest import SECOND, Watch
from tests.support.monitoring.bundles import write_monitored
from tests.support.monitoring.traffic import Traffic
from tests.support.postgres import Cluster
from tests.support.service.bundles import YIELD


def test_a_bundle_that_is_missing_is_said_and_its_windows_judged_once_it_is_there(
    watch: Watch, tmp_path: Path
):
    shutil.move(tmp_path / "bundles", tmp_path / "elsewhere")
    watch.predict(0)
    watch.look(1.1)
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and said.reason.startswith("no reference")
    up, reason = watch.source("references")
    assert not up and "MLFLOW_TRACKING_URI" in reason
    shutil.move(tmp_path / "elsewhere", tmp_path / "bundles")
    watch.look(1.5)
    assert {finding.column for finding in watch.findings(0, "drift")} >= set(YIELD.names)
    assert watch.source("references") == (True, "")


def test_a_window_that_cannot_be_judged_keeps_no_other_from_it(watch: Watch):
    watch.predict(0)
    engine = sa.create_engine(watch.traffic._table.engine.url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE prediction SET features = '17'"))
    engine.dispose()
    watch.predict(1)
    assert watch.look(2.1) == 2
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and "could not be judged" in said.reason
    assert watch.findings(1, "drift")


def test_findings_that_cannot_be_kept_are_those_of_one_window_and_no_database_that_is_away(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
):
    watch.predict(0)
    watch.predict(1)
    judge_window = window_judge.judge_window

    def with_what_does_not_fit(asked: Any, *of: Any) -> Judgement:
        judgement = judge_window(asked, *of)
        if asked.span.start > watch.start:
            return judgement
        return judgement._replace(findings=[Finding(kind="share", verdict="ok", rows=2**70)])

    monkeypatch.setattr(window_judge, "judge_window", with_what_does_not_fit)
    assert watch.look(2.1) == 2
    (said,) = watch.findings(0)
    assert said.verdict == "unknown" and "could not be kept" in said.reason
    assert watch.findings(1, "drift")
    assert watch.source("findings") == (True, "")
    assert watch.look(2.2) == 0


def test_killed_once_a_window_without_a_reference_is_kept_it_is_judged_again_all_the_same(
    watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.move(tmp_path / "bundles", tmp_path / "elsewhere")
    watch.predict(0)
    save = Store.save

    def save_and_end(self: Store, *of: Any) -> None:
        save(self, *of)
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "save", save_and_end)
    with pytest.raises(KeyboardInterrupt):
        watch.look(1.1)
    monkeypatch.undo()
    shutil.move(tmp_path / "elsewhere", tmp_path / "bundles")
    watch.look(1.5)
    assert {finding.column for finding in watch.findings(0, "drift")} >= set(YIELD.names)


def test_a_bundle_that_is_missing_is_said_also_when_another_model_has_its_own(
    watch: Watch, second: Traffic
):
    watch.predict(0)
    second.predict(watch.at(0))
    watch.look(1.1)
    up, reason = watch.source("references")
    assert not up and SECOND.model in reason
    watch.look(1.2)
    assert watch.source("references") == (up, reason)


def test_rows_that_cannot_be_read_are_said_also_when_another_model_is_sound(
    watch: Watch, second: Traffic, tmp_path: Path
):
    write_monitored(tmp_path / "bundles", SECOND, "2")
    watch.predict(0)
    second.predict(watch.at(0))
    engine = sa.create_engine(watch.traffic._table.engine.url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE prediction SET features = '17' WHERE model = :model"),
            {"model": SECOND.model},
        )
    engine.dispose()
    assert watch.look(1.1) == 2
    up, reason = watch.source("judging")
    assert not up and "could not be judged" in reason


def test_a_statement_that_takes_too_long_keeps_no_other_model_from_being_judged(
    watch: Watch, second: Traffic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write_monitored(tmp_path / "bundles", SECOND, "2")
    watch.predict(0)
    second.predict(watch.at(0))
    read = JournalReader.window

    def window(self: JournalReader, arm: Arm, *more: Any) -> Window:
        if arm.model == SECOND.model:
            raise Unavailable("canceling statement due to statement timeout")
        return read(self, arm, *more)

    monkeypatch.setattr(JournalReader, "window", window)
    assert watch.look(1.1) == 1
    assert watch.rows() == {0: 300}
    up, reason = watch.source("journal")
    assert not up and SECOND.model in reason and "timeout" in reason
    assert set(watch.store.last_success()) == {YIELD.model}
    monkeypatch.undo()
    assert watch.look(1.2) == 1
    assert watch.source("journal") == (True, "")


def test_a_database_that_goes_away_in_between_is_said_and_the_look_goes_on_when_it_is_back(
    cluster: Cluster, watch: Watch
):
    if not watch.settings.journal_url.startswith("postgresql"):
        return
    watch.predict(0)
    watch.look(1.1)
    watch.predict(1)
    cluster.stop()
    try:
        assert watch.judge.monitor.look(watch.at(2.1)) == 0
    finally:
        cluster.start()
    assert watch.look(2.2) == 1
    assert watch.rows() == {0: 300, 1: 300}
    assert watch.source("findings") == (True, "")
