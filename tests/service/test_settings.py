"""Settings: from the environment and files; each that cannot be is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.settings import SETTINGS, BadSettings, JournalSettings, read_settings
from tests.support import ROOT


def sentences(**environ: str) -> list[str]:
    with pytest.raises(BadSettings) as raised:
        read_settings({"BUNDLES": "."} | environ)
    return raised.value.sentences


def test_the_defaults_are_settings_that_can_be() -> None:
    settings = read_settings({"BUNDLES": "."})
    assert settings.bind.loopback and settings.workers >= 1
    assert settings.journal == JournalSettings()


def test_packages_to_trust_are_a_list_of_names() -> None:
    settings = read_settings({"BUNDLES": ".", "TRUSTED_PACKAGES": "mypackage, other_one"})
    assert settings.trusted_packages == ("mypackage", "other_one")
    assert read_settings({"BUNDLES": "."}).trusted_packages == ()


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    blank = {setting.name: "" for setting in SETTINGS} | {"BUNDLES": "."}
    assert read_settings(blank) == read_settings({"BUNDLES": "."})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BIND", "example.org:80"),
        ("BIND", "127.0.0.1"),
        ("BIND", "127.0.0.1:99999"),
        ("WORKERS", "-1"),
        ("THREADS", "0"),
        ("THREADS", "٣"),
        ("STREAMS", "1.5"),
        ("MAX_BODY", "8M"),
        ("LOG_SAMPLE", "nan"),
        ("DRAIN_SECONDS", "-1"),
        ("READ_TIMEOUT", "inf"),
        ("TRAFFIC", "/nowhere"),
        ("BUNDLES", "/nowhere"),
        ("TRUSTED_PACKAGES", "my-package"),
        ("TRUSTED_PACKAGES", "mypackage.models"),
        ("RETRAIN_URL", "ftp://x"),
        ("RETRAIN_COMMAND", "train '{model}"),
        ("LOG_LEVEL", "loud"),
        ("AUTH", "no"),
        ("RELEASE", "a\nb"),
        ("JOURNAL_URL", "mysql://x"),
        ("KEYS_FILE", "/nowhere"),
        ("JOURNAL_URL", "postgresql://u:p@host:port/d"),
        ("JOURNAL_URL", "postgresql://u:pa@ss@host/d"),
        ("JOURNAL_URL", "postgresql://u:1/ss@host/d"),
        ("JOURNAL_SPOOL_MB", "0"),
        ("JOURNAL_SPOOL_MB", "many"),
        ("JOURNAL_RETENTION_DAYS", "-1"),
        ("JOURNAL_RETENTION_DAYS", "9" * 11),
        ("JOURNAL_SENSITIVE", "keep"),
        ("JOURNAL_SUBJECT", "drop"),
        ("JOURNAL_KEY_FILE", "/nowhere"),
    ],
)
def test_a_bad_setting_is_one_sentence_with_its_name(name: str, value: str) -> None:
    (sentence,) = sentences(**{name: value})
    assert sentence.startswith(name) and sentence.endswith(".")


def test_all_bad_settings_are_said_at_once() -> None:
    assert len(sentences(WORKERS="x", THREADS="x", LOG_LEVEL="x")) == 3


def test_a_secret_comes_from_a_file_and_from_one_place(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n", encoding="utf-8")
    files = {"BUNDLES": ".", "RETRAIN_TOKEN_FILE": str(tmp_path / "token")}
    assert read_settings(files).retrain_token == "t"
    assert "both set" in sentences(**files, RETRAIN_TOKEN="u")[0]


def test_a_stack_s_secret_takes_the_place_of_the_image_s_own_journal(tmp_path: Path) -> None:
    image = (ROOT / "service/Dockerfile").read_text(encoding="utf-8")
    (own,) = re.findall(r"^ +JOURNAL_URL=(\S+)$", image, re.M)
    (tmp_path / "url").write_text("sqlite:///stack.db\n", encoding="utf-8")
    environ = {"BUNDLES": ".", "JOURNAL_URL": own, "JOURNAL_URL_FILE": str(tmp_path / "url")}
    journal = read_settings(environ).journal
    assert journal is not None and journal.url == "sqlite:///stack.db"


@pytest.mark.parametrize("name", ["KEYS", "RETRAIN_TOKEN", "JOURNAL_URL", "JOURNAL_KEY"])
def test_an_empty_file_is_refused_where_a_default_would_stand_in(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text(" \n", encoding="utf-8")
    (sentence,) = sentences(**{f"{name}_FILE": str(tmp_path / "empty")})
    assert sentence.startswith(f"{name}_FILE") and "empty" in sentence


def test_every_setting_of_the_journal_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef\n", encoding="utf-8")
    journal = read_settings(
        {
            "BUNDLES": ".",
            "JOURNAL_URL": "postgresql://user:word@db/journal",
            "JOURNAL_SPOOL": "/spool",
            "JOURNAL_SPOOL_MB": "64",
            "JOURNAL_RETENTION_DAYS": "30",
            "JOURNAL_SENSITIVE": "hash",
            "JOURNAL_SUBJECT": "omit",
            "JOURNAL_KEY_FILE": str(tmp_path / "key"),
        }
    ).journal
    assert journal == JournalSettings(
        url="postgresql://user:word@db/journal",
        spool=Path("/spool"),
        spool_limit=64 << 20,
        retention_days=30,
        sensitive="hash",
        subject="omit",
        key=b"0123456789abcdef",
    )
    assert "word" not in repr(journal) and "0123" not in repr(journal)


@pytest.mark.parametrize("url", ["mysql://u:hunter2@x", "postgresql://u:hunter2@word@host/d"])
def test_a_refused_address_is_not_shown(url: str) -> None:
    (sentence,) = sentences(JOURNAL_URL=url)
    assert "hunter2" not in sentence and "postgresql://USER:PASSWORD@HOST" in sentence


def test_settings_that_contradict_are_refused() -> None:
    assert "openssl rand -hex 24" in sentences(JOURNAL_SENSITIVE="hash")[0]
    assert "openssl rand" in sentences(JOURNAL_SUBJECT="hash", JOURNAL_KEY="short")[0]
    assert "AUTH=off" in sentences(BIND="0.0.0.0:80")[0]
    assert "RETRAIN_TOKEN" in sentences(RETRAIN_URL="http://jenkins/job/x")[0]
    assert read_settings({"BUNDLES": ".", "BIND": "[::1]:80"}).bind.loopback


def test_the_documents_name_every_setting_with_its_default() -> None:
    page = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")
    documented = dict(
        re.findall(r"^\| `([A-Z_]+)` \| (?:`(.*?)`|none) \|", page, flags=re.MULTILINE)
    )
    assert documented == {setting.name: setting.default for setting in SETTINGS}
