from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.support.machine import started, wait_until
from tests.support.service.server import Server, key_lines

pytestmark = pytest.mark.slow
Start = Callable[..., Server]
SERVE = ("monitoring", "serve")


def children(pid: int) -> dict[str, int]:
    """The processes of the monitor by their verb."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    words = {int(child): command_of(child).split(b"\0") for child in listed}
    return {command[3].decode(): child for child, command in words.items() if len(command) > 3}


def command_of(child: str) -> bytes:
    try:
        return Path(f"/proc/{child}/cmdline").read_bytes()
    # It has ended since it was listed.
    except (FileNotFoundError, ProcessLookupError):
        return b""


def said(url: str) -> str:
    """What is at an address; nothing while nobody listens there, or who listens does not answer yet."""
    try:
        answer = requests.get(url, timeout=20)
    except (requests.ConnectionError, requests.Timeout):
        return ""
    return answer.text if answer.status_code == 200 else ""


def answers(url: str) -> bool:
    return bool(said(url))


def looked(url: str) -> bool:
    return 'source_up{source="journal"} 1.0' in said(f"{url}/metrics")


def test_it_shows_pages_and_numbers_and_judges_beside_them(start: Start):
    service = start("service")
    wait_until(lambda: service.ready, "the service")
    monitor = start(*SERVE)
    wait_until(lambda: looked(monitor.url), "a look", 120)
    page = requests.get(monitor.url, timeout=10)
    assert page.status_code == 200 and page.url.endswith("/monitor/")
    assert said(f"{monitor.url}/health") == "ok\n"
    assert monitor.stop() == 0


def test_a_journal_that_is_not_there_yet_is_waited_for(start: Start):
    monitor = start(*SERVE)
    wait_until(
        lambda: 'source_up{source="journal"} 0.0' in said(f"{monitor.url}/metrics"),
        "the journal said to be down",
        120,
    )
    service = start("service")
    wait_until(lambda: service.ready, "the service")
    wait_until(lambda: looked(monitor.url), "a look", 120)


def test_the_judge_is_started_again_pages_stay_and_all_end_together(start: Start):
    monitor = start(*SERVE)
    wait_until(lambda: answers(f"{monitor.url}/health"), "the pages", 120)
    first = children(monitor.process.pid)
    assert set(first) == {"judge", "show"}
    os.kill(first["judge"], signal.SIGKILL)
    second = wait_until(
        lambda: (now := children(monitor.process.pid)).get("judge") not in (None, first["judge"])
        and now,
        "another judge",
        60,
    )
    assert answers(f"{monitor.url}/health") and second["show"] == first["show"]
    monitor.process.kill()
    monitor.process.wait()
    wait_until(lambda: not any(map(started, second.values())), "both ended with it", 60)


def test_what_cannot_start_says_so_in_a_sentence(start: Start, tmp_path: Path):
    first = start(*SERVE)
    wait_until(lambda: answers(f"{first.url}/health"), "the pages", 120)
    for environ, words in (
        ({"BIND": f"127.0.0.1:{first.port}"}, "cannot be had"),
        ({"MONITOR_WINDOW": "soon"}, "MONITOR_WINDOW is 'soon'"),
        ({"BIND": "0.0.0.0:1"}, "KEYS_FILE"),
        ({"KEYS": "nonsense"}, "KEYS, line 1"),
    ):
        refused = start(*SERVE, **environ)
        assert refused.process.wait(120) == 1
        assert words in refused.log.read_text(encoding="utf-8")


def test_pages_ask_for_a_key_of_scope_admin(start: Start):
    monitor = start(*SERVE, KEYS=key_lines())
    wait_until(lambda: answers(f"{monitor.url}/health"), "the pages", 120)
    page = f"{monitor.url}/monitor/"
    assert requests.get(page, timeout=10).status_code == 401
    assert requests.get(page, auth=("any", "caller"), timeout=10).status_code == 403
    assert requests.get(page, auth=("any", "keeper"), timeout=10).status_code == 200
