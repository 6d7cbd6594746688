"""stack.yml: the numbers stand in the right relation, and nothing is in it that Swarm would ignore."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from scripts.command.outcome import Refused
from scripts.stack_file import render as stack
from scripts.stack_file import settings
from scripts.stack_file.render import collect
from tests.support.stack_files import (
    EDGE,
    HTTP,
    REQUIRED,
    ROOT,
    STACK,
    TLS,
    check_container,
    check_update,
    render,
    rendered,
    seconds,
    try_render,
)

SERVICES = ("edge", "model", "db")


def service(name: str) -> dict[str, Any]:
    about: dict[str, Any] = rendered()["services"][name]
    return about


def source() -> str:
    return STACK.read_text(encoding="utf-8") + TLS.read_text(encoding="utf-8")


#: By their plain names, as docs/swarm.md lists them.
PLAIN = {
    *("swarmline-keys", "swarmline-db-password", "swarmline-edge-key", "swarmline-retrain-token"),
    *("swarmline-journal-url", "swarmline-journal-key"),
}


def test_an_image_is_all_that_a_deploy_by_hand_needs_beside_six_secrets() -> None:
    document = render(REQUIRED, STACK)
    assert {secret["name"] for secret in document["secrets"].values()} == PLAIN
    done = try_render({}, STACK)
    assert done.returncode and "required variable MODEL_IMAGE is missing" in done.stderr


def test_tls_needs_a_seventh_secret_and_no_variable() -> None:
    plain, secured = render(REQUIRED, STACK), render(REQUIRED, STACK, TLS)
    names = {part["name"] for part in secured["secrets"].values()}
    assert names == PLAIN | {"swarmline-edge-certificate"}
    modes = [part["services"]["edge"]["environment"]["EDGE_TLS"] for part in (plain, secured)]
    assert modes == ["off", "on"]


def test_configs_come_from_files_and_a_version_names_them_anew() -> None:
    first, second = (
        render({**REQUIRED, **more}, STACK)["configs"] for more in ({}, {"CONFIG_VERSION": "2"})
    )
    assert {config["name"] for config in first.values()} == {
        *("swarmline-edge-1", "swarmline-traffic-1", "swarmline-journal-1")
    }
    assert {config["name"] for config in second.values()}.isdisjoint(
        config["name"] for config in first.values()
    )
    assert all(Path(config["file"]).is_file() for config in first.values())


def test_what_was_set_stands_on_the_services_whichever_way_they_came() -> None:
    label = service("model")["deploy"]["labels"]["swarmline.given"]
    named = {text.partition("=")[0] for text in label.split("; ")}
    main = {file: text for file, text in stack.all_files().items() if file != stack.MONITORING}
    assert named == (stack.used(main) & settings.names()) - {"EDGE_TLS"}
    assert service("edge")["deploy"]["labels"]["swarmline.tls"] == "on"


def test_the_traffic_of_a_deploy_by_hand_is_none() -> None:
    assert (STACK.parent / "stack/traffic.toml").read_text(encoding="utf-8") == stack.NO_TRAFFIC


def test_a_port_that_sends_callers_to_tls_is_published_only_when_named() -> None:
    usual = service("edge")["ports"]
    assert [port["target"] for port in usual] == [8443]
    both = render({**REQUIRED, "EDGE_HTTP_PORT": "80"}, STACK, TLS, HTTP)["services"]["edge"]
    assert {(port["target"], port["published"]) for port in both["ports"]} == {
        (8443, 443),
        (8080, 80),
    }


def test_without_tls_there_is_nowhere_to_send_callers() -> None:
    with pytest.raises(Refused, match="EDGE_HTTP_PORT is 80.*EDGE_TLS is off"):
        collect("image", "", {"EDGE_TLS": "off", "EDGE_HTTP_PORT": "80"})
    inputs = collect("image", "", {"EDGE_HTTP_PORT": "80"})
    assert list(inputs.files) == ["stack.yml", "stack/tls.yml", "stack/http.yml"]
    assert inputs.variables["EDGE_HTTP_PORT"] == "80"


def test_without_tls_no_certificate_is_asked_for() -> None:
    names = {secret["source"] for secret in render(REQUIRED, STACK)["services"]["edge"]["secrets"]}
    assert names == {"edge_key"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_field_of_update_and_rollback_is_spelled_out(name: str) -> None:
    text = STACK.read_text(encoding="utf-8")
    block = re.split(rf"^  {name}:$", text, maxsplit=1, flags=re.M)[1]
    fields = ("order", "parallelism", "delay", "monitor", "failure_action", "max_failure_ratio")
    for part in ("update_config", "rollback_config"):
        line = re.search(rf"^ +{part}: {{(.*)}}$", block, re.M)
        assert line and all(f"{field}:" in line[1] for field in fields)


@pytest.mark.parametrize("name", SERVICES)
def test_an_update_is_watched_for_longer_than_an_ill_task_needs_to_be_noticed(name: str) -> None:
    check_update(service(name))
    for part in ("update_config", "rollback_config"):
        update = service(name)["deploy"][part]
        assert seconds(update.get("delay", "0s")) < seconds(update["monitor"])
        assert update["parallelism"] == 1 and not update.get("max_failure_ratio")


def test_new_tasks_come_before_old_ones_go_but_for_the_database() -> None:
    orders = {name: service(name)["deploy"]["update_config"]["order"] for name in SERVICES}
    assert orders == {"edge": "start-first", "model": "start-first", "db": "stop-first"}


def test_a_replica_has_time_to_drain_and_to_finish() -> None:
    environ = service("model")["environment"]
    needed = float(environ["DRAIN_SECONDS"]) + float(environ["GRACE_SECONDS"])
    # Swarm takes 2 s from taking the name away to the first signal; they are not counted in.
    assert seconds(service("model")["stop_grace_period"]) > needed + 5
    config = EDGE.read_text(encoding="utf-8")
    inter, fast = map(float, re.search(r"inter (\d+)ms fastinter (\d+)ms", config).groups())  # type: ignore[union-attr]
    falls = int(re.search(r"fall (\d+)", config)[1])  # type: ignore[index]
    noticed = (inter + fast * (falls - 1)) / 1000
    assert (
        noticed < float(environ["DRAIN_SECONDS"]) / 2
    ), "the edge sees the 503 well within the drain"


def test_the_edge_ends_its_last_answers_before_it_is_killed() -> None:
    environ = service("edge")["environment"]
    stop, grace = seconds(environ["EDGE_STOP"]), seconds(service("edge")["stop_grace_period"])
    assert seconds(environ["EDGE_SERVER_TIMEOUT"]) < stop < grace


def test_a_request_has_less_time_at_the_edge_than_a_stopping_replica_gives_it() -> None:
    environ = service("edge")["environment"]
    grace = float(service("model")["environment"]["GRACE_SECONDS"])
    assert seconds(environ["EDGE_SERVER_TIMEOUT"]) <= grace


def test_a_body_that_the_edge_lets_in_is_not_too_large_for_the_service() -> None:
    room = int(service("edge")["environment"]["EDGE_BUFFER"]) - 32768
    assert room >= 1 << 20
    assert int(service("model")["environment"]["MAX_BODY"]) >= room


def test_the_edge_has_memory_for_a_full_buffer_on_every_connection() -> None:
    environ = service("edge")["environment"]
    # What is with a replica is kept a second time, to be sent again; an update has a replica more.
    replicas = service("model")["deploy"]["replicas"] + 1
    buffers = int(environ["EDGE_CONNECTIONS"]) + replicas * int(environ["EDGE_REPLICA_CONNECTIONS"])
    limit = int(service("edge")["deploy"]["resources"]["limits"]["memory"])
    assert limit > int(environ["EDGE_BUFFER"]) * buffers + (64 << 20)


def test_the_edge_has_more_than_twice_the_places_that_replicas_take() -> None:
    assert (
        int(service("edge")["environment"]["EDGE_SLOTS"])
        > 2 * service("model")["deploy"]["replicas"]
    )


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_hardened_and_bounded(name: str) -> None:
    about = service(name)
    check_container(about)
    assert about["logging"]["driver"] == "json-file"
    assert about["deploy"]["restart_policy"]["condition"] == "any"
    assert about["deploy"]["placement"]["preferences"] == [{"spread": "node.id"}]


def test_only_the_edge_publishes_and_only_one_port() -> None:
    publishing = [name for name in SERVICES if service(name).get("ports")]
    assert publishing == ["edge"] and len(service("edge")["ports"]) == 1


def test_the_edge_cannot_reach_the_database() -> None:
    assert not set(service("edge")["networks"]) & set(service("db")["networks"])
    assert rendered()["networks"]["internal"]["internal"]


def test_replicas_and_database_are_found_by_their_own_addresses() -> None:
    assert {service(name)["deploy"]["endpoint_mode"] for name in ("model", "db")} == {"dnsrr"}


def test_every_image_can_be_replaced_by_a_variable() -> None:
    images = re.findall(r"^    image: (.*)$", source(), re.M)
    assert len(images) == len(SERVICES) and all(
        re.match(r"\$\{[A-Z]+_IMAGE:[-?]", image) for image in images
    )


def test_every_secret_is_a_file_for_its_container_alone() -> None:
    for name in SERVICES:
        owner = service(name)["user"].split(":")[0]
        for secret in service(name)["secrets"]:
            assert (secret["uid"], secret["gid"], secret["mode"]) == (owner, owner, 0o400)
    assert set(rendered()["secrets"]) == {
        *("keys", "db_password", "journal_url", "journal_key", "edge_key"),
        *("edge_certificate", "retrain_token"),
    }
    assert all(secret["external"] for secret in rendered()["secrets"].values())


def test_no_environment_holds_a_secret() -> None:
    secret = re.compile(r"PASSWORD|TOKEN|KEY|JOURNAL_URL")
    for name in SERVICES:
        for key, value in service(name)["environment"].items():
            if secret.search(key) and not value.isdigit():
                assert key.endswith("_FILE") and value.startswith("/run/secrets/"), key


def test_every_variable_of_the_edge_comes_from_the_stack() -> None:
    used = set(re.findall(r"\$\{?(EDGE_[A-Z_]+)", EDGE.read_text(encoding="utf-8")))
    assert used == set(service("edge")["environment"])


def test_what_a_variable_says_reaches_the_container() -> None:
    services = render(REQUIRED | {"EDGE_PORT": "8443", "EDGE_PORT_MODE": "host"}, STACK, TLS)
    (port,) = services["services"]["edge"]["ports"]
    assert (port["published"], port["mode"]) == (8443, "host")


def test_third_party_images_have_one_version_in_every_file_and_in_the_docs() -> None:
    usual = dict(re.findall(r"\$\{(EDGE_IMAGE|DB_IMAGE):-([^}]+)\}", source()))
    platform = (ROOT / "jenkins/platform.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"\$\{(EDGE_IMAGE|DB_IMAGE):-([^}]+)\}", platform))
    assert named == set(usual.items())
    docs = (ROOT / "docs/swarm.md").read_text(encoding="utf-8")
    assert f"| `EDGE_IMAGE`, `DB_IMAGE` | `{usual['EDGE_IMAGE']}`, `{usual['DB_IMAGE']}` |" in docs
