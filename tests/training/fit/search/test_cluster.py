"""The search on a real Dask cluster: a scheduler and two workers, each a process of its own."""

# pylint: disable=redefined-outer-name  # fixtures are asked for by their names
from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import distributed
import pytest

from tests.support.dask_cluster import Cluster, running_cluster
from tests.support.processes import wait_until
from tests.support.training import rows_of, write_spec
from training.data.dataset import Dataset, encode_and_split
from training.fit.search.search import SearchResult, search
from training.spec.load import load
from training.spec.values import Spec

pytestmark = pytest.mark.slow

SEARCH = {"candidates": ["linear", "gradient-boosting", "extra-trees"], "budget": 9, "folds": 3}


class Study(NamedTuple):
    spec: Spec
    data: Dataset

    def searched(self, cluster: str = "") -> SearchResult:
        return search(self.spec, self.data.contract, *self.data.train, cluster)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    spec = load(write_spec(tmp_path_factory.mktemp("study"), "study", "wine.csv", search=SEARCH))
    return Study(spec, encode_and_split(spec, rows_of("wine"), "fingerprint"))


@pytest.fixture(scope="module")
def local(study: Study) -> SearchResult:
    """In processes of this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOKY_MAX_CPU_COUNT", "2")
        return study.searched()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with running_cluster(tmp_path) as cluster:
        yield cluster


def results(searched: SearchResult) -> list[Any]:
    """All that must not depend on where the fits ran."""
    trials = [
        (trial.candidate, str(trial.parameters), trial.score, trial.spread)
        for trial in searched.trials
    ]
    return [trials, [(file.candidate, file.score) for file in searched.ranking]]


def busy(client: distributed.Client, name: str) -> bool:
    """Whether a task is running on the worker of this name."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    address = next((at for at, trial in workers.items() if trial["name"] == name), None)
    return bool(address and client.processing([address])[address])


def test_a_cluster_finds_the_same_as_this_machine(
    study: Study, local: SearchResult, cluster: Cluster
) -> None:
    assert results(study.searched(cluster.address)) == results(local)


def test_a_killed_worker_does_not_lose_the_search(
    study: Study, local: SearchResult, cluster: Cluster
) -> None:
    with (
        ThreadPoolExecutor() as pool,
        distributed.Client(cluster.address, set_as_default=False) as client,
    ):
        client.wait_for_workers(2)
        running = pool.submit(study.searched, cluster.address)
        wait_until(lambda: running.done() or busy(client, "second"), "a task on the second worker")
        assert not running.done()
        os.kill(cluster.workers[1].pid, signal.SIGKILL)
        assert results(running.result()) == results(local)
        assert len(client.scheduler_info(n_workers=-1)["workers"]) == 1
