"""Lines of the log, held to ECS' published names and types: tests/support/elastic has them, from npm's @elastic/ecs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from service.process import logs
from tests.support.elastic import ECS
from tests.support.service import bundles
from tests.support.service.caller import Caller

REQUIRED = {"@timestamp", "ecs.version", "log.level", "message"}
PYTHON: dict[str, tuple[type, ...]] = {
    **{"date": (str,), "keyword": (str,), "wildcard": (str,), "match_only_text": (str,)},
    **{"long": (int,), "ip": (str,)},
}


def read(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def assert_ecs(line: dict[str, Any]) -> None:
    assert line.keys() >= REQUIRED
    for name, value in line.items():
        if not name.startswith("swarmline."):
            assert isinstance(value, PYTHON[ECS["fields"][name]]), (name, value)
    # Objects and words under one name would be refused by the index.
    assert not [name for name in line if any(other.startswith(f"{name}.") for other in line)]


def test_every_name_that_lines_may_have_is_of_ecs() -> None:
    assert logs.ECS_VERSION == ECS["version"]
    assert set(logs.ECS_NAMES.values()) <= ECS["fields"].keys()
    assert not [name for name in ECS["fields"] if name.partition(".")[0] == "swarmline"]


def test_a_line_of_a_request_is_ecs(make_app: Any, capfd: pytest.CaptureFixture[str]) -> None:
    caller = Caller(make_app(LOG_SAMPLE="1"))
    caller.predict("yield-prediction", bundles.YIELD.example, X_Request_Id="mine")
    caller.predict("yield-prediction", {"light": "\ud800"})
    answered, refused = read(capfd.readouterr().out)
    for line in (answered, refused):
        assert_ecs(line)
    assert answered["http.request.id"] == "mine" and answered["event.action"] == "request"
    assert (answered["event.outcome"], refused["event.outcome"]) == ("success", "failure")
    assert (answered["log.level"], refused["log.level"]) == ("info", "warning")
    # Nanoseconds: a prediction takes more than 10 microseconds and less than 10 seconds.
    assert 10_000 < answered["event.duration"] < 10_000_000_000


@pytest.fixture
def loggers() -> Iterator[None]:
    """As they were, for the other tests of this process."""
    names = [logging.getLogger(name) for name in ("service", "gunicorn.error")]
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in names]
    yield
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


@pytest.mark.usefixtures("loggers")
def test_failures_modules_and_our_own_fields_are_ecs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_SAME", dict(logs._SAME))
    logs.set_up("info", "release-1")
    try:
        raise ZeroDivisionError("1 / 0")
    except ZeroDivisionError as error:
        logs.log_failure("r1", error, "0af7651916cd43dd8448eb211c80319c")
        logging.getLogger("service.journal").error("waits", exc_info=True)
    logs.log("info", "retrain", model="yield", exit_code=0, request_id=None)
    failure, module, own = read(capfd.readouterr().out)
    for line in (failure, module, own):
        assert_ecs(line)
        assert line["service.version"] == "release-1"
    assert "ZeroDivisionError" in failure["error.stack_trace"]
    assert failure["trace.id"] == "0af7651916cd43dd8448eb211c80319c"
    assert (module["message"], module["log.logger"]) == ("waits", "service.journal")
    assert own["swarmline.model"] == "yield" and "http.request.id" not in own
