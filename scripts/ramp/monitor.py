"""The monitor's word on one model's experiment, over HTTP: docs/experiments.md, "For programs"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import requests

from scripts.command.outcome import Refused
from scripts.edge.client import EdgeClient

SECONDS = 10.0
PROBLEM = "application/problem+json"


class Away(Exception):
    """The monitor does not answer, or not as a monitor; the message is why."""


class Experiment(NamedTuple):
    """What a ramp has to obey, and what it says to people. `share` is in per cent; None while replicas disagree."""

    champion: str
    challenger: str
    judged_at: datetime
    stop: bool
    verdict: str
    reason: str
    share: float | None
    #: Of the challenger, that count for errors.
    requests: int
    more_rows: int | None
    is_ended: bool

    @property
    def versions(self) -> tuple[str, str]:
        return self.champion, self.challenger


class Answer(NamedTuple):
    """`at` is the monitor's own time, which another machine's need not be; None where the model has no experiment."""

    at: datetime
    experiment: Experiment | None


class Monitor:
    """The monitor of a stack, asked about one model."""

    def __init__(self, edge_of: Callable[[], EdgeClient], model: str):
        self._edge_of = edge_of
        self._path = f"/monitor/v1/experiments/{quote(model, safe='')}"
        self._edge: EdgeClient | None = None

    def ask(self) -> Answer:
        """Away where it cannot be had."""
        answer = self._get()
        is_problem = answer.headers.get("Content-Type", "").startswith(PROBLEM)
        if answer.status_code == 404 and is_problem:
            return Answer(_time_of(answer), None)
        if answer.status_code != 200:
            raise Away(f"the monitor answers {answer.status_code}{_detail(answer, is_problem)}")
        try:
            return Answer(_time_of(answer), experiment_of(answer.json()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Away(f"the monitor answers what is no experiment: {error!r}") from error

    def _get(self) -> requests.Response:
        """Where the edge is stays as it was, until it does not answer there: its node may be gone."""
        edge, self._edge = self._edge, None
        try:
            edge = edge or self._edge_of()
            answer = edge.get(self._path, SECONDS)
        except requests.RequestException as error:
            raise Away(f"the monitor does not answer: {error}") from error
        except Refused as error:
            raise Away(f"the edge is not found: {error}") from error
        self._edge = edge
        return answer


def experiment_of(document: Mapping[str, Any]) -> Experiment:
    share = document["share"]
    return Experiment(
        champion=str(document["champion"]),
        challenger=str(document["challenger"]),
        judged_at=datetime.fromisoformat(document["judged_at"]).astimezone(UTC),
        # Whatever is not plainly false stops.
        stop=document["stop"] is not False,
        verdict=str(document["verdict"]),
        reason=" ".join(str(document["reason"]).split()),
        share=None if share is None else 100 * float(share),
        requests=int(document["errors"]["challenger"]["units"]),
        more_rows=document["quality"]["more_rows"],
        is_ended=document["ended_at"] is not None,
    )


def _time_of(answer: requests.Response) -> datetime:
    """The end of the second that it tells."""
    try:
        return parsedate_to_datetime(answer.headers["Date"]).astimezone(UTC) + timedelta(seconds=1)
    except (KeyError, ValueError):
        return datetime.now(UTC)


def _detail(answer: requests.Response, is_problem: bool) -> str:
    if not is_problem:
        return ""
    try:
        return f": {answer.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return ""
