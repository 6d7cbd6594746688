"""A journal of an experiment as the service would write it: two versions, with truth, subjects and slow answers."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec
import numpy as np

from service.journal.database.decoding import Row, text_of
from tests.support.journalled import JournalWriter, Truth
from tests.support.service.bundles import QUALITY, rows_for

MODEL = QUALITY.model
RELEASE = "release-1"
ARMS = ("champion", "challenger")
VERSIONS = {"champion": "1", "challenger": "2"}


class Behaviour(NamedTuple):
    """Of one arm: chances that a row is wrong, that its truth comes, that an answer is slow."""

    wrong: float = 0.15
    truth: float = 1.0
    slow: float = 0.0


class Answer(NamedTuple):
    """One arm's answer to one row."""

    request: str
    arm: str
    subject: str | None
    at: dt.datetime
    is_right: bool
    is_slow: bool = False
    #: In place of a class.
    number: float | None = None


class ExperimentJournal(JournalWriter):
    """The truth of each row is A, or 0."""

    def __init__(self, url: str, model: str = MODEL):
        super().__init__(url)
        self.model = model
        self._requests = 0
        self._newest: list[Row] = []
        self._features = [
            msgspec.json.encode(row).decode() for row in rows_for(QUALITY, 40, seed=3)
        ]

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments,too-many-locals
    def split(
        self,
        start: dt.datetime,
        requests: int,
        share: float,
        champion: Behaviour = Behaviour(),
        challenger: Behaviour = Behaviour(),
        subjects: int = 0,
        seed: int = 1,
        numbers: bool = False,
        span: dt.timedelta = dt.timedelta(minutes=1),
    ) -> None:
        """A request a row in the span from `start`; of so many subjects, each of which keeps its arm."""
        random = np.random.default_rng(seed)
        behaviours = {"champion": champion, "challenger": challenger}
        answers, told = [], []
        for number in range(requests):
            subject = int(random.integers(subjects)) if subjects else None
            chance = random.random() if subject is None else (subject * 0.618034) % 1
            arm = ARMS[chance < share]
            behaviour = behaviours[arm]
            answer = Answer(
                self._request(),
                arm,
                None if subject is None else f"subject-{subject}",
                start + number / requests * span,
                random.random() >= behaviour.wrong,
                random.random() < behaviour.slow,
                # Off by its error.
                random.exponential(behaviour.wrong) if numbers else None,
            )
            answers.append(answer)
            if random.random() < behaviour.truth:
                told.append(answer)
        self._write(answers, told)

    def shadow(
        self,
        start: dt.datetime,
        requests: int,
        wins: tuple[float, float],
        subjects: int = 0,
        seed: int = 1,
    ) -> None:
        """Both answer; in these shares of the rows champion or challenger alone is right."""
        random = np.random.default_rng(seed)
        answers = []
        for number in range(requests):
            request, chance = self._request(), random.random()
            at = start + dt.timedelta(minutes=number / requests)
            subject = f"subject-{random.integers(subjects)}" if subjects else None
            alone = "champion" if chance < wins[0] else "challenger" if chance < sum(wins) else ""
            for arm in ARMS:
                # A shadow is later.
                later = at + dt.timedelta(seconds=2 if arm == "challenger" else 0)
                answers.append(Answer(request, arm, subject, later, alone in ("", arm)))
        self._write(answers, answers)

    def send_again(self) -> None:
        """The newest requests, as clients do that got no answer."""
        again = [row._replace(prediction_id=f"{row.prediction_id}-again") for row in self._newest]
        self._table.insert(again)

    def _request(self) -> str:
        self._requests += 1
        return f"{self.model}-{self._requests}"

    def _write(self, answers: list[Answer], told: list[Answer]) -> None:
        self._newest = [self._row(answer) for answer in answers]
        self._table.insert(self._newest)
        truths = {
            answer.request: Truth(
                answer.request, answer.at, answer.at, "A" if answer.number is None else 0.0
            )
            for answer in told
        }
        self.write_truth(self.model, truths.values())

    def _row(self, answer: Answer) -> Row:
        label = None if answer.number is not None else "A" if answer.is_right else "B"
        prediction = f'"{label}"' if label else str(answer.number)
        place = int(answer.request.rpartition("-")[2]) % len(self._features)
        return Row(
            *(f"{answer.request}-{answer.arm}", answer.request, 0, _text(answer.at), self.model),
            *(VERSIONS[answer.arm], RELEASE, answer.arm, answer.subject, self._features[place]),
            *(prediction, label, answer.number, None, None, 400.0 if answer.is_slow else 1.5),
        )


def _text(at: dt.datetime) -> str:
    return text_of(at.astimezone(dt.UTC).replace(tzinfo=None))
