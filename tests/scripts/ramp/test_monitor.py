"""What answers in the monitor's place is not taken for its word."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from werkzeug.wrappers import Request, Response

from scripts.command.outcome import Refused
from scripts.edge.client import EdgeClient
from scripts.ramp.monitor import Away, Monitor, experiment_of
from tests.support.monitoring.verdicts import experiment_of as judged
from tests.support.web import Quiet, answering

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)


class _Dated(Quiet):
    """A machine whose clock is another one."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return "Sun, 01 Mar 2026 12:00:07 GMT"


Ask = Callable[[Response], Monitor]


@pytest.fixture(name="monitor")
def _monitor() -> Iterator[Ask]:
    said: list[Response] = []

    def answer(request: Request) -> Response:
        assert (
            request.path == "/monitor/v1/experiments/a/b" and "a%2Fb" in request.environ["RAW_URI"]
        )
        return said[-1]

    with answering(answer, _Dated) as url:

        def ask(response: Response) -> Monitor:
            said.append(response)
            return Monitor(lambda: EdgeClient(url, "key", ""), "a/b")

        yield ask


def as_json(**changes: Any) -> Response:
    document = msgspec.to_builtins(judged("late", NOW)) | changes
    text = json.dumps(document, default=str)
    return Response(text, content_type="application/json")


def test_its_word_is_read_with_its_own_time(monitor: Ask):
    answer = monitor(as_json()).ask()
    # It may be the last moment of that second.
    assert answer.at == NOW + dt.timedelta(seconds=8)
    experiment = answer.experiment
    assert experiment is not None and experiment.versions == ("5", "6")
    assert (experiment.judged_at, experiment.share, experiment.requests) == (NOW, 25.0, 1011)
    assert (experiment.stop, experiment.is_ended, experiment.more_rows) == (False, False, 41_300)


@pytest.mark.parametrize("stop", [True, None, "no", 0])
def test_only_a_plain_no_lets_a_ramp_go_on(stop: object):
    document = msgspec.to_builtins(judged("late", NOW)) | {
        "stop": stop,
        "judged_at": NOW.isoformat(),
    }
    assert experiment_of(document).stop


def test_a_model_without_an_experiment_is_an_answer(monitor: Ask):
    problem = Response('{"detail": "none"}', 404, content_type="application/problem+json")
    assert monitor(problem).ask().experiment is None


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response("gone", 404), "answers 404"),
        (Response("{}", 503), "answers 503"),
        (Response('{"detail": "a key is needed"}', 401, content_type="application/problem+json"), "answers 401: a key"),
        (Response("<html>", 200), "what is no experiment"),
        (Response("[]", 200), "what is no experiment"),
        (as_json(judged_at="yesterday"), "what is no experiment"),
        (as_json(errors=None), "what is no experiment"),
    ],
)  # fmt: skip
def test_what_is_not_its_word_is_as_if_it_were_away(monitor: Ask, response: Response, words: str):
    with pytest.raises(Away, match=words):
        monitor(response).ask()


def test_where_it_does_not_answer_the_edge_is_looked_for_again():
    looked: list[str] = []

    def edge() -> EdgeClient:
        looked.append("")
        if len(looked) > 1:
            raise Refused("no manager answers")
        return EdgeClient("http://127.0.0.1:9", "", "")

    monitor = Monitor(edge, "late")
    with pytest.raises(Away, match="the monitor does not answer"):
        monitor.ask()
    with pytest.raises(Away, match="the edge is not found: no manager answers"):
        monitor.ask()
