"""stack/monitoring.yml: hardened and bounded as the stack that it watches, on its networks, with no port of its own."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.command.outcome import Refused
from scripts.stack_file import monitoring, tool_checks
from scripts.stack_file import render as stack
from scripts.stack_file import settings
from scripts.stack_file.render import NO_TRAFFIC, collect
from tests.support.engine_answers import EngineAnswers, engine
from tests.support.stack_files import (
    MONITOR_REQUIRED,
    MONITORING,
    MOUNTED,
    REQUIRED,
    STACK,
    check_container,
    check_update,
    render,
    rendered,
    rendered_monitoring,
    try_render,
)

SERVICES = ("monitor", "prometheus", "alertmanager", "grafana", "node-exporter", "engine", "hosts")
WITH_VOLUME = ("monitor", "prometheus", "alertmanager", "grafana")
EVERYWHERE = ("node-exporter", "engine")


def service(name: str) -> dict[str, Any]:
    about: dict[str, Any] = rendered_monitoring()["services"][name]
    return about


def test_the_image_of_the_monitor_is_all_that_it_needs_beside_its_secrets():
    assert set(rendered_monitoring()["services"]) == set(SERVICES)
    done = try_render({}, MONITORING)
    assert done.returncode and "required variable MONITOR_IMAGE is missing" in done.stderr
    assert {secret["name"] for secret in rendered_monitoring()["secrets"].values()} == {
        *("swarmline-keys", "swarmline-monitor-url", "swarmline-monitor-mlflow-password"),
        *("swarmline-elastic-key", "swarmline-retrain-token", "swarmline-retrain-webhook-token"),
        *("swarmline-grafana-password", "swarmline-alert-mail-password", "swarmline-alert-webhook"),
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_hardened_and_bounded(name: str):
    check_container(service(name), is_root=name == "engine")
    assert service(name)["deploy"]["restart_policy"]["condition"] == "any"


@pytest.mark.parametrize("name", SERVICES)
def test_an_update_is_watched_for_longer_than_an_ill_task_needs_to_be_noticed(name: str):
    check_update(service(name))
    for part in ("update_config", "rollback_config"):
        about = service(name)["deploy"][part]
        # Two on one volume would destroy it.
        assert (about["order"], about["parallelism"]) == ("stop-first", 1)


def test_nothing_of_it_publishes_a_port_or_has_an_address_that_it_shares():
    assert not any(service(name).get("ports") for name in SERVICES)
    assert {service(name)["deploy"]["endpoint_mode"] for name in SERVICES} == {"dnsrr"}


def test_the_monitor_alone_is_on_the_network_of_the_database():
    on = {name for name in SERVICES if "internal" in service(name)["networks"]}
    assert on == {"monitor"}
    edge = set(rendered()["services"]["edge"]["networks"])
    assert edge == {"edge", "monitoring"}, "the edge reaches the monitor, and no database"
    assert not rendered()["networks"]["monitoring"].get("internal"), "alerts leave by it"


def test_the_engines_proxies_are_reached_by_nobody_but_the_exporter():
    on = {name for name in SERVICES if "engine" in service(name)["networks"]}
    assert on == {"engine", "hosts"} and set(service("engine")["networks"]) == {"engine"}
    assert rendered_monitoring()["networks"]["engine"]["internal"]


def test_it_is_on_the_networks_of_the_stack_that_it_watches():
    other = render(MONITOR_REQUIRED | {"STACK": "farm"}, MONITORING)["networks"]
    mine = {name: about["name"] for name, about in other.items() if about.get("external")}
    assert mine == {name: f"farm_{name}" for name in ("monitoring", "edge", "internal")}
    assert set(mine) == set(render(REQUIRED, STACK)["networks"])


def test_what_has_a_volume_is_one_task_on_the_node_that_is_named():
    there = render(MONITOR_REQUIRED | {"MONITORING_CONSTRAINT": "node.labels.m == yes"}, MONITORING)
    for name in SERVICES:
        volumes = [each for each in service(name).get("volumes", []) if each["type"] == "volume"]
        assert bool(volumes) == (name in WITH_VOLUME)
        placed = there["services"][name]["deploy"]["placement"]["constraints"]
        assert (placed == ["node.labels.m == yes"]) == (name in WITH_VOLUME)
        mode = service(name)["deploy"]["mode"]
        assert mode == ("global" if name in EVERYWHERE else "replicated")


def test_the_host_is_only_read():
    for name in EVERYWHERE:
        (mount,) = [each for each in service(name)["volumes"] if each["type"] == "bind"]
        assert mount["read_only"]
    assert service("node-exporter")["hostname"] == "{{.Node.Hostname}}"


def test_every_file_beside_it_is_mounted_under_a_name_of_its_content():
    files = monitoring.config_files()
    # The dashboards are made of the one that is not mounted.
    made_of = MOUNTED / "dashboards.toml"
    there = {path for path in MOUNTED.rglob("*") if path.is_file()} - {made_of}
    assert set(files.values()) == there
    mounted = [each["source"] for name in SERVICES for each in service(name).get("configs", [])]
    assert sorted(mounted) == sorted(files)
    inputs = collect("", NO_TRAFFIC, {}, monitor=MONITOR_REQUIRED["MONITOR_IMAGE"])
    secrets = {name: name.lower() for name in variables() if name.endswith("_SECRET")}
    filled = monitoring.rendered("shop", inputs, secrets).text
    assert "monitoring/rules.yml" not in filled
    assert re.search(r"name: shop_monitoring-rules_[0-9a-f]{10}\n", filled)


def variables() -> set[str]:
    return stack.used({"monitoring": MONITORING.read_text(encoding="utf-8")})


def test_what_was_set_stands_on_the_monitor():
    label = service("monitor")["deploy"]["labels"]["swarmline.given"]
    named = {text.partition("=")[0] for text in label.split("; ")}
    main = {file: text for file, text in stack.all_files().items() if file != stack.MONITORING}
    assert named == (variables() & settings.names()) - stack.used(main)


def test_a_cookie_of_grafanas_is_for_tls_alone_where_there_is_tls():
    for tls, secure in (("on", "true"), ("off", "false")):
        inputs = collect("", NO_TRAFFIC, {"EDGE_TLS": tls}, monitor="image")
        secrets = {name: name.lower() for name in variables() if name.endswith("_SECRET")}
        text = monitoring.fill("shop", inputs, secrets, {}).text
        assert f"GF_SECURITY_COOKIE_SECURE: '{secure}'" in text


def test_every_secret_is_a_file_for_its_container_alone_and_in_no_environment():
    for name in SERVICES:
        user, _, group = service(name)["user"].partition(":")
        for secret in service(name).get("secrets", []):
            assert (secret["uid"], secret["gid"], secret["mode"]) == (user, group, 0o400)
        for key, value in service(name).get("environment", {}).items():
            if re.search(r"PASSWORD|TOKEN|KEY|FINDINGS_URL", key):
                assert key.endswith("_FILE") and str(value).startswith("/run/secrets/"), key


def test_images_of_others_have_a_version_and_can_be_replaced():
    images = re.findall(r"^    image: (.*)$", MONITORING.read_text(encoding="utf-8"), re.M)
    assert all(re.match(r"\$\{[A-Z_]+_IMAGE:[-?]", image) for image in images)
    usual = {image for image in images if ":-" in image}
    assert len(usual) == 5 and all(re.search(r":v?\d+\.\d+\.\d+\}$", image) for image in usual)
    edge = re.search(r"\$\{EDGE_IMAGE:-[^}]+\}", STACK.read_text(encoding="utf-8"))
    assert edge and edge[0] in usual, "one version of HAProxy in both stacks"


def test_a_rule_that_prometheus_would_not_take_is_refused_before_it_is_deployed(tmp_path: Path):
    for path in MOUNTED.glob("*.yml"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"))
    tool_checks.check_monitoring(tmp_path)
    (tmp_path / "rules.yml").write_text("groups: [{name: a, rules: [{alert: B, expr: 'sum('}]}]")
    with pytest.raises(Refused, match="prometheus.yml is not right"):
        tool_checks.check_monitoring(tmp_path)


@pytest.fixture(name="proxy", scope="module")
def _proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineAnswers, int]]:
    with engine(tmp_path_factory.mktemp("proxy")) as answering:
        yield answering


def lets_through(proxy: tuple[EngineAnswers, int], method: str, path: str) -> bool:
    answering, port = proxy
    answering.seen.clear()
    # As it stands there: other clients tidy a path up.
    caller = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    caller.request(method, path)
    is_refused = caller.getresponse().status in (400, 403)
    caller.close()
    assert is_refused == (not answering.seen)
    return not is_refused


CONTAINER = "0123456789abcdef"


@pytest.mark.slow
def test_an_engines_proxy_lets_through_what_the_exporter_asks(proxy: tuple[EngineAnswers, int]):
    for path in ("/_ping", "/info", "/containers/json", f"/containers/{CONTAINER}/stats", "/tasks"):
        for asked in (path, f"/v1.43{path}?a=b"):
            assert lets_through(proxy, "GET", asked)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/containers/{CONTAINER}/{part}") for part in ("json", "archive", "logs")),
        *(("GET", path) for path in ("/secrets", "/swarm", "/images/json", "/events", "/plugins")),
        *(
            ("GET", path)
            for path in ("/configs", "/configs/swarmline_release_3", "/swarm/unlockkey")
        ),
        *(("GET", path) for path in ("/v1.43/secrets", f"/v1.43/containers/{CONTAINER}/json")),
        *(("GET", path) for path in ("/containers/../secrets", "/v1.43/x/../info", "/info/")),
        *(("POST", path) for path in ("/containers/create", "/info", "/containers/json", "/build")),
        ("POST", f"/containers/{CONTAINER}/kill"),
        *(("DELETE", path) for path in (f"/containers/{CONTAINER}", "/services/s")),
        ("PUT", f"/containers/{CONTAINER}/archive"),
    ],
)
def test_an_engines_proxy_lets_nothing_else_through(
    proxy: tuple[EngineAnswers, int], method: str, path: str
):
    assert not lets_through(proxy, method, path)
