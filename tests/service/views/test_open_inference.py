"""What V2 says of the server and its models."""

from __future__ import annotations

from tests.support.service.caller import Caller


def test_the_server_and_each_model_describe_themselves(caller: Caller) -> None:
    assert caller.get("/v2").json["extensions"] == ["binary_tensor_data"]
    metadata = caller.get("/v2/models/quality-classification").json
    assert {tensor["name"]: tensor["datatype"] for tensor in metadata["inputs"]}["crop"] == "BYTES"
    assert [output["name"] for output in metadata["outputs"]] == ["predictions", "probabilities"]
    assert caller.get("/v2/models/quality-classification/versions/1").status_code == 200
    assert caller.get("/v2/models/quality-classification/versions/9").status_code == 404
    assert caller.get("/v2/models/quality-classification/ready").json["ready"] is True
