"""The OpenAPI document says exactly what is answered: no answer is \"any object\"."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.service import bundles
from tests.support.service.caller import Caller

EXAMPLES = {
    "quality-classification": bundles.QUALITY.example,
    "yield-prediction": bundles.YIELD.example,
    "recipe-optimization": bundles.RECIPE.example,
}


def good_answers(document: Any) -> dict[str, Any]:
    """Each operation's schema of its good answer, by method and path."""
    schemas = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            (good,) = [one for code, one in operation["responses"].items() if code < "400"]
            for content in good["content"].values():
                if content:
                    schemas[f"{method} {path}"] = content["schema"]
    return schemas


def holds(document: Any, name: str, answer: Any) -> None:
    """The answer is as the document says, and one with another name in it is not."""
    schema = good_answers(document)[name] | {"components": document["components"]}
    Draft202012Validator(schema).validate(answer.json)
    assert not Draft202012Validator(schema).is_valid(answer.json | {"colour": "red"}), name


def test_no_answer_is_any_object(caller: Caller) -> None:
    document = caller.get("/openapi.json").json
    for name, schema in good_answers(document).items():
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        assert schema.get("properties") or schema["type"] == "string", name


@pytest.mark.parametrize("model", EXAMPLES)
def test_what_each_protocol_answers_is_what_the_document_says(caller: Caller, model: str) -> None:
    document, row = caller.get("/openapi.json").json, EXAMPLES[model]
    base = f"/v1/models/{model}"
    tensors = document["paths"][f"/v2/models/{model}/infer"]["post"]["requestBody"]
    asked = {
        f"{base}/predict": {"rows": [row]},
        f"{base}:predict": {"instances": [row]},
        f"{base}/invocations": {"dataframe_records": [row, row]},
        f"/v2/models/{model}/infer": tensors["content"]["application/json"]["examples"]["tensors"][
            "value"
        ],
    }
    for path, body in asked.items():
        holds(document, f"post {path}", caller.post(path, body, X_Request_Id="o1"))
    for path in (
        "/",
        base,
        f"/v2/models/{model}",
        f"/v2/models/{model}/ready",
        "/v1/models",
        "/v2",
    ):
        holds(document, f"get {path}", caller.get(path))


def test_the_document_says_which_routes_are_open(app: Any, caller: Caller) -> None:
    document, client = caller.get("/openapi.json").json, app.flask.test_client()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            is_open = operation.get("security", document["security"]) == []
            status = client.open(path, method=method, json={}).status_code
            assert (status != 401) is is_open, (method, path, status)
            assert is_open is ("401" not in operation["responses"]), (method, path)


@pytest.mark.parametrize("model", EXAMPLES)
def test_every_example_of_a_request_is_one_that_the_document_allows(
    caller: Caller, model: str
) -> None:
    document = caller.get("/openapi.json").json
    for path, methods in document["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        if model not in path or "examples" not in content.get("application/json", {}):
            continue
        body = content["application/json"]
        schema = body["schema"] | {"components": document["components"]}
        for name, example in body["examples"].items():
            Draft202012Validator(schema).validate(example["value"])
            assert not Draft202012Validator(schema).is_valid({"colour": name}), path


def test_the_answer_to_a_truth_is_what_the_document_says(caller: Caller) -> None:
    path, document = "/v1/models/yield-prediction/truth", caller.get("/openapi.json").json
    caller.predict("yield-prediction", bundles.YIELD.example, X_Request_Id="o2")
    entries = [{"request_id": name, "value": 3.5} for name in ("o2", "o3")]
    answer = caller.post(path, {"entries": entries})
    assert len(answer.json["unknown"]) == 1
    holds(document, f"post {path}", answer)


def test_the_headers_that_the_document_promises_are_there(caller: Caller) -> None:
    path, document = "/v1/models/yield-prediction/predict", caller.get("/openapi.json").json
    for body in ({"rows": [bundles.YIELD.example]}, {"rows": [{}]}):
        answer = caller.post(path, body)
        promised = document["paths"][path]["post"]["responses"][str(answer.status_code)]["headers"]
        assert set(promised) <= set(answer.headers.keys()) and "X-Arm" in promised


def test_a_slash_too_many_is_a_404_and_sends_nobody_elsewhere(app: Any) -> None:
    for method, path in (
        ("GET", "//v1/models"),
        ("GET", "/v1//models"),
        ("POST", "//v1/models/yield-prediction/predict"),
    ):
        headers = {"Authorization": "Bearer boss", "Host": "elsewhere.example"}
        answer = app.flask.test_client().open(
            "/", method=method, headers=headers, environ_overrides={"PATH_INFO": path}
        )
        assert (answer.status_code, "Location" in answer.headers) == (404, False)
        assert path in answer.json["detail"]
