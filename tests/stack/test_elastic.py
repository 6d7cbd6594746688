"""stack/elastic.yml and what it mounts, as far as that can be held without an image of Elastic's."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.tracking.test_elastic import FIELDS
from tests.support import ROOT
from tests.support.elastic import ECS
from tests.support.elastic.server import ElasticStandIn, elastic_stand_in
from tests.support.stack_files import render

FILE, FOLDER = ROOT / "stack/elastic.yml", ROOT / "stack/elastic"


def objects() -> list[dict[str, Any]]:
    lines = (FOLDER / "dashboard.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_it_renders_and_its_logs_and_volumes_are_bounded_and_named() -> None:
    services = render({}, FILE)["services"]
    assert set(services) == {"elasticsearch", "kibana", "setup", "filebeat"}
    for service in services.values():
        assert service["logging"]["options"]["max-size"]
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"] and limits["cpus"]
        assert ":" in service["image"] and not service["image"].endswith(":latest")
    assert [name for name, service in services.items() if "ports" in service] == ["kibana"]


def test_filebeat_may_only_read_what_is_the_nodes() -> None:
    filebeat = render({}, FILE)["services"]["filebeat"]
    bound = [volume for volume in filebeat["volumes"] if volume["type"] == "bind"]
    assert len(bound) == 2 and all(volume["read_only"] for volume in bound)


def test_filebeat_takes_lines_as_they_are_and_those_of_other_stacks_not() -> None:
    document = yaml.safe_load((FOLDER / "filebeat.yml").read_text(encoding="utf-8"))
    metadata, others, decoded = document["processors"]
    assert "add_docker_metadata" in metadata
    chosen = others["drop_event"]["when"]["not"]["regexp"]
    (pattern,) = (text.replace("${STACK}", "shop") for text in chosen.values())
    assert re.search(pattern, "shop") and re.search(pattern, "shop-monitoring")
    assert not re.search(pattern, "shop2") and not re.search(pattern, "my-shop")
    assert (
        decoded["decode_json_fields"]["target"] == ""
        and decoded["decode_json_fields"]["expand_keys"]
    )


def test_the_edges_lines_are_of_ecs_or_ours() -> None:
    log_format = re.search(
        r"log-format '(.+)'", (ROOT / "stack/haproxy.cfg").read_text(encoding="utf-8")
    )
    assert log_format
    names = re.findall(r'"([a-z@._]+)":', log_format[1])
    assert len(names) > 10
    for name in names:
        assert name in ECS["fields"] or name.startswith("swarmline."), name


def test_every_field_of_the_dashboard_is_in_the_template() -> None:
    named = {
        word
        for part in objects()
        for word in re.findall(r"(?<![\w-])swarmline\.\w+", json.dumps(part))
    }
    assert named and named <= set(FIELDS)


def test_the_dashboard_has_every_panel_that_it_names() -> None:
    *panels, dashboard = objects()
    assert dashboard["type"] == "dashboard"
    assert {part["id"] for part in dashboard["references"]} == {panel["id"] for panel in panels}
    names = {part["panelRefName"] for part in json.loads(dashboard["attributes"]["panelsJSON"])}
    assert names == {part["name"] for part in dashboard["references"]}
    for panel in panels:
        state = json.loads(panel["attributes"]["visState"])
        assert json.loads(state["params"]["spec"])["data"]["url"]["index"] == "swarmline-monitor-*"


@pytest.fixture(name="kibana")
def _kibana() -> Iterator[ElasticStandIn]:
    with elastic_stand_in() as server:
        yield server


def setup(
    folder: Path, server: ElasticStandIn, path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    (folder / "password").write_text("secret-password", encoding="utf-8")
    environ = {
        **{"PATH": path, "ELASTIC": server.url, "KIBANA": server.url},
        **{
            "PASSWORD_FILE": str(folder / "password"),
            "DASHBOARD": str(FOLDER / "dashboard.ndjson"),
        },
    }
    command = ["sh", str(FOLDER / "setup.sh")]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_setup_makes_login_data_views_and_dashboard(tmp_path: Path, kibana: ElasticStandIn) -> None:
    assert setup(tmp_path, kibana).returncode == 0
    login, *views, dashboard = kibana.requests
    assert login.path == "/_security/user/kibana_system/_password"
    assert login.json == {"password": "secret-password"}
    assert {view.path for view in views} == {"/api/data_views/data_view"}
    assert [view.json["data_view"]["title"] for view in views] == [
        "swarmline-monitor-*",
        "filebeat-*",
    ]
    for view in views:
        # Of Kibana's documented body: https://www.elastic.co/docs/api/doc/kibana, "Create a data view".
        assert set(view.json) <= {"data_view", "override"}
        assert set(view.json["data_view"]) <= {
            "id",
            "title",
            "name",
            "timeFieldName",
            "allowNoIndex",
        }
        assert view.json["data_view"]["timeFieldName"] in FIELDS
    assert dashboard.path == "/api/saved_objects/_import?overwrite=true"
    assert (FOLDER / "dashboard.ndjson").read_bytes() in dashboard.body
    assert all(request.xsrf for request in (*views, dashboard))
    assert len({request.authorization for request in kibana.requests}) == 1


def test_setup_that_is_refused_fails_and_says_no_password(
    tmp_path: Path, kibana: ElasticStandIn
) -> None:
    kibana.plan = [401]
    done = setup(tmp_path, kibana)
    assert done.returncode and "secret-password" not in done.stdout + done.stderr


def test_setup_names_no_password_where_other_processes_read_it(
    tmp_path: Path, kibana: ElasticStandIn
) -> None:
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin/curl"
    words = tmp_path / "words"
    curl.write_text(f'#!/bin/sh\necho "$@" >>{words}\nexec {shutil.which("curl")} "$@"\n')
    curl.chmod(0o755)
    assert setup(tmp_path, kibana, path=f"{tmp_path}/bin:{os.environ['PATH']}").returncode == 0
    assert len(words.read_text().splitlines()) == 4
    assert "secret-password" not in words.read_text()
