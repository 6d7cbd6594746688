"""The call that is printed can be pasted, and holds no secret."""

from __future__ import annotations

from pathlib import Path

from scripts.edge.client import EdgeClient
from scripts.operate.directions import call_of


def test_the_call_to_paste_goes_to_the_address_by_the_certificate_s_name(tmp_path: Path):
    edge = EdgeClient("https://10.0.0.1:8443", "secret-word", "", "edge.crt", "models.example")
    call = call_of(edge, tmp_path / "deployer.key", "late", {"rows": [{"why": "it's"}]})
    assert "--connect-to models.example:8443:10.0.0.1:8443" in call
    assert "https://models.example:8443/v1/models/late/predict" in call
    assert "$(cat " in call and "secret-word" not in call
