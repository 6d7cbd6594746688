"""Traffic: split, shadow and the chosen arm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.predict.traffic import BUCKETS, BadTraffic, Traffic, bucket
from tests.support.service import bundles
from tests.support.service.caller import Caller

SMALL = bundles.YIELD.example
GOOD = bundles.QUALITY.example
PREDICT = "/v1/models/yield-prediction/predict"
MODEL_HEADERS = ("X-Model", "X-Model-Version", "X-Arm")


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
    moved = sum(
        bucket("one", str(subject)) != bucket("two", str(subject)) for subject in range(1000)
    )
    assert moved > 990
    assert all(0 <= bucket("x", str(subject)) < BUCKETS for subject in range(100))


def with_traffic(make_app: Callable[..., Any], tmp_path: Path, text: str) -> Any:
    (tmp_path / "traffic.toml").write_text(f"[quality-classification]\n{text}", encoding="utf-8")
    return make_app(TRAFFIC=str(tmp_path / "traffic.toml"))


def test_a_split_shows_in_the_answer_and_in_the_model(make_app: Any, tmp_path: Path) -> None:
    caller = Caller(with_traffic(make_app, tmp_path, 'mode = "split"\nshare = 1.0'))
    answer = caller.predict("quality-classification", GOOD, X_Subject="s1")
    assert (answer.json["arm"], answer.json["version"]) == ("challenger", "2")
    description = caller.get("/v1/models/quality-classification").json
    assert description["shares"] == {"champion": 0.0, "challenger": 1.0}
    assert caller.get("/v1/models/yield-prediction").json["shares"] == {"champion": 1.0}


def spooled(app: Any) -> list[tuple[str, str]]:
    """What the journal has in its table, by request and arm."""
    import sqlalchemy as sa

    from service.journal.shipper import ship_once

    ship_once(app.models.settings.journal)
    engine = sa.create_engine(app.models.settings.journal.url)
    with engine.connect() as link:
        rows = link.execute(sa.text("SELECT request_id, arm FROM prediction ORDER BY 1, 2")).all()
    engine.dispose()
    return [(row[0], row[1]) for row in rows]


def test_a_shadow_is_scored_apart_from_the_answer_and_both_arms_are_journalled(
    make_app: Any, tmp_path: Path
) -> None:
    app = with_traffic(make_app, tmp_path, 'mode = "shadow"')
    answer = Caller(app).predict("quality-classification", GOOD, X_Request_Id="q1")
    assert answer.json["arm"] == "champion"
    app.models.shadows.close()
    assert spooled(app) == [("q1", "challenger"), ("q1", "champion")]


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
