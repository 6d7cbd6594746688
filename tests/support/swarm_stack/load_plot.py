"""A load over time as a picture: what was asked, how many replicas ran, how long answers took, what failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure

from tests.support.swarm_stack.paced import Answer

#: Seconds that a point of the picture stands for.
STEP = 5.0


class Course(NamedTuple):
    """`replicas` are how many ran, by second."""

    answers: list[Answer]
    replicas: list[tuple[float, int]]


def by_step(answers: list[Answer]) -> dict[float, list[Answer]]:
    steps: dict[float, list[Answer]] = defaultdict(list)
    for answer in answers:
        steps[answer.at // STEP * STEP].append(answer)
    return dict(sorted(steps.items()))


def quantile(answers: list[Answer], share: float) -> float:
    seconds = sorted(answer.seconds for answer in answers)
    return seconds[min(int(len(seconds) * share), len(seconds) - 1)]


def draw(courses: Mapping[str, Course], place: Path) -> None:
    """A column for each course, on the same scales."""
    figure = Figure(figsize=(6.5 * len(courses), 10))
    axes = figure.subplots(4, len(courses), sharey="row", squeeze=False)
    for column, (title, course) in enumerate(courses.items()):
        _draw(axes[:, column], course)
        axes[0, column].set_title(title)
        axes[3, column].set_xlabel("seconds")
    for row, label in enumerate(("requests/s", "replicas that run", "seconds", "failed")):
        axes[row, 0].set_ylabel(label)
    most = max(count for course in courses.values() for _, count in course.replicas)
    axes[1, 0].set_ylim(0, most + 1)
    figure.tight_layout()
    place.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(place, dpi=110)


def _draw(axes: Any, course: Course) -> None:
    steps = by_step(course.answers)
    axes[0].plot(list(steps), [len(each) / STEP for each in steps.values()])
    axes[1].step(*zip(*course.replicas, strict=True), where="post")
    for share in (0.5, 0.99):
        line = [max(quantile(each, share), 1e-3) for each in steps.values()]
        axes[2].plot(list(steps), line, label=f"p{share * 100:.0f}")
    axes[2].set_yscale("log")
    axes[2].legend()
    failed = [sum(answer.status != "200" for answer in each) for each in steps.values()]
    axes[3].plot(list(steps), failed)
