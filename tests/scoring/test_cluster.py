"""The parts of a table on a real Dask cluster: the same table as from one machine, also when a worker is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.dask_cluster import Cluster, running_cluster
from tests.support.processes import wait_until
from tests.support.scoring import Scorer, answers, numbered, write_parquet
from tests.support.service import bundles
from tests.support.training import impatient

pytestmark = pytest.mark.slow

MODEL = "yield-prediction"
ROWS = numbered(bundles.YIELD, 200) * 60
PART_ROWS = "400"


@pytest.fixture(scope="module")
def score(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("bundles")
    bundles.write_bundle(folder, bundles.YIELD, linear=True)
    return Scorer(folder)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        yield cluster


def test_a_cluster_gives_the_same_table_though_a_worker_is_killed(
    score: Scorer, cluster: Cluster, tmp_path: Path
) -> None:
    rows = [
        {**row, "light": -1.0} if number % 1000 == 3 else row for number, row in enumerate(ROWS)
    ]
    table = write_parquet(tmp_path / "t.parquet", rows, group=1000)
    assert score(MODEL, table, tmp_path / "one.parquet").code == 0
    out = tmp_path / "many.parquet"
    words = (MODEL, table, out, "--cluster", cluster.address, "--part-rows", PART_ROWS)
    with ThreadPoolExecutor() as pool:
        scoring = pool.submit(score, *words)
        wait_until(
            lambda: scoring.done() or list(tmp_path.glob(".many.parquet.unfinished/*/*.json")),
            "the first part",
        )
        os.kill(cluster.workers[1].pid, signal.SIGKILL)
        ended = scoring.result()
    assert ended.code == 0, ended.err
    assert answers(out) == answers(tmp_path / "one.parquet")
    violations = [
        (tmp_path / f"{name}.violations.csv").read_text("utf-8") for name in ("one", "many")
    ]
    assert violations[0] == violations[1]


def test_a_cluster_that_does_not_answer_and_what_it_cannot_do_is_said(
    score: Scorer, tmp_path: Path
) -> None:
    table = write_parquet(tmp_path / "t.parquet", ROWS[:9])
    with impatient():
        ended = score(MODEL, table, tmp_path / "o.parquet", "--cluster", "tcp://127.0.0.1:1")
    assert ended.code == 1 and "no Dask scheduler answers there" in ended.err
    for source, out, words in [
        ("sqlite:///x.db", "o.parquet", "SOURCE is a database"),
        (str(table), "sqlite:///x.db", "OUT is a database"),
    ]:
        ended = score(MODEL, source, out, "--cluster", "tcp://127.0.0.1:1")
        assert ended.code == 1 and words in ended.err
