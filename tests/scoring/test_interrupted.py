"""A scoring that ends too early goes on where it was, and shows nobody half of a table."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.support.processes import wait_until
from tests.support.scoring import Scorer, answers, numbered, write_parquet
from tests.support.service import bundles

pytestmark = pytest.mark.slow

MODEL = "yield-prediction"
ROWS = numbered(bundles.YIELD, 200) * 200
PART_ROWS = 400


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.YIELD, version="1", linear=True)
    bundles.write_bundle(folder, bundles.YIELD, version="2", arm="challenger", linear=True, seed=3)
    return folder


@pytest.fixture
def score(root: Path) -> Scorer:
    return Scorer(root)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [
        {**row, "light": -1.0} if number % 1000 == 3 else row for number, row in enumerate(ROWS)
    ]
    return write_parquet(tmp_path_factory.mktemp("table") / "t.parquet", rows, group=15_000)


def interrupt(score: Scorer, table: Path, out: Path, how: signal.Signals) -> int:
    """Ends a scoring once some parts are written, before the last; how many there are."""
    unfinished = out.with_name(f".{out.name}.unfinished")
    words = (MODEL, table, out, "--part-rows", PART_ROWS)
    with score.started(out.with_name("never"), *words) as process:
        wait_until(lambda: len(list(unfinished.glob("*/*.json"))) > 3, "the first parts")
        os.kill(process.pid, how)
        _, err = process.communicate()
    assert process.returncode == (130 if how == signal.SIGTERM else -how), err
    assert not out.exists() and not out.with_name(f"{out.stem}.violations.csv").exists()
    if how == signal.SIGTERM:
        assert "the same command goes on from there" in err
    return len(list(unfinished.glob("*/*.json")))


@pytest.mark.parametrize(
    ("how", "name"), [(signal.SIGKILL, "o.parquet"), (signal.SIGTERM, "o.csv")]
)
def test_it_goes_on_where_it_was(
    score: Scorer, table: Path, tmp_path: Path, how: signal.Signals, name: str
) -> None:
    out, whole = tmp_path / name, tmp_path / "whole.parquet"
    parts = interrupt(score, table, out, how)
    assert 3 <= parts < len(ROWS) // PART_ROWS
    ended = score(MODEL, table, out, "--part-rows", PART_ROWS)
    assert ended.code == 0, ended.err
    assert (
        f"goes on where it was interrupted: {parts * PART_ROWS:,} rows in {parts} parts"
        in ended.err
    )
    assert score(MODEL, table, whole).code == 0
    scored, expected = answers(out), answers(whole)
    if name.endswith(".csv"):
        expected = [{**row, "version": 1} for row in expected]
        scored = [
            {**row, "prediction": row["prediction"] and round(row["prediction"], 3)}
            for row in scored
        ]
        expected = [
            {**row, "prediction": row["prediction"] and round(row["prediction"], 3)}
            for row in expected
        ]
    assert scored == expected
    violations = (tmp_path / "o.violations.csv").read_text("utf-8")
    assert violations == (tmp_path / "whole.violations.csv").read_text("utf-8")
    assert violations.count("\n") == 1 + len(ROWS) // 1000
    assert not list(tmp_path.glob(".*"))


def test_another_version_begins_anew_and_says_so(
    score: Scorer, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.parquet"
    parts = interrupt(score, table, out, signal.SIGKILL)
    ended = score(MODEL, table, out, "--version", "challenger", "--part-rows", PART_ROWS)
    assert ended.code == 0
    assert f"begins anew, and drops {parts} parts" in ended.err
    assert "that was yield-prediction, version 1; this is yield-prediction, version 2" in ended.err
    assert {row["version"] for row in answers(out)} == {"2"}


def test_a_changed_source_begins_anew_and_says_so(score: Scorer, tmp_path: Path) -> None:
    out, table = tmp_path / "o.parquet", write_parquet(tmp_path / "t.parquet", ROWS)
    interrupt(score, table, out, signal.SIGKILL)
    write_parquet(table, ROWS[:700])
    ended = score(MODEL, table, out, "--part-rows", PART_ROWS)
    assert ended.code == 0
    assert "begins anew, and drops" in ended.err and f"the source changed: {table}" in ended.err
    assert len(answers(out)) == 700


def test_an_output_that_was_there_stays_until_the_new_one_is_whole(
    score: Scorer, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.csv"
    out.write_text("as it was", encoding="utf-8")
    (tmp_path / "o.violations.csv").write_text("as they were", encoding="utf-8")
    words = (MODEL, table, out, "--part-rows", PART_ROWS)
    with score.started(tmp_path / "never", *words) as process:
        wait_until(lambda: list(tmp_path.glob(".o.csv.unfinished/*/*.csv")), "the first part")
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert out.read_text("utf-8") == "as it was"
    rows = write_parquet(tmp_path / "few.parquet", ROWS[:9])
    assert score(MODEL, rows, out).code == 0
    assert len(answers(out)) == 9 and not (tmp_path / "o.violations.csv").exists()


def test_two_scorings_do_not_write_the_same_output(
    score: Scorer, table: Path, tmp_path: Path
) -> None:
    out, go_on = tmp_path / "o.parquet", tmp_path / "go on"
    words = (MODEL, table, out, "--part-rows", PART_ROWS)
    with score.started(go_on, *words) as process:
        wait_until(lambda: list(tmp_path.glob(".o.parquet.unfinished/*/*.json")), "the first part")
        ended = score(MODEL, table, out)
        assert ended.code == 1 and "another scoring writes here" in ended.err
        go_on.touch()
        assert process.wait() == 0
    assert len(answers(out)) == len(ROWS)


def test_a_part_that_somebody_removed_is_scored_again(
    score: Scorer, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "o.parquet"
    interrupt(score, table, out, signal.SIGKILL)
    next(tmp_path.glob(".o.parquet.unfinished/*/*-*0.parquet")).unlink()
    ended = score(MODEL, table, out, "--part-rows", PART_ROWS)
    assert ended.code == 0, ended.err
    assert [row["row"] for row in answers(out)] == list(range(len(ROWS)))
