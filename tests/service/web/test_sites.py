"""Pages of other sites: what a browser would carry from them into a service is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import websocket

from tests.support.service import bundles
from tests.support.service.caller import Caller
from tests.support.service.server import Server

BODY = {"rows": [bundles.YIELD.example]}
MODEL = "/v1/models/yield-prediction"
POSTS = (
    f"{MODEL}/predict",
    f"{MODEL}:predict",
    f"{MODEL}/invocations",
    "/v2/models/yield-prediction/infer",
    f"{MODEL}/truth",
    f"{MODEL}/retrain",
)
GETS = ("/", "/health/ready", "/metrics", "/openapi.json", "/docs", "/v1/models", MODEL, "/v2")
FOREIGN = (
    {"Origin": "https://elsewhere.example"},
    {"Origin": "http://localhost:81"},
    {"Origin": "null"},
    {"Origin": "http://localhost.elsewhere.example"},
    {"Origin": "http://localhost, https://elsewhere.example"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "http://[::1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
)


@pytest.fixture
def keyless(make_app: Callable[..., Any]) -> Any:
    return make_app(KEYS_FILE="").flask.test_client()


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_a_page_of_another_site_sends_is_refused_on_every_route(
    keyless: Any, headers: dict[str, str]
) -> None:
    for path in POSTS:
        assert keyless.post(path, json=BODY, headers=headers).status_code == 403, path
    for path in GETS:
        assert keyless.get(path, headers=headers).status_code == 403, path


def test_a_key_does_not_let_a_page_of_another_site_in(caller: Caller) -> None:
    answer = caller.post(POSTS[0], BODY, Origin="https://elsewhere.example")
    assert answer.status_code == 403 and "elsewhere.example" in answer.json["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost:80", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://LOCALHOST:8080", "Host": "localhost:8080"},
        {"Origin": "https://localhost", "Host": "localhost:443"},
        {"Origin": "http://[::1]:8080", "Host": "[::1]:8080"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://farm.example", "X-Forwarded-Host": "farm.example"},
    ],
)
def test_programs_people_and_our_own_pages_are_let_in(
    keyless: Any, headers: dict[str, str]
) -> None:
    assert keyless.post(POSTS[0], json=BODY, headers=headers).status_code == 200


def test_a_link_on_another_site_leads_to_what_is_open_and_to_nothing_else(keyless: Any) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert keyless.get("/docs", headers=link).status_code == 200
    assert keyless.get("/v1/models", headers=link).status_code == 403
    # A form is a navigation, too.
    assert keyless.post(POSTS[0], json=BODY, headers=link).status_code == 403


@pytest.mark.parametrize("path", POSTS[:-1])
def test_only_a_browser_has_to_say_what_type_it_sends(keyless: Any, path: str) -> None:
    ours = {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}
    for headers, refused in (({}, False), (ours, True)):
        answer = keyless.post(path, data=b"{}", headers=headers)
        assert (answer.status_code == 415) is refused, answer.text


@pytest.mark.parametrize(
    "host", ["farm.example", "localhost.farm.example", "127.0.0.1.farm.example", "10.0.0.1"]
)
def test_without_keys_a_service_answers_to_loopback_names_only(
    make_app: Callable[..., Any], keyless: Any, host: str
) -> None:
    for headers in ({"Host": host}, {"Host": host, "X-Forwarded-Host": "localhost"}):
        for path in GETS:
            assert keyless.get(path, headers=headers).status_code == 403, path
        answer = keyless.post(POSTS[0], json=BODY, headers=headers)
        assert answer.status_code == 403 and "AUTH=off" in answer.json["detail"]
    with_keys = make_app().flask.test_client()
    open_to_all = make_app(KEYS_FILE="", AUTH="off").flask.test_client()
    for client in (with_keys, open_to_all):
        assert client.get("/health/ready", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8080", "127.0.0.1:8080", "[::1]:9", "127.9.9.9"]
)
def test_every_name_of_loopback_will_do(keyless: Any, host: str) -> None:
    assert keyless.get("/v1/models", headers={"Host": host}).status_code == 200


@pytest.mark.slow
def test_a_stream_of_another_site_is_not_opened(start_server: Callable[..., Server]) -> None:
    server = start_server(WORKERS="1", KEYS_FILE="")
    url = f"ws://127.0.0.1:{server.port}{MODEL}/stream"
    with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
        websocket.create_connection(url, origin="https://elsewhere.example", timeout=10)
    websocket.create_connection(url, origin=server.url, timeout=10).close()
