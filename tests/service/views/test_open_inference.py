"""What V2 says of the server and its models."""

from __future__ import annotations

from tests.support.service.caller import Caller


def test_the_server_and_each_model_describe_themselves(caller: Caller) -> None:
    assert caller.get("/v2").json["extensions"] == ["binary_tensor_data"]
    found = caller.get("/v2/models/quality-classification").json
    assert {one["name"]: one["datatype"] for one in found["inputs"]}["crop"] == "BYTES"
    assert [one["name"] for one in found["outputs"]] == ["predictions", "probabilities"]
    assert caller.get("/v2/models/quality-classification/versions/1").status_code == 200
    assert caller.get("/v2/models/quality-classification/versions/9").status_code == 404
    assert caller.get("/v2/models/quality-classification/ready").json["ready"] is True
