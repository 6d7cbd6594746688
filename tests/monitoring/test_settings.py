from __future__ import annotations

import re
from pathlib import Path

import pytest

from monitoring.settings import SETTINGS, BadSettings, read_settings
from tests.support import ROOT


def test_the_defaults_are_those_of_make_run():
    settings = read_settings({})
    assert (settings.journal_url, settings.findings_url) == (
        "sqlite:///build/journal.db",
        "sqlite:///build/monitor.db",
    )
    assert settings.bind.loopback and str(settings.bind) == "127.0.0.1:8090"


def test_an_empty_variable_is_one_that_is_not_set():
    blank = {setting.name: "" for setting in SETTINGS}
    assert read_settings(blank) == read_settings({})


def test_the_key_of_elasticsearch_is_none_until_the_secret_holds_one(tmp_path: Path):
    file = tmp_path / "elastic_key"
    for content, key in (("none", ""), ("VnVhQ2ZHY0JDZGJrUQ==", "VnVhQ2ZHY0JDZGJrUQ==")):
        file.write_text(f"{content}\n", encoding="utf-8")
        assert read_settings({"ELASTIC_KEY_FILE": str(file)}).elastic_key == key


@pytest.mark.parametrize(
    ("environ", "journal", "findings"),
    [
        (
            {"JOURNAL_URL": "sqlite:////data/j.db"},
            "sqlite:////data/j.db",
            "sqlite:////data/monitor.db",
        ),
        (
            {"JOURNAL_URL": "postgresql://u:p%40@db:5432/journal"},
            "postgresql://u:p%40@db:5432/journal",
            "postgresql://u:p%40@db:5432/monitor",
        ),
        (
            {"FINDINGS_URL": "postgresql://u:p@db/monitor?sslmode=require"},
            "postgresql://u:p@db/journal?sslmode=require",
            "postgresql://u:p@db/monitor?sslmode=require",
        ),
        (
            {"JOURNAL_URL": "postgresql://a:b@db/x", "FINDINGS_URL": "postgresql://c:d@db/y"},
            "postgresql://a:b@db/x",
            "postgresql://c:d@db/y",
        ),
    ],
)
def test_either_database_is_found_beside_the_other(
    environ: dict[str, str], journal: str, findings: str
):
    settings = read_settings(environ)
    assert (settings.journal_url, settings.findings_url) == (journal, findings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "127.0.0.1"),
        ("JOURNAL_URL", "mysql://x"),
        ("FINDINGS_URL", "postgresql://u:p@host:port/d"),
        ("MONITOR_EVERY", "0"),
        ("MONITOR_WINDOW", "1 day"),
        ("MONITOR_WINDOW", "0 rows"),
        ("MONITOR_ALLOWANCE", "-1"),
        ("MONITOR_PATIENCE", "0"),
        ("MONITOR_SAMPLE", "10"),
        ("MONITOR_RETENTION_DAYS", "many"),
        ("PROMETHEUS_URL", "prometheus:9090"),
        ("ELASTIC_URL", "file:///x"),
        ("AUTH", "yes"),
        ("REPLICAS_MAX", "0"),
        ("AUTOSCALE", "1"),
        ("AUTOSCALE_QUIET", "an hour"),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_setting_that_cannot_be_is_named(name: str, value: str):
    with pytest.raises(BadSettings, match=f"^{name} is .*; it must be "):
        read_settings({name: value})


def test_bounds_the_wrong_way_round_are_refused():
    with pytest.raises(BadSettings, match="REPLICAS_MIN is 5 and REPLICAS_MAX 4"):
        read_settings({"REPLICAS_MIN": "5", "REPLICAS_MAX": "4"})


def test_replicas_are_ordered_only_where_all_of_it_is_given():
    given = {
        **{"AUTOSCALE": "on", "SCALE_URL": "https://ci/job/scale", "RETRAIN_TOKEN": "t"},
        "PROMETHEUS_URL": "http://p:9090",
    }
    assert read_settings(given).scales and not read_settings({}).autoscale
    for name in given:
        assert not read_settings({**given, name: ""}).scales


def test_a_secret_is_not_shown_when_it_is_wrong(tmp_path: Path):
    with pytest.raises(BadSettings) as raised:
        read_settings({"FINDINGS_URL": "mysql://root:hunter2@db/x"})
    assert "hunter2" not in str(raised.value)
    assert "p@ss" not in repr(read_settings({"MLFLOW_TRACKING_PASSWORD": "p@ss"}))


def test_without_keys_the_pages_are_for_this_machine_alone():
    with pytest.raises(BadSettings, match="KEYS_FILE"):
        read_settings({"BIND": "0.0.0.0:8090"})
    assert not read_settings({"BIND": "0.0.0.0:8090", "AUTH": "off"}).auth


def test_the_journal_is_not_written_to():
    url = "sqlite:///build/journal.db"
    with pytest.raises(BadSettings, match="same file"):
        read_settings({"FINDINGS_URL": url, "JOURNAL_URL": url})


def test_every_setting_stands_in_the_documents_with_its_default():
    page = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
    # Exporters of hosts and Elasticsearch's overlay have tables of their own.
    page = page.split("### Settings\n")[1].split("\n## ")[0]
    listed = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", page, re.M))
    assert listed == {setting.name: setting.default for setting in SETTINGS}


def test_the_monitors_tables_never_lie_in_the_file_of_the_journal():
    with pytest.raises(BadSettings, match="the same file"):
        read_settings({"JOURNAL_URL": "sqlite:////data/monitor.db"})
