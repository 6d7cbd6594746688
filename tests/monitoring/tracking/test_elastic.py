"""Findings for Elasticsearch: names of ECS, requests as it takes them, and every document in the end."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitoring.findings import Finding, WindowRecord
from monitoring.tracking.elastic import Elastic, documents
from monitoring.tracking.sender import PlaceUnavailable, WindowRefused
from tests.support import ROOT
from tests.support.elastic import ECS
from tests.support.elastic.server import ElasticStandIn, elastic_stand_in
from tests.support.machine import free_port
from tests.support.monitoring import HOUR, record_of

MONDAY = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
FOLDER = ROOT / "monitoring/tracking/elastic"
TEMPLATE = json.loads((FOLDER / "template.json").read_text(encoding="utf-8"))
SCHEMA = json.loads((ROOT / "tests/support/elastic/requests.json").read_text(encoding="utf-8"))


def window(**more: Any) -> WindowRecord:
    times = {"start": MONDAY, "end": MONDAY + HOUR, "judged_at": MONDAY}
    return record_of(**times | {"model": "late", "rows": 500, "release": "r-1"} | more)


def findings() -> list[Finding]:
    return [
        Finding(
            kind="drift",
            column="ph",
            verdict="raised",
            value=0.3,
            low=0.2,
            high=0.4,
            bound=0.1,
            visible=0.05,
            rows=500,
        ),
        Finding(kind="estimate", column="accuracy", verdict="unknown", reason="not enough rows"),
    ]


@pytest.fixture(name="elastic")
def _elastic() -> Iterator[ElasticStandIn]:
    with elastic_stand_in() as server:
        yield server


def client(elastic: ElasticStandIn, pauses: list[float] | None = None) -> Elastic:
    return Elastic(elastic.url, "key", (pauses if pauses is not None else []).append)


def leaves(document: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield above + name


def mapped(properties: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, about in properties.items():
        if "properties" in about:
            yield from mapped(about["properties"], f"{above}{name}.")
        else:
            yield above + name, about["type"]


FIELDS = dict(mapped(TEMPLATE["template"]["mappings"]["properties"]))


def holds(name: str, document: Any) -> None:
    jsonschema.validate(document, {**SCHEMA, "$ref": f"#/$defs/{name}"})


def test_every_field_of_a_document_is_in_the_template_and_of_ecs_or_ours() -> None:
    full = Finding(
        kind="drift",
        column="a",
        verdict="ok",
        reason="x",
        value=1,
        low=1,
        high=1,
        bound=1,
        visible=1,
        rows=1,
    )
    names = set(leaves(documents.document(window(), full)))
    assert names == set(FIELDS)
    assert documents.ECS_VERSION == ECS["version"]
    for name in names:
        if not name.startswith("swarmline."):
            assert ECS["fields"][name] == FIELDS[name], name


def test_the_requests_are_what_elasticsearch_takes(elastic: ElasticStandIn) -> None:
    client(elastic).send(window(), findings())
    policy, template, bulk = elastic.requests
    assert (policy.method, policy.path) == ("PUT", "/_ilm/policy/swarmline-monitor")
    holds("policy", policy.json)
    assert (template.method, template.path) == ("PUT", "/_index_template/swarmline-monitor")
    holds("template", template.json)
    assert (
        template.json["template"]["settings"]["index"]["lifecycle"]["name"] == "swarmline-monitor"
    )
    assert (bulk.method, bulk.path, bulk.kind) == ("POST", "/_bulk", "application/x-ndjson")
    for line in bulk.body.splitlines()[::2]:
        holds("bulk-action", json.loads(line))
    assert {request.authorization for request in elastic.requests} == {"ApiKey key"}
    # What the template is for is what is sent.
    assert {index for index, _ in elastic.documents} == {"swarmline-monitor-2026.11"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": {"phases": {"hot": {"actions": {"rollover": {"max_agee": "1d"}}}}}},
        {"policy": {"phases": {"delete": {"min_age": "soon"}}}},
    ],
)
def test_a_request_that_it_would_not_take_is_found(wrong: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        holds("policy", wrong)


def test_what_is_not_known_is_left_out_and_the_rest_is_told(elastic: ElasticStandIn) -> None:
    client(elastic).send(window(), findings())
    drift, estimate = sorted(elastic.documents.values(), key=lambda each: each["swarmline"]["kind"])
    assert drift["swarmline"]["value"] == 0.3 and drift["log"]["level"] == "warning"
    assert drift["@timestamp"] == "2026-11-02T01:00:00+00:00"
    assert "value" not in estimate["swarmline"]
    assert estimate["event"]["reason"] == "not enough rows"
    assert estimate["message"] == "late 3 champion estimate accuracy: unknown, not enough rows"


def test_a_window_that_is_judged_again_takes_its_own_place(elastic: ElasticStandIn) -> None:
    mine = client(elastic)
    mine.send(window(), findings())
    again = [findings()[0], Finding(kind="estimate", column="accuracy", verdict="ok", value=0.9)]
    mine.send(window(judged_at=MONDAY + dt.timedelta(days=3)), again)
    assert len(elastic.documents) == 2
    assert {each["swarmline"].get("value") for each in elastic.documents.values()} == {0.3, 0.9}
    mine.send(window(version="4"), findings())
    assert len(elastic.documents) == 4
    # Lifecycle and template are told once.
    assert sum(request.method == "PUT" for request in elastic.requests) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_where_it_is_too_busy_it_is_asked_again(elastic: ElasticStandIn, status: int) -> None:
    pauses: list[float] = []
    elastic.plan = [200, 200, status, status]
    client(elastic, pauses).send(window(), findings())
    assert len(elastic.documents) == 2 and pauses == [0.5, 2.0]


def test_single_documents_that_it_is_too_busy_for_are_sent_again_alone(
    elastic: ElasticStandIn,
) -> None:
    elastic.items = [201, 429]
    client(elastic).send(window(), findings())
    assert len(elastic.documents) == 2
    assert [len(request.body.splitlines()) for request in elastic.requests[2:]] == [4, 2]


def test_a_document_that_is_refused_for_good_stops_no_other(
    elastic: ElasticStandIn, capfd: Any
) -> None:
    elastic.items = [400, 201]
    client(elastic).send(window(), findings())
    assert len(elastic.documents) == 1
    assert "Elasticsearch refuses 1 findings: as planned" in capfd.readouterr().out


def test_a_place_that_is_away_is_said_and_gets_all_once_it_is_back(elastic: ElasticStandIn) -> None:
    mine = client(elastic)
    elastic.plan = [503, 503, 503]
    with pytest.raises(PlaceUnavailable, match="_ilm/policy.*503"):
        mine.send(window(), findings())
    elastic.plan = [401]
    with pytest.raises(PlaceUnavailable, match="401"):
        mine.send(window(), findings())
    mine.send(window(), findings())
    assert len(elastic.documents) == 2
    with pytest.raises(PlaceUnavailable, match="ConnectionError"):
        Elastic(f"http://127.0.0.1:{free_port()}", pause=lambda _: None).send(window(), findings())


def test_a_wide_model_goes_in_pieces(elastic: ElasticStandIn) -> None:
    wide = [
        Finding(kind="drift", column=f"c{number}", verdict="ok", value=0.0)
        for number in range(1100)
    ]
    client(elastic).send(window(), wide)
    assert len(elastic.documents) == 1100
    assert [len(request.body.splitlines()) for request in elastic.requests[2:]] == [1000, 1000, 200]


def test_hostile_names_are_text(elastic: ElasticStandIn) -> None:
    hostile = '"}\n{"delete":{"_index":"x"}}\n'
    client(elastic).send(
        window(model=hostile), [Finding(kind="drift", column=hostile, verdict="ok")]
    )
    ((_, document),) = elastic.documents.items()
    assert document["swarmline"]["model"] == document["swarmline"]["column"] == hostile


def test_the_image_has_the_files_that_are_sent() -> None:
    assert {path.name for path in Path(FOLDER).glob("*.json")} == {"policy.json", "template.json"}


@pytest.mark.parametrize("status", [400, 413])
def test_a_window_that_is_refused_as_a_whole_is_told_from_a_place_that_is_away(
    elastic: ElasticStandIn, status: int
) -> None:
    elastic.plan = [200, 200, status]
    with pytest.raises(WindowRefused, match=str(status)):
        client(elastic).send(window(), findings())
