"""What is refused before anything is touched, and how the edge is found and trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.credentials import certificates
from scripts.edge.client import Access, found_url, pinned
from scripts.image.release import Intended, named
from scripts.operate.up import curl
from scripts.release.deploy import refuse_older
from tests.scripts.views import record, service, task, view

DIGEST = f"registry.example/model@sha256:{'0' * 64}"


def intended(release: str, created: str) -> Intended:
    return Intended(DIGEST, release, {"created": created, "models": {}}, {})


def test_a_digest_is_taken_as_it_is():
    assert named(DIGEST) == DIGEST


@pytest.mark.parametrize("image", ["r/model", "r/model:1", "r/model:1@sha256:short"])
def test_a_tag_is_refused_because_it_may_be_another_image_tomorrow(image: str):
    with pytest.raises(Refused, match="names no digest"):
        named(image)


def test_without_an_image_it_is_said_how_to_get_one(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    monkeypatch.delenv("MODEL_IMAGE", raising=False)
    with pytest.raises(Refused, match="make publish"):
        named(None)


def test_a_newer_release_is_not_overtaken_by_an_older_one():
    serving = record(5, "bbbb")
    with pytest.raises(Refused, match="bbbb, which serves.*make rollback TO=aaaa"):
        refuse_older(intended("aaaa", "2026-01-04T23:59:59+00:00"), serving)
    refuse_older(intended("cccc", "2026-01-05T00:00:01+00:00"), serving)


def test_the_edge_is_found_on_a_node_that_runs_it():
    there = view(service(name="shop_edge"), task("a"))
    assert found_url(there, "shop", {}) == "https://10.0.0.1"
    assert found_url(there, "shop", {"EDGE_PORT": "8443"}) == "https://10.0.0.1:8443"
    plain = {"EDGE_TLS": "off", "EDGE_PORT": "80"}
    assert found_url(there, "shop", plain) == "http://10.0.0.1"


def test_a_certificate_that_signed_itself_is_trusted_by_its_own_name(tmp_path: Path):
    place = tmp_path / "edge.crt"
    place.write_text(certificates.open_part(certificates.self_signed("models.example")))
    assert pinned(place) == (str(place), "models.example")


def test_the_call_to_paste_goes_to_the_address_by_the_certificate_s_name(tmp_path: Path):
    golden = {"late": {"champion": {"version": "1", "golden": {"rows": [{"why": "it's"}]}}}}
    reach = Access("https://10.0.0.1:8443", "secret-word", "", "edge.crt", "models.example")
    call = curl(reach, tmp_path / "deployer.key", record(1, "aaaa", golden=golden))
    assert "--connect-to models.example:8443:10.0.0.1:8443" in call
    assert "https://models.example:8443/v1/models/late/predict" in call
    assert "$(cat " in call and "secret-word" not in call
