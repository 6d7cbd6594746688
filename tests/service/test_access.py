"""Keys, traffic, truth, retraining: who may what, and which arm answers."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from service.auth import BadKeys, parse_keys
from service.traffic import BUCKETS, BadTraffic, Traffic, bucket
from tests.service import bundles
from tests.service.conftest import Caller, wait_for

SMALL = bundles.YIELD.example
GOOD = bundles.QUALITY.example
PREDICT = "/v1/models/yield-prediction/predict"


@pytest.mark.parametrize(
    ("key", "path", "status"),
    [
        ("caller", PREDICT, 200),
        ("nobody", PREDICT, 401),
        ("teller", PREDICT, 403),
        ("boss", PREDICT, 200),
        ("narrow", PREDICT, 200),
        ("narrow", "/v1/models/recipe-optimization/predict", 403),
        ("caller", "/v1/models/yield-prediction/truth", 403),
        ("caller", "/v1/models/yield-prediction/retrain", 403),
    ],
)
def test_a_key_may_what_its_scopes_say(app: Any, key: str, path: str, status: int) -> None:
    answer = Caller(app, key).post(path, {"rows": [SMALL]})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_key_may_come_as_the_password_of_basic(app: Any) -> None:
    pair = base64.b64encode(b"any:caller").decode()
    assert (
        Caller(app).post(PREDICT, {"rows": [SMALL]}, Authorization=f"Basic {pair}").status_code
        == 200
    )
    for broken in ("Basic !", "Basic", "Bearer", "Digest x", "Bearer é"):
        assert Caller(app).post(PREDICT, {}, Authorization=broken).status_code == 401


def test_health_and_docs_need_no_key_and_models_do(app: Any) -> None:
    client = app.test_client()
    for path in (
        "/health/live",
        "/health/ready",
        "/metrics",
        "/docs",
        "/openapi.json",
        "/ping",
        "/v2/health/live",
    ):
        assert client.get(path).status_code == 200, path
    for path in ("/v1/models", "/v1/models/yield-prediction", "/v2/models/yield-prediction"):
        assert client.get(path).status_code == 401, path


@pytest.mark.parametrize(
    "line", ["x", "x:predict", "x:fly:" + "0" * 64, "x:predict:zz", ":predict:" + "0" * 64]
)
def test_a_bad_line_of_keys_is_named_by_number_and_never_shown(line: str) -> None:
    with pytest.raises(BadKeys, match="line 2") as raised:
        parse_keys(f"# keys\n{line}", ())
    assert "zz" not in str(raised.value)


def test_keys_of_which_only_comments_are_left_let_nobody_in() -> None:
    with pytest.raises(BadKeys, match="KEYS has no key"):
        parse_keys("# all of them expired\n", ())
    assert parse_keys("", ()) == ()


def test_a_key_limited_to_a_model_that_is_not_served_refuses_the_start() -> None:
    line = f"shop:predict:{'0' * 64}:yield-prediction,yeild-prediction"
    with pytest.raises(BadKeys, match="line 2.*served are yield-prediction"):
        parse_keys(f"# keys\n{line}", ("yield-prediction",))


def test_a_key_sees_the_models_that_it_may_ask_and_no_others(app: Any) -> None:
    names = [one["name"] for one in Caller(app, "narrow").get("/v1/models").json["models"]]
    assert names == ["yield-prediction"]
    assert Caller(app, "narrow").get("/v1/models/recipe-optimization").status_code == 403
    assert Caller(app, "keeper").get("/v1/models/recipe-optimization").status_code == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/yield-prediction", "/v2"])
def test_a_key_that_only_tells_the_truth_sees_no_models(app: Any, path: str) -> None:
    answer = Caller(app, "teller").get(path)
    assert answer.status_code == 403 and "predict or admin" in answer.json["detail"]


MODEL_HEADERS = ("X-Model", "X-Model-Version", "X-Arm")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", PREDICT, 422),
        ("POST", "/v2/models/yield-prediction/infer", 422),
        ("POST", "/v2/models/yield-prediction/versions/9/infer", 404),
        ("POST", "/v1/models/yield-prediction/invocations", 422),
        ("POST", "/v1/models/yield-prediction/truth", 422),
        ("GET", PREDICT, 405),
        ("GET", "/v1/models/yield-prediction", 200),
        ("GET", "/v1/models/yield-prediction/nothing", 404),
    ],
)
def test_refusals_too_say_model_version_and_arm(
    app: Any, method: str, path: str, status: int
) -> None:
    answer = app.test_client().open(
        path, method=method, json={}, headers={"Authorization": "Bearer boss"}
    )
    assert answer.status_code == status
    assert [answer.headers.getlist(name) for name in MODEL_HEADERS] == [
        ["yield-prediction"],
        ["1"],
        ["champion"],
    ]
    assert answer.headers.getlist("X-Release") == ["r1"] and answer.headers["X-Request-Id"]


def test_who_may_not_ask_is_not_told_the_version(app: Any) -> None:
    for key, path in (
        ("nobody", PREDICT),
        ("teller", PREDICT),
        ("narrow", "/v1/models/recipe-optimization"),
    ):
        headers = Caller(app, key).post(path, {}).headers
        assert not [name for name in MODEL_HEADERS if name in headers], (key, path)
        assert headers["X-Release"] == "r1"


def test_a_refusal_is_of_the_arm_that_would_have_answered(make_app: Any, tmp_path: Path) -> None:
    caller = Caller(with_traffic(make_app, tmp_path, 'mode = "split"\nshare = 1.0'))
    answer = caller.predict("quality-classification", {"crop": 3}, X_Subject="s1")
    assert answer.status_code == 422
    assert [answer.headers[name] for name in MODEL_HEADERS[1:]] == ["2", "challenger"]


def test_a_subject_stays_with_its_arm_and_the_share_holds() -> None:
    traffic = Traffic("split", 0.05, "one")
    arms = {subject: traffic.pick(str(subject)) for subject in range(20_000)}
    assert arms == {subject: traffic.pick(str(subject)) for subject in arms}
    share = list(arms.values()).count("challenger") / len(arms)
    assert 0.04 < share < 0.06


def test_another_experiment_deals_subjects_anew() -> None:
    moved = sum(bucket("one", str(one)) != bucket("two", str(one)) for one in range(1000))
    assert moved > 990
    assert all(0 <= bucket("x", str(one)) < BUCKETS for one in range(100))


def with_traffic(make_app: Callable[..., Any], tmp_path: Path, text: str) -> Any:
    (tmp_path / "traffic.toml").write_text(f"[quality-classification]\n{text}", encoding="utf-8")
    return make_app(TRAFFIC=str(tmp_path / "traffic.toml"))


def test_a_split_shows_in_the_answer_and_in_the_model(make_app: Any, tmp_path: Path) -> None:
    caller = Caller(with_traffic(make_app, tmp_path, 'mode = "split"\nshare = 1.0'))
    answer = caller.predict("quality-classification", GOOD, X_Subject="s1")
    assert (answer.json["arm"], answer.json["version"]) == ("challenger", "2")
    found = caller.get("/v1/models/quality-classification").json
    assert found["shares"] == {"champion": 0.0, "challenger": 1.0}
    assert caller.get("/v1/models/yield-prediction").json["shares"] == {"champion": 1.0}


def spooled(app: Any) -> list[tuple[str, str]]:
    """What the journal has in its table, by request and arm."""
    import sqlalchemy as sa

    from service.journal.shipper import ship_once

    ship_once(app.core.settings.journal)
    engine = sa.create_engine(app.core.settings.journal.url)
    with engine.connect() as link:
        rows = link.execute(sa.text("SELECT request_id, arm FROM prediction ORDER BY 1, 2")).all()
    engine.dispose()
    return [(row[0], row[1]) for row in rows]


def test_a_shadow_is_scored_after_the_answer_and_both_arms_are_journalled(
    make_app: Any, tmp_path: Path
) -> None:
    app = with_traffic(make_app, tmp_path, 'mode = "shadow"')
    answer = Caller(app).predict("quality-classification", GOOD, X_Request_Id="q1")
    assert answer.json["arm"] == "champion"
    answer.close()
    assert spooled(app) == [("q1", "challenger"), ("q1", "champion")]


def test_a_worker_with_too_many_waiting_says_busy_and_when_to_come_back(app: Any) -> None:
    app.core.waiting = lambda: 513
    answer = Caller(app).predict("yield-prediction", SMALL)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_only_an_admin_chooses_the_arm(app: Any) -> None:
    path, body = "/v1/models/quality-classification/predict", {"rows": [GOOD]}
    assert Caller(app, "boss").post(path, body, X_Arm="challenger").json["arm"] == "challenger"
    assert Caller(app, "caller").post(path, body, X_Arm="challenger").status_code == 403
    assert Caller(app, "boss").post(path, body, X_Arm="both").status_code == 400
    assert (
        Caller(app, "boss").post(PREDICT, {"rows": [SMALL]}, X_Arm="challenger").status_code == 404
    )
    assert Caller(app, "boss").post(path, body, X_Subject="a b").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        '[nope]\nmode="off"',
        '[yield-prediction]\nmode="split"',
        "[quality-classification]\nshare=2",
        '[quality-classification]\nmode="maybe"',
        "[quality-classification]\ncolour=1",
        "]",
    ],
)
def test_bad_traffic_refuses_the_start(make_app: Any, tmp_path: Path, text: str) -> None:
    (tmp_path / "t.toml").write_text(text, encoding="utf-8")
    with pytest.raises(BadTraffic, match="t.toml"):
        make_app(TRAFFIC=str(tmp_path / "t.toml"))


def test_truth_is_taken_once_and_unknown_predictions_are_listed(app: Any) -> None:
    caller, path = Caller(app), "/v1/models/yield-prediction/truth"
    caller.predict("yield-prediction", SMALL, X_Request_Id="t1")
    one = {"request_id": "t1", "value": 3.5}
    assert caller.post(path, one).json["stored"] == 1
    assert caller.post(path, {"entries": [one, one | {"request_id": "t2"}]}).json == {
        "stored": 0,
        "unchanged": 1,
        "replaced": 0,
        "unknown": [{"request_id": "t2", "row": 0}],
    }
    refused = caller.post(path, one | {"request_id": "t2"})
    assert (refused.status_code, refused.json["total"]) == (404, 1)


@pytest.mark.parametrize(
    "body",
    [{}, [], {"entries": 3}, {"entries": [3]}, {"request_id": "x"}, {"request_id": 3, "value": 1}],
)
def test_truth_of_another_shape_is_refused(caller: Caller, body: Any) -> None:
    assert caller.post("/v1/models/yield-prediction/truth", body).status_code == 422


def test_no_journal_takes_no_truth(make_app: Any) -> None:
    caller = Caller(make_app(JOURNAL="off"))
    assert (
        caller.post(
            "/v1/models/yield-prediction/truth", {"request_id": "x", "value": 1}
        ).status_code
        == 404
    )


def test_a_retrain_command_runs_once_at_a_time(make_app: Any, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    command = f"sh -c 'echo {{model}} > {tmp_path}/ran; until [ -e {gate} ]; do sleep 0.05; done'"
    caller, path = Caller(make_app(RETRAIN_COMMAND=command)), "/v1/models/yield-prediction/retrain"
    assert caller.post(path, {}).status_code == 202
    assert caller.post(path, {}).status_code == 409
    gate.touch()
    wait_for(lambda: caller.post(path, {}).status_code == 202)
    assert (tmp_path / "ran").read_text(encoding="utf-8") == "yield-prediction\n"


def test_a_retrain_command_that_outlives_the_service_still_runs(
    make_app: Any, tmp_path: Path
) -> None:
    gate, path = tmp_path / "gate", "/v1/models/yield-prediction/retrain"
    command = f"sh -c 'until [ -e {gate} ]; do sleep 0.05; done'"
    try:
        assert Caller(make_app(RETRAIN_COMMAND=command)).post(path, {}).status_code == 202
        after_restart = Caller(make_app(RETRAIN_COMMAND=command))
        assert after_restart.post(path, {}).status_code == 409
    finally:
        gate.touch()
    wait_for(lambda: after_restart.post(path, {}).status_code == 202)


def test_retraining_that_is_not_set_up_says_so(caller: Caller) -> None:
    assert "RETRAIN_URL" in caller.post("/v1/models/yield-prediction/retrain", {}).json["detail"]


class _Jenkins(http.server.BaseHTTPRequestHandler):
    """The two addresses of a Jenkins job that matter here."""

    building = False
    queued = False
    page = b""
    elsewhere = ""
    #: What a GET waits for before it is answered.
    gate = threading.Event()
    waiting = threading.Event()
    asked: list[tuple[str, str, str]] = []

    def do_GET(self) -> None:  # pylint: disable=invalid-name
        self.asked.append((self.path, "", self.headers["Authorization"]))
        if self.elsewhere:
            self.send_response(302)
            self.send_header("Location", self.elsewhere)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.waiting.set()
        self.gate.wait(20)
        build = {"building": self.building, "url": "http://jenkins/job/retrain/7/"}
        job = {"inQueue": self.queued, "lastBuild": build}
        self._answer(200, self.page or json.dumps(job).encode())

    def do_POST(self) -> None:  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append((self.path, body, self.headers["Authorization"]))
        self._answer(201, b"")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Location", "http://jenkins/queue/item/7/")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:  # pylint: disable=arguments-differ
        return


@pytest.fixture
def jenkins() -> Iterator[str]:
    _Jenkins.building, _Jenkins.queued, _Jenkins.elsewhere = False, False, ""
    _Jenkins.asked, _Jenkins.page = [], b""
    _Jenkins.gate.set()
    _Jenkins.waiting.clear()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Jenkins)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/job/retrain"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_jenkins_job_is_started_unless_it_runs(make_app: Any, jenkins: str) -> None:
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    path = "/v1/models/yield-prediction/retrain"
    assert caller.post(path, {}).json["where"] == "http://jenkins/queue/item/7/"
    asked = _Jenkins.asked[1]
    assert asked[0] == "/job/retrain/buildWithParameters" and "MODEL=yield-prediction" in asked[1]
    _Jenkins.building = True
    assert "http://jenkins/job/retrain/7/" in caller.post(path, {}).json["detail"]
    _Jenkins.queued = True
    refused = caller.post(path, {})
    assert refused.status_code == 409 and "queued already" in refused.json["detail"]


def builds() -> int:
    return sum(path.endswith("/buildWithParameters") for path, _, _ in _Jenkins.asked)


def test_two_quick_calls_start_one_build(make_app: Any, jenkins: str) -> None:
    app, path = (
        make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"),
        "/v1/models/yield-prediction/retrain",
    )
    _Jenkins.gate.clear()
    first: list[int] = []
    call = threading.Thread(target=lambda: first.append(Caller(app).post(path, {}).status_code))
    call.start()
    try:
        assert _Jenkins.waiting.wait(20)
        second = Caller(app).post(path, {})
    finally:
        _Jenkins.gate.set()
        call.join()
    assert (first, second.status_code, builds()) == ([202], 409, 1)


def test_a_redirect_gets_no_token(make_app: Any, jenkins: str) -> None:
    _Jenkins.elsewhere = jenkins.replace("127.0.0.1", "localhost") + "/stolen"
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    answer = caller.post("/v1/models/yield-prediction/retrain", {})
    assert answer.status_code == 502 and "redirects" in answer.json["detail"]
    assert not [path for path, _, _ in _Jenkins.asked if "stolen" in path]


def test_a_dead_jenkins_is_a_502(make_app: Any) -> None:
    caller = Caller(make_app(RETRAIN_URL="http://127.0.0.1:1/job/x", RETRAIN_TOKEN="t"))
    assert caller.post("/v1/models/yield-prediction/retrain", {}).status_code == 502


def test_what_is_no_jenkins_is_a_502(make_app: Any, jenkins: str) -> None:
    caller = Caller(make_app(RETRAIN_URL=jenkins, RETRAIN_TOKEN="t"))
    _Jenkins.page = b"<html>please log in"
    answer = caller.post("/v1/models/yield-prediction/retrain", {})
    assert (answer.status_code, builds()) == (502, 0)


def test_a_dead_database_refuses_truth_for_now(make_app: Any) -> None:
    app = make_app(JOURNAL_URL="postgresql://nobody@127.0.0.1:1/none")
    answer = Caller(app).post(
        "/v1/models/yield-prediction/truth", {"request_id": "x", "value": 1.0}
    )
    assert answer.status_code == 503 and answer.headers["Retry-After"]


def test_the_example_of_a_truth_is_taken_when_pasted(caller: Caller) -> None:
    paths = caller.get("/openapi.json").json["paths"]
    for model in ("quality-classification", "recipe-optimization", "yield-prediction"):
        path, row = f"/v1/models/{model}/truth", caller.get(f"/v1/models/{model}").json
        caller.predict(model, row["description"]["example"], X_Request_Id="a-request-id")
        content = paths[path]["post"]["requestBody"]["content"]["application/json"]
        assert caller.post(path, content["examples"]["one"]["value"]).json["stored"] == 1, model


def test_a_spool_that_cannot_be_read_hides_no_other_number(make_app: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    caller = Caller(make_app(JOURNAL_SPOOL=str(tmp_path / "file")))
    assert caller.predict("yield-prediction", SMALL).status_code == 200
    assert "swarmline_build_info" in caller.get("/metrics").text
