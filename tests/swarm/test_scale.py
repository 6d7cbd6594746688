"""A load that rises and falls, on a real Swarm: with one fixed replica, and with as many as the monitor orders.

A replica has a fifth of a core and one worker, so that it is the limit and not the machine. Jenkins' address is a
stand-in that keeps what it is asked; the job's real command is run for it.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.support.retrain_job import TOKEN, RetrainJob, retrain_job
from tests.support.swarm.cluster import Swarm
from tests.support.swarm.waiting import wait_until
from tests.support.swarm_stack.callers import prediction
from tests.support.swarm_stack.events import PLACE, nobody_noticed, note
from tests.support.swarm_stack.load_plot import Course, draw, quantile
from tests.support.swarm_stack.paced import PacedCallers, Rate
from tests.support.swarm_stack.releases import MODEL, Release, Workshop
from tests.support.swarm_stack.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.thorough]
MOST = 4
SETTINGS = {
    **{"MONITORING": "on", "EDGE_PORT": "9446", "MODEL_REPLICAS": "1", "MODEL_CPUS": "0.2"},
    **{"MODEL_WORKERS": "1", "MODEL_CPUS_RESERVED": "0.1", "REPLICAS_MAX": str(MOST)},
    **{"AUTOSCALE_COOLDOWN": "1m", "AUTOSCALE_QUIET": "2m"},
}
#: Its waits are minutes of a quiet load: a fifth of a user's.
SHORTER = tuple(
    (
        "stack/monitoring/rules.yml",
        f"sum(rate(swarmline_task_cpu_seconds_total[{usual}]) and",
        "sum(rate(swarmline_task_cpu_seconds_total[1m]) and",
    )
    for usual in ("5m", "2m")
)
THREADS = 24
#: Of a request: enough that callers in Python load a fifth of a core without being the limit.
ROWS = [{"light": place % 100.0, "temperature": 21.5, "trays": 4} for place in range(100)]
#: Seconds of low, high and low load; the shares of what one replica answers at the most.
FIXED, SCALED = (30, 100, 50), (30, 210, 330)
LOW, HIGH = 0.25, 1.6


@pytest.fixture(name="jenkins", scope="module")
def _jenkins(swarm: Swarm) -> Iterator[RetrainJob]:
    with retrain_job("scale", swarm.network.gateway) as job:
        yield job


@pytest.fixture(name="narrow", scope="module")
def _narrow(
    swarm: Swarm, workshop: Workshop, jenkins: RetrainJob, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stack, Release]]:
    """One narrow replica, with monitoring that orders none yet."""
    root, folder = workshop.altered("narrow", *SHORTER), tmp_path_factory.mktemp("narrow")
    release = workshop.release("narrow", "1", root, monitoring="on")
    stack = Stack(swarm, folder, "narrow", SETTINGS | {"SCALE_URL": jenkins.url}, root)
    stack.run("secrets", "make", "--self-signed", "edge.test").good()
    (folder / "token").write_text(TOKEN, encoding="ascii")
    stack.run("secrets", "rotate", "retrain_token", "--file", str(folder / "token")).good()
    with ExitStack() as ended:
        ended.callback(stack.remove)
        stack.deploy(release, "--watch", "0").good()
        yield stack, release


@contextmanager
def paced(stack: Stack, rate: Rate, threads: int = THREADS) -> Iterator[PacedCallers]:
    trust = ssl.create_default_context(cafile=str(stack.folder / "secrets/edge.crt"))
    trust.check_hostname = False
    request = prediction(MODEL, ROWS, stack.key)
    port = int(stack.environ["EDGE_PORT"])
    with PacedCallers(stack.addresses(), port, trust, request, threads, rate) as callers:
        yield callers


def most_of_one(stack: Stack) -> float:
    """Requests a second that one replica answers to callers that ask without pause."""
    with paced(stack, lambda _: 1e6, threads=8) as callers:
        wait_until(lambda: time.monotonic() - callers.began > 20, "twenty seconds", 30)
        answers = [answer for answer in callers.seen.answers if answer.status == "200"]
    assert answers, callers.seen.summary
    return len(answers) / (time.monotonic() - callers.began)


def rising_and_falling(most: float, low: float, high: float) -> Rate:
    return lambda second: most * (HIGH if low <= second < low + high else LOW)


@contextmanager
def builds(stack: Stack, jenkins: RetrainJob) -> Iterator[None]:
    """What a build of the job does, one after the other."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(0.2):
            if not jenkins.queue:
                continue
            parameters = jenkins.queue.pop(0)
            jenkins.build(**parameters)
            number = len(jenkins.builds)
            words = (parameters["REPLICAS"], "--why", parameters["REASON"])
            stack.run("scale", *words, "--by", f"jenkins-swarmline-scale-{number}")
            jenkins.builds[-1]["building"] = False

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(120)


def course_of(stack: Stack, rate: Rate, seconds: float) -> tuple[Course, PacedCallers]:
    replicas: list[tuple[float, int]] = []
    with paced(stack, rate) as callers:

        def is_over() -> bool:
            second = time.monotonic() - callers.began
            replicas.append((second, len(stack.tasks("model"))))
            return second > seconds

        wait_until(is_over, "the load has fallen again", seconds + 60, 2)
    return Course(callers.seen.answers, replicas), callers


def figures(course: Course, low: float, high: float) -> dict[str, float]:
    """Of the second half of the high load: what callers meet once it has been there for a while."""
    late = [answer for answer in course.answers if low + high / 2 <= answer.at < low + high]
    return {
        "most_replicas": max(count for _, count in course.replicas),
        "p50_s": round(quantile(late, 0.5), 3),
        "p99_s": round(quantile(late, 0.99), 3),
        "answered_per_s": round(len(late) / (high / 2), 1),
    }


def test_a_load_that_rises_and_falls_is_borne_by_as_many_replicas_as_it_needs(
    narrow: tuple[Stack, Release], jenkins: RetrainJob
):
    stack, release = narrow
    most = most_of_one(stack)
    fixed, before = course_of(stack, rising_and_falling(most, *FIXED[:2]), sum(FIXED))
    note("load rises and falls, one replica", before.seen, **figures(fixed, *FIXED[:2]))
    stack.deploy(release, "--watch", "0", AUTOSCALE="on").good()
    with builds(stack, jenkins):
        scaled, seen = course_of(stack, rising_and_falling(most, *SCALED[:2]), sum(SCALED))
    orders = [order["REPLICAS"] for order in jenkins.started]
    note(
        "load rises and falls, AUTOSCALE", seen.seen, **figures(scaled, *SCALED[:2]),
        one_replica_per_s=round(most, 1), orders=orders,
    )  # fmt: skip
    courses = {"one replica": fixed, "AUTOSCALE=on": scaled}
    draw(courses, PLACE.with_name("scale.png"))
    assert nobody_noticed(seen.seen), seen.seen.summary
    counts = [count for _, count in scaled.replicas]
    assert 1 < max(counts) <= MOST + 1 and max(map(int, orders)) <= MOST
    assert int(orders[-1]) < max(map(int, orders)), orders
    entries = stack.run("releases", "--json").good().document["records"]
    scalings = [entry for entry in entries if entry["kind"] == "scale"]
    assert len(scalings) == len(orders) and all(
        "AUTOSCALE order" in each["why"] for each in scalings
    )
