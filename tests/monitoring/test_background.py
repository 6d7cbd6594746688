"""What the monitor does beside the judging goes on, whatever fails."""

from __future__ import annotations

from monitoring.background import BackgroundTask
from monitoring.findings import FindingsUnavailable
from tests.support.machine import wait_until


class Task(BackgroundTask):
    """Fails as it is told to, one time after the other; then has nothing left to do."""

    def __init__(self, *failures: Exception, seconds: float = 0.01):
        super().__init__("test", seconds)
        self.failures, self.done = list(failures), 0
        self.faults: list[str] = []

    def work(self) -> bool:
        if self.failures:
            raise self.failures.pop(0)
        self.done += 1
        return self.done < 3

    def note_fault(self, reason: str) -> None:
        self.faults.append(reason)


def test_no_fault_ends_it_and_each_is_told_but_that_of_the_findings() -> None:
    task = Task(ValueError("no JSON"), FindingsUnavailable("away"), OSError("full"))
    task.start()
    try:
        wait_until(lambda: task.done > 3, "it goes on", 30)
    finally:
        task.stop()
    assert task.faults == ["ValueError: no JSON", "OSError: full"]


def test_it_rests_only_when_nothing_is_left_and_a_stop_ends_its_rest() -> None:
    task = Task(seconds=3600.0)
    task.start()
    wait_until(lambda: task.done == 3, "all is done at once", 30)
    task.stop(30)
    assert not task._thread.is_alive() and task.done == 3
