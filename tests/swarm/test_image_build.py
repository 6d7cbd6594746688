"""The service's image as it is built and published: small, the same each time, and told of where it fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.service import bundles
from tests.support.swarm.cluster import Swarm
from tests.support.swarm_stack.containers import Built, build, run_in

pytestmark = pytest.mark.slow
MEGABYTES_OVER_BASE = 180


def layers(built: Built) -> list[str]:
    digests: list[str] = built.inspect()["RootFS"]["Layers"]
    return digests


def test_what_is_built_is_not_built_again(built: Built):
    again = build(built.swarm, built.folder)
    assert again.document["built"] is False
    assert again.words.splitlines()[0] == f"{built.tag}: unchanged"


@pytest.mark.thorough
def test_the_same_inputs_give_the_same_layers_without_any_cache(built: Built):
    before = layers(built)
    again = build(built.swarm, built.folder, "--no-cache")
    assert again.document["release"] == built.document["release"]
    assert layers(again) == before


def test_another_model_changes_the_layers_of_models_and_nothing_else(
    swarm: Swarm, built: Built, tmp_path: Path
):
    bundles.write_bundle(tmp_path / "bundles", bundles.YIELD, "2", linear=True, seed=5)
    other = build(swarm, tmp_path)
    assert other.document["release"] != built.document["release"]
    pairs = list(zip(layers(built), layers(other), strict=True))
    # Base, packages and code are the same; bundles and release.json are not; then comes WORKDIR.
    assert [before == after for before, after in pairs] == [True, True, True, False, False, True]


def test_it_is_small(built: Built):
    base = built.swarm.docker(
        "image", "inspect", "--format", "{{.Size}}", built.swarm.env["BASE_IMAGE"]
    )
    over = built.inspect()["Size"] - int(base)
    assert over == built.document["bytes_over_base"]
    assert over < MEGABYTES_OVER_BASE * 1e6
    assert "MB on top of its base, of which in MB: packages/onnxruntime" in built.words


def test_it_says_which_release_it_is(built: Built):
    release = built.written("release.json")
    inside = built.swarm.docker(
        "run", "--rm", "--entrypoint", "cat", built.tag, "/app/release.json"
    )
    assert json.loads(inside) == release
    config = built.inspect()["Config"]
    assert f"RELEASE={release['release']}" in config["Env"]
    assert config["Labels"]["swarmline.release"] == release["release"]
    assert config["Labels"]["org.opencontainers.image.revision"].startswith(release["commit"])
    assert json.loads(config["Labels"]["swarmline.models"]) == {
        "quality-classification": {"champion": "1"},
        "yield-prediction": {"champion": "1"},
    }


def test_it_is_published_by_digest_and_any_node_can_have_it(built: Built):
    swarm = built.swarm
    done = run_in(swarm, built.folder, "publish").good()
    published = built.written("image.json")
    assert done.document["image"] == published["image"]
    assert published["image"] == (f"{swarm.env['REGISTRY']}/swarmline/model@{published['digest']}")
    node = swarm.nodes[-1]
    node.docker("pull", "--quiet", published["image"])
    inside = node.docker("image", "inspect", published["image"])
    assert json.loads(inside)[0]["Id"] == built.inspect()["Id"]


def test_a_registry_that_is_down_is_told_of(built: Built):
    host = built.swarm.env["REGISTRY"].rpartition(":")[0]
    done = run_in(built.swarm, built.folder, "publish", REGISTRY=f"{host}:1")
    assert done.code == done.document["code"] == 1
    assert "could not be published" in done.words
    assert "is the registry up" in done.words.splitlines()[-1]


def test_a_base_that_cannot_be_had_is_told_of(swarm: Swarm, built: Built):
    base = f"{swarm.env['REGISTRY']}/no/such:image"
    done = run_in(swarm, built.folder, "image", BASE_IMAGE=base)
    assert done.code == 1 and f"the base image {base} cannot be had" in done.words


def test_an_image_that_is_gone_is_told_of(swarm: Swarm, built: Built, tmp_path: Path):
    (tmp_path / "release").mkdir()
    release = built.written("release.json") | {"release": "20200101-gone"}
    (tmp_path / "release/release.json").write_text(json.dumps(release))
    done = run_in(swarm, tmp_path, "publish")
    said = "the engine has no image swarmline/model:20200101-gone (any more); run `make image`"
    assert (done.code, done.words.strip()) == (1, f"swarmline: {said}")
