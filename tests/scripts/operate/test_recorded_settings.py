"""A release is asked for where it was recorded with; today's environment says only who asks, and by which way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scripts.command.options import parsed
from scripts.command.outcome import Refused
from scripts.operate import confirm, status, up
from tests.support.scripts.swarm_in_a_file import NAME, SwarmInAFile, release


def address_of_status() -> str:
    with pytest.raises(Refused) as caught:
        status.status(NAME)
    return str(caught.value.facts["url"])


def address_of_confirm() -> str:
    with pytest.raises(Refused) as caught:
        confirm.confirm(parsed(confirm.command_line(), ["--deadline=0"]))
    return str(caught.value).replace("host='127.0.0.1', port=", "http://127.0.0.1:")


def address_of_directions() -> str:
    return str(up.look_around(NAME)["url"])


ASKED: list[Callable[[], str]] = [address_of_status, address_of_confirm, address_of_directions]


@pytest.fixture(autouse=True)
def _recorded(swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release on port 9 without TLS, and a shell whose settings are of another stack."""
    record = release(1, "aaaa")
    assert record.inputs is not None
    variables: dict[str, Any] = {**record.inputs.variables, "EDGE_PORT": "9"}
    swarm.remember(record._replace(inputs=record.inputs._replace(variables=variables)))
    monkeypatch.delenv("SWARMLINE_URL")
    monkeypatch.setenv("EDGE_TLS", "on")
    monkeypatch.setenv("EDGE_PORT", "9443")


@pytest.mark.parametrize("asked", ASKED)
def test_the_recorded_port_is_asked_whatever_the_shell_has(asked: Callable[[], str]):
    assert "http://127.0.0.1:9" in asked() and "9443" not in asked()


def test_an_address_that_is_named_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SWARMLINE_URL", "http://127.0.0.1:7/")
    assert address_of_status() == "http://127.0.0.1:7"


def test_without_a_record_the_shell_is_all_there_is(
    swarm: SwarmInAFile, monkeypatch: pytest.MonkeyPatch
):
    swarm.write({**swarm.read(), "config": {}})
    assert address_of_status() == "https://127.0.0.1:9443"
