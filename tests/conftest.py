"""The same environment for every test, whatever the shell or the Makefile has set; and which tests run side by side."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.outside import outside_names

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

#: MAKE: `make test` is no part of a make that a test starts.
PREFIXES = ("SWARMLINE_", "MLFLOW_", "MAKE")
#: Of the service's settings, those that the Makefile exports or a developer may have set.
SETTINGS = ("BIND", "BUNDLES", "JOURNAL_URL", "JOURNAL_SPOOL", "AUTH", "KEYS", "TRAFFIC", "RELEASE")
#: What a build was started with is not for the tests that it runs.
GIVEN = {*SETTINGS, *outside_names()}

# Here and not in a fixture, so that fixtures of every scope and the processes they start see it.
for _name in list(os.environ):
    if _name.startswith(PREFIXES) or _name.removesuffix("_FILE") in GIVEN:
        del os.environ[_name]
# As `make` has it: what a test starts keeps what it has compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ.update(TZ="UTC", MPLBACKEND="Agg", DO_NOT_TRACK="true")
# Threads of OpenMP spin while they wait for a core that another test has: a test takes ten times as long.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
# A search in the process of the test: others take longer to start than the searches of tests.
os.environ.update(LOKY_MAX_CPU_COUNT="1")

#: Files that share what takes long to make run one after the other, in one process: one Swarm, whose images are built
#: once. What takes longest starts first; the first entry that fits counts.
TOGETHER = {
    "Swarm": ("tests/swarm/",),
    "any contract": ("tests/training/test_any_contract.py",),
    "failures": ("tests/training/common/test_failures.py",),
    "builds": ("tests/jenkins/",),
    "journal": ("tests/service/journal/",),
}


def group(test: str) -> str:
    """What a test runs together with: its file, or those that share with it."""
    file = test.partition("::")[0]
    return next((name for name, starts in TOGETHER.items() if file.startswith(starts)), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(TOGETHER)}
    items.sort(key=lambda item: order.get(group(item.nodeid), len(order)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Each process takes a group at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class ByGroup(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group(nodeid)

    return ByGroup(config, log)
