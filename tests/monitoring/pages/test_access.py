"""Who may see the pages, and what every answer says to a browser."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from monitoring.pages import access, authenticator_of
from service.web.keys import BadKeys
from tests.support.monitoring import site as support
from tests.support.monitoring.board import MOVED, QUIET

PAGES = (
    "/",
    f"/models/{MOVED}",
    "/alarms",
    "/releases",
    "/trace",
    "/runbook",
    "/v1/experiments",
    f"/v1/experiments/{MOVED}",
    "/static/style.css",
    "/no/such",
)
KEYS = {"boss": "predict,admin", "caller": "predict", "teller": "truth", "narrow": "admin"}


def lines() -> str:
    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in KEYS}
    keys = [f"{name}:{scopes}:{sums[name]}" for name, scopes in KEYS.items()]
    return "\n".join(key + (f":{QUIET}" if key.startswith("narrow") else "") for key in keys)


@pytest.fixture(scope="module")
def client(filled: tuple[Path, Any, dt.datetime]) -> FlaskClient:
    folder, store, _ = filled
    made_from = support.sources(folder, store)
    app = support.application(
        made_from, authenticator=authenticator_of(lines()), loopback_only=False
    )
    return app.test_client()


@pytest.fixture(scope="module")
def open_client(filled: tuple[Path, Any, dt.datetime]) -> FlaskClient:
    folder, store, _ = filled
    return support.application(support.sources(folder, store)).test_client()


def basic(password: str, name: str = "anyone") -> dict[str, str]:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("path", PAGES)
def test_without_a_key_every_page_asks_a_browser_for_one(client: FlaskClient, path: str):
    answer = client.get(f"/monitor{path}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith('Basic realm="swarmline"')
    assert QUIET not in answer.text and MOVED not in answer.text


@pytest.mark.parametrize(
    "headers", [bearer("boss"), basic("boss"), basic("boss", ""), basic("boss", "Zoë")]
)
def test_a_key_of_scope_admin_opens_them(client: FlaskClient, headers: dict[str, str]):
    answer = client.get("/monitor/", headers=headers)
    assert answer.status_code == 200 and MOVED in answer.text


@pytest.mark.parametrize("key", ["caller", "teller"])
def test_a_key_without_the_scope_is_told_so(client: FlaskClient, key: str):
    answer = client.get("/monitor/", headers=basic(key))
    assert answer.status_code == 403 and "has no scope admin" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong"),
        basic("wrong"),
        basic(""),
        {"Authorization": "Basic !"},
        {"Authorization": "Digest boss"},
    ],
)
def test_anything_else_is_no_key(client: FlaskClient, headers: dict[str, str]):
    assert client.get("/monitor/", headers=headers).status_code == 401


def test_a_key_limited_to_models_sees_these_alone(client: FlaskClient):
    for path in ("/", "/alarms", "/releases"):
        answer = client.get(f"/monitor{path}", headers=basic("narrow"))
        assert answer.status_code == 200 and MOVED not in answer.text
    assert QUIET in client.get("/monitor/", headers=basic("narrow")).text
    assert "request-0" not in _predictions(client, "narrow") and "request-0" in _predictions(
        client, "boss"
    )


def _predictions(client: FlaskClient, key: str) -> str:
    text = client.get("/monitor/trace?id=request-0", headers=basic(key)).text
    return text.partition("<section")[2]


@pytest.mark.parametrize("path", ["", "/5/card", "/report"])
def test_a_model_that_a_key_is_not_for_is_answered_like_one_that_there_is_not(
    client: FlaskClient, path: str
):
    hidden = client.get(f"/monitor/models/{MOVED}{path}", headers=basic("narrow"))
    missing = client.get(f"/monitor/models/none{path}", headers=basic("boss"))
    assert hidden.status_code == missing.status_code == 404
    assert MOVED not in hidden.text


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["/", "/alarms", f"/models/{MOVED}", "/no/such"])
def test_nothing_can_be_changed(client: FlaskClient, method: str, path: str):
    assert getattr(client, method)(f"/monitor{path}").status_code == 401
    answer = getattr(client, method)(f"/monitor{path}", headers=basic("boss"))
    assert answer.status_code == 405 and answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_tells_a_browser_to_run_only_our_own_files(client: FlaskClient, path: str):
    for headers in ({}, basic("boss")):
        answer = client.get(f"/monitor{path}", headers=headers)
        assert answer.headers["Content-Security-Policy"] == access.POLICY
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Set-Cookie" not in answer.headers
    assert "'unsafe" not in access.POLICY and "script-src 'self'" in access.POLICY


def test_the_address_without_a_slash_leads_to_the_overview_of_the_same_host(client: FlaskClient):
    answer = client.get("/monitor", headers=basic("boss") | {"Host": "evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/monitor/")


@pytest.mark.parametrize("path", ["//", "//alarms", "/models//x"])
def test_a_doubled_slash_is_no_way_to_the_host_that_a_caller_names(client: FlaskClient, path: str):
    # Flask would lead there before anybody's key was asked for, and from TLS to plain HTTP.
    for headers in ({}, basic("boss")):
        answer = client.get(f"/monitor{path}", headers=headers)
        assert answer.status_code in (401, 404) and "Location" not in answer.headers


@pytest.mark.parametrize(
    "path",
    [
        f"/models/{MOVED}?window=0001-01-01T00:00:00%2B23:00",
        f"/models/{MOVED}/report?window=9999-12-31T23:59:59-23:00",
    ],
)
def test_a_time_beyond_all_times_is_no_fault_of_the_page(client: FlaskClient, path: str):
    assert client.get(f"/monitor{path}", headers=basic("boss")).status_code == 404


def test_a_document_that_others_made_has_no_origin_and_reaches_nothing(client: FlaskClient):
    answer = client.get(f"/monitor/models/{MOVED}/5/card", headers=basic("boss"))
    policy = answer.headers["Content-Security-Policy"]
    assert answer.data == support.CARD and "default-src 'none'" in policy
    for text in (policy, access.REPORT_POLICY):
        assert (
            text.startswith("sandbox")
            and "allow-same-origin" not in text
            and "connect-src" not in text
        )


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_without_keys_other_sites_and_other_names_are_kept_out(
    open_client: FlaskClient, headers: dict[str, str]
):
    assert open_client.get("/monitor/").status_code == 200
    assert open_client.get("/monitor/", headers=headers).status_code == 403


def test_a_person_may_follow_a_link_from_another_site(open_client: FlaskClient):
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert open_client.get("/monitor/", headers=link).status_code == 200


def test_a_page_that_fails_says_nothing_of_the_inside(
    open_client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: Any) -> None:
        raise RuntimeError("password=hunter2 at db.internal")

    monkeypatch.setattr("monitoring.pages.contents.overview.serving", fail)
    answer = open_client.get("/monitor/")
    assert (
        answer.status_code == 500
        and "hunter2" not in answer.text
        and "RuntimeError" not in answer.text
    )
    mark = answer.text.partition("under the mark ")[2][:8]
    assert mark in caplog.text and "hunter2" in caplog.text


def test_a_database_that_is_away_is_said_without_its_address(filled: tuple[Path, Any, dt.datetime]):
    folder, _, _ = filled
    store = type(filled[1])("postgresql://someone:hunter2@127.0.0.1:9/none")
    app = support.application(support.sources(folder, store))
    answer = app.test_client().get("/monitor/")
    assert answer.status_code == 503 and answer.headers["Retry-After"]
    assert "does not answer" in answer.text
    assert "hunter2" not in answer.text and "127.0.0.1" not in answer.text


def test_keys_of_models_without_a_window_are_read_and_bad_lines_are_not():
    assert authenticator_of(lines()).required and not authenticator_of("").required
    with pytest.raises(BadKeys, match="line 1"):
        authenticator_of("boss:admin:nonsense:yield")
