"""Which image a release is read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.image.release import image_named

DIGEST = f"registry.example/model@sha256:{'0' * 64}"


def test_a_digest_is_taken_as_it_is():
    assert image_named(DIGEST) == DIGEST


@pytest.mark.parametrize("image", ["r/model", "r/model:1", "r/model:1@sha256:short"])
def test_a_tag_is_refused_because_it_may_be_another_image_tomorrow(image: str):
    with pytest.raises(Refused, match="names no digest"):
        image_named(image)


def test_without_an_image_it_is_said_how_to_get_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("SWARMLINE_BUILD", str(tmp_path))
    monkeypatch.delenv("MODEL_IMAGE", raising=False)
    with pytest.raises(Refused, match="make publish"):
        image_named(None)
