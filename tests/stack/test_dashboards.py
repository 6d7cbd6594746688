"""Grafana's dashboards: sound JSON and PromQL, and each query answered by a Prometheus that scraped the real things."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.command.outcome import Refused
from scripts.stack_file import dashboards
from tests.support import ROOT
from tests.support.machine import free_port, wait_until
from tests.support.monitor_numbers import monitor
from tests.support.monitored_site import MONITORING_STACK, Prometheus, site
from tests.support.prometheus import promtool
from tests.support.service import bundles
from tests.support.service.server import Server, key_lines

#: Where nothing is wrong it has nothing to say.
EMPTY_WHEN_WELL = {'ALERTS{alertstate="firing",alertname!="Watchdog"}'}


def documents() -> list[dict[str, Any]]:
    folder = ROOT / dashboards.FOLDER
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def targets() -> Iterator[tuple[str, str]]:
    """Each query as Grafana sends it, and how its lines are called."""
    for document in documents():
        for panel in document["panels"]:
            for target in panel["targets"]:
                filled = target["expr"].replace("$model", ".*").replace("$__rate_interval", "30s")
                yield filled, target["legendFormat"]


def test_every_dashboard_is_what_its_table_says_and_in_the_stack() -> None:
    dashboards.check()
    configs = yaml.safe_load(MONITORING_STACK.read_text(encoding="utf-8"))["configs"]
    mounted = {Path(config["file"]).name for config in configs.values()}
    assert {f"{document['uid']}.json" for document in documents()} <= mounted


def test_a_dashboard_that_was_changed_by_hand_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dashboards, "FOLDER", "stack/settings")
    with pytest.raises(Refused, match="swarmline-service.json is not what .*dashboards.toml says"):
        dashboards.check()


def test_names_are_used_once_and_every_panel_has_a_unit_and_a_place() -> None:
    assert len({document["uid"] for document in documents()}) == len(documents()) == 4
    for document in documents():
        assert len({panel["id"] for panel in document["panels"]}) == len(document["panels"])
        assert len({panel["title"] for panel in document["panels"]}) == len(document["panels"])
        places = set()
        for panel in document["panels"]:
            assert panel["fieldConfig"]["defaults"]["unit"] and panel["targets"]
            place = panel["gridPos"]
            assert place["x"] + place["w"] <= 24
            cells = {(place["x"] + across, place["y"]) for across in range(place["w"])}
            assert not places & cells
            places |= cells


def test_the_source_is_the_one_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((ROOT / "stack/monitoring/grafana/datasource.yml").read_text())[
        "datasources"
    ]
    assert (source["uid"], source["type"]) == (dashboards.SOURCE["uid"], dashboards.SOURCE["type"])
    assert all(
        target["datasource"] == dashboards.SOURCE
        for document in documents()
        for panel in document["panels"]
        for target in panel["targets"]
    )


def test_promtool_reads_every_query(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": query} for number, (query, _) in enumerate(targets())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(
        yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8"
    )
    done = promtool("check", "rules", file)
    assert done.returncode == 0 and len(rules) > 40, done.stdout + done.stderr


@pytest.fixture(name="prometheus", scope="module")
def _prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "keys").write_text(key_lines(), encoding="utf-8")
    bundles.write_bundle(folder / "bundles", bundles.QUALITY, "1")
    bundles.write_bundle(folder / "bundles", bundles.YIELD, "1", linear=True)
    environ = {
        "BIND": f"127.0.0.1:{free_port()}",
        "BUNDLES": str(folder / "bundles"),
        "RELEASE": "r1",
        "KEYS_FILE": str(folder / "keys"),
        "JOURNAL_URL": f"sqlite:///{folder}/journal.db",
        "JOURNAL_SPOOL": str(folder / "spool"),
        "DRAIN_SECONDS": "0",
        "WORKERS": "2",
    }
    server = Server(environ, folder / "service.log")
    try:
        wait_until(lambda: server.ready, "the service is ready")
        with monitor(folder) as (address, _), site(folder, server, {"monitor": address}) as running:
            yield running
    finally:
        server.stop()


@pytest.mark.slow
def test_every_query_is_answered_by_a_prometheus_that_scraped_the_real_things(
    prometheus: Prometheus,
) -> None:
    lacking = dict(targets())
    for query in EMPTY_WHEN_WELL:
        del lacking[query]

    def all_answered() -> bool:
        for query, legend in list(lacking.items()):
            series = prometheus.series(query)
            if series and series[0]["value"][1] != "NaN":
                labels = set(re.findall(r"{{(\w+)}}", legend))
                assert labels <= series[0]["metric"].keys(), (query, legend, series[0])
                del lacking[query]
        return not lacking

    try:
        wait_until(all_answered, "every query is answered", 30, 0.5)
    except AssertionError as error:
        raise AssertionError(f"{list(lacking)}; targets: {prometheus.targets}") from error
    assert set(prometheus.targets.values()) == {"up"}


@pytest.mark.slow
def test_every_rule_can_be_evaluated_and_none_cries_over_a_sound_site(
    prometheus: Prometheus,
) -> None:
    groups = prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    wait_until(
        lambda: all(
            rule["health"] == "ok"
            for group in prometheus.ask("rules")["groups"]
            for rule in group["rules"]
        ),
        "every rule was evaluated",
        20,
    )
    assert len(rules) > 60
    wait_until(lambda: prometheus.series('ALERTS{alertname="Watchdog"}'), "the watchdog", 20)
    firing = prometheus.series('ALERTS{alertstate="firing"}')
    assert {alert["metric"]["alertname"] for alert in firing} == {"Watchdog"}
