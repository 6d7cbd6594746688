"""stack.yml is rendered with the release's own settings alone, by docker itself; no engine is needed."""

from __future__ import annotations

import shutil

import pytest
import yaml

from scripts.command.outcome import Refused
from scripts.stack_file.render import (
    CONFIGS,
    NO_TRAFFIC,
    StackInputs,
    collect,
    fill,
    settings_of,
    used,
)

IMAGE = f"registry.example/model@sha256:{'0' * 64}"
pytestmark = pytest.mark.skipif(not shutil.which("docker"), reason="there is no docker command")


def names(files):
    secrets = {name: name.lower() for name in used(files) if name.endswith("_SECRET")}
    return secrets | {name: name.lower() for name in CONFIGS}


def rendered(environ):
    inputs = collect(IMAGE, NO_TRAFFIC, environ)
    return fill("shop", inputs, names(inputs.files))


def test_a_setting_reaches_the_stack_and_changes_its_identity():
    three, five = rendered({}), rendered({"MODEL_REPLICAS": "5"})
    assert yaml.safe_load(five.text)["services"]["model"]["deploy"]["replicas"] == 5
    assert three.settings == rendered({}).settings != five.settings


def test_what_the_environment_says_today_does_not_reach_a_recorded_release(monkeypatch):
    before = rendered({})
    monkeypatch.setenv("MODEL_REPLICAS", "7")
    assert rendered({}) == before


def test_no_secret_s_name_is_part_of_the_settings():
    files = {"stack.yml": "${KEYS_SECRET} ${EDGE_CONFIG} ${MODEL_CPUS:-1} $${SHELL}"}
    environ = {"KEYS_SECRET": "x", "EDGE_CONFIG": "y", "MODEL_CPUS": "2", "SHELL": "sh"}
    assert settings_of(files, environ) == {"MODEL_CPUS": "2"}


def test_plain_http_needs_no_certificate():
    inputs = collect(IMAGE, NO_TRAFFIC, {"EDGE_TLS": "off"})
    assert "EDGE_CERTIFICATE_SECRET" not in used(inputs.files)
    assert "edge_certificate" not in fill("shop", inputs, names(inputs.files)).text


def test_a_missing_secret_is_refused_and_never_taken_by_its_plain_name():
    inputs = collect(IMAGE, NO_TRAFFIC, {})
    there = names(inputs.files)
    del there["KEYS_SECRET"]
    with pytest.raises(Refused, match="stack shop has no KEYS_SECRET.*make secrets"):
        fill("shop", inputs, there)


def test_a_deploy_names_configs_by_their_content_whatever_the_file_says():
    configs = yaml.safe_load(rendered({}).text)["configs"]
    assert configs == {
        name: {"external": True, "name": variable.lower()} for variable, name in CONFIGS.items()
    }


def test_a_release_whose_stack_file_asked_for_names_of_configs_still_comes_back():
    text = (
        "services: {a: {image: i}}\nconfigs: {edge: {external: true, name: '${EDGE_CONFIG:?}'}}\n"
    )
    inputs = StackInputs({"stack.yml": text}, {"MODEL_IMAGE": IMAGE}, {"EDGE_CONFIG": "x"})
    text = fill("shop", inputs, {"EDGE_CONFIG": "shop_edge_1"}).text
    assert yaml.safe_load(text)["configs"] == {"edge": {"external": True, "name": "shop_edge_1"}}


def test_labels_are_on_every_service_and_dollars_survive_a_second_reading():
    text = rendered({}).labelled({"swarmline.release": "r1"})
    services = yaml.safe_load(text)["services"]
    labels = [service["deploy"]["labels"] for service in services.values()]
    assert {label["swarmline.release"] for label in labels} == {"r1"}
    assert "$$line" in " ".join(services["edge"]["healthcheck"]["test"])
