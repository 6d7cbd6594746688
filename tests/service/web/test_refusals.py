"""What is sent for a request that no application saw."""

from __future__ import annotations

import json

import pytest

from service.web.refusals import refusal


def test_a_failure_of_our_own_is_logged_under_the_id_it_is_answered_with(
    capfd: pytest.CaptureFixture[str],
) -> None:
    answer = refusal(ZeroDivisionError("inside"), "127.0.0.1")
    document = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert answer.startswith(b"HTTP/1.1 500") and b"inside" not in answer
    (line,) = capfd.readouterr().out.splitlines()
    assert document["request_id"] in line and "ZeroDivisionError" in line
