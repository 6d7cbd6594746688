"""How the edge is found and trusted."""

from __future__ import annotations

from pathlib import Path

from scripts.credentials import certificates
from scripts.edge.client import pinned, url_of
from tests.support.scripts.views import service, task, view


def test_the_edge_is_found_on_a_node_that_runs_it():
    there = view(service(name="shop_edge"), task("a"))
    assert url_of(there, "shop", {}) == "https://10.0.0.1"
    assert url_of(there, "shop", {"EDGE_PORT": "8443"}) == "https://10.0.0.1:8443"
    plain = {"EDGE_TLS": "off", "EDGE_PORT": "80"}
    assert url_of(there, "shop", plain) == "http://10.0.0.1"


def test_a_certificate_that_signed_itself_is_trusted_by_its_own_name(tmp_path: Path):
    place = tmp_path / "edge.crt"
    place.write_text(certificates.open_part(certificates.self_signed("models.example")))
    assert pinned(place) == (str(place), "models.example")
