"""Secrets under the names that stack.yml has, and those that people made by hand."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.credentials import manage
from scripts.credentials.api_keys import digest
from scripts.engine import secrets_and_configs
from service.web.keys import Authenticator, parse_keys

ROOT = Path(__file__).parents[3]

LISTED = "shop-keys", "shop-db-password", "shop-other"


@pytest.fixture(name="by_hand")
def _by_hand(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """A Swarm with two secrets that were made by hand, and an older one of ours."""
    ours = {secrets_and_configs.STACK: "shop", secrets_and_configs.NAME: "keys"}
    there = {name: _secret(name, {}, "2026-02-01T00:00:00Z") for name in LISTED}
    there["shop_keys_1"] = _secret("shop_keys_1", ours, "2026-01-01T00:00:00Z")
    calls: list[tuple[str, ...]] = []

    def docker(*words: str, **_options: object) -> str:
        calls.append(words)
        if "--format" in words:
            return "".join(f"{name} {name}\n" for name in LISTED)
        return "shop_keys_1\n" if words[1] == "ls" and words[0] == "secret" else ""

    monkeypatch.setattr(secrets_and_configs, "docker", docker)
    monkeypatch.setattr(
        secrets_and_configs, "docker_json", lambda *words: [there[name] for name in words[2:]]
    )
    return calls


def _secret(name: str, labels: dict[str, str], created: str) -> dict[str, object]:
    spec = {"Name": name, "Labels": labels}
    return json.loads(json.dumps({"ID": name, "Spec": spec, "CreatedAt": created}))


def test_a_secret_made_by_hand_counts_unless_there_is_one_of_ours(by_hand):
    assert secrets_and_configs.current_secrets("shop") == {
        "KEYS_SECRET": "shop_keys_1",
        "DB_PASSWORD_SECRET": "shop-db-password",
    }
    assert secrets_and_configs.unlabelled("shop") == ["shop-keys", "shop-db-password"]


def test_plain_names_are_refused_where_secrets_have_others(by_hand, tmp_path: Path):
    with pytest.raises(Refused, match=r"other names \(shop_keys_1\).*make stack-file"):
        manage.make("shop", tmp_path, plain=True)
    assert not any("create" in words for words in by_hand)


def test_what_lacks_is_made_under_the_names_of_the_stack_file(by_hand, tmp_path, monkeypatch):
    monkeypatch.setattr(
        secrets_and_configs, "current_secrets", lambda stack: {"KEYS_SECRET": "shop-keys"}
    )
    manage.make("shop", tmp_path, plain=True)
    secrets_made = [words[-2] for words in by_hand if words[:2] == ("secret", "create")]
    assert secrets_made == [
        "shop-db-password",
        "shop-journal-url",
        "shop-journal-key",
        "shop-edge-key",
        "shop-retrain-token",
        *(secrets_and_configs.plain_name("shop", name) for name in secrets_and_configs.MONITORING),
    ]


def test_what_is_given_out_elsewhere_is_brought_in_a_file(by_hand, tmp_path, monkeypatch):
    there = {"ALERT_WEBHOOK_SECRET": "shop-alert-webhook", "EDGE_KEY_SECRET": "shop-edge-key"}
    monkeypatch.setattr(secrets_and_configs, "current_secrets", lambda stack: there)
    file = tmp_path / "webhook"
    file.write_text("https://chat.example/hook\n")
    with pytest.raises(Refused, match="bring it with --file FILE"):
        manage.rotate("shop", tmp_path, "alert_webhook")
    with pytest.raises(Refused, match="edge_key is made at random"):
        manage.rotate("shop", tmp_path, "edge_key", file)
    assert not any("create" in words for words in by_hand)
    manage.rotate("shop", tmp_path, "alert_webhook", file)
    (created,) = [words for words in by_hand if words[:2] == ("secret", "create")]
    assert f"{secrets_and_configs.NAME}=alert_webhook" in created
    file.write_text("two\nlines\n")
    with pytest.raises(Refused, match="must hold one line"):
        manage.rotate("shop", tmp_path, "alert_webhook", file)


def test_the_lines_of_the_documents_make_what_the_containers_read(tmp_path: Path):
    text = (ROOT / "docs/swarm.md").read_text(encoding="utf-8")
    (lines,) = [
        name for name in re.findall(r"```sh\n(.*?)```", text, re.S) if "swarmline-keys -" in name
    ]
    command = tmp_path / "docker"
    command.write_text(f'#!/bin/sh\n[ "$1 $2 $4" = "secret create -" ] && cat >"{tmp_path}/$3"\n')
    command.chmod(0o755)
    script = f'PATH="{tmp_path}:$PATH"\nset -e\n{lines}printf "%s %s" "$key" "$edge"'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    key, edge = done.stdout.split()
    secrets_made = {path.name: path.read_text() for path in tmp_path.glob("swarmline-*")}
    assert secrets_made.keys() == {
        secrets_and_configs.plain_name("swarmline", name) for name in secrets_and_configs.NEEDED
    }
    caller = Authenticator(parse_keys(secrets_made["swarmline-keys"], set())).identify(
        f"Bearer {key}"
    )
    assert (
        caller.may("admin")
        and caller.may("predict", "any")
        and secrets_made["swarmline-edge-key"] == f"{digest(edge)}\n"
    )
    url = r"postgresql://journal_1:[0-9a-f]{64}@db:5432/journal"
    assert re.fullmatch(url, secrets_made["swarmline-journal-url"])


def test_a_stack_of_before_gets_what_people_bring_as_none_and_nothing_else(
    by_hand, tmp_path, monkeypatch
):
    needed = {f"{name.upper()}_SECRET": name for name in secrets_and_configs.NEEDED}
    there = {variable: name for variable, name in needed.items() if name != "retrain_token"}
    monkeypatch.setattr(secrets_and_configs, "current_secrets", lambda stack: there)
    manage.make_brought("shop", tmp_path)
    (created,) = [words for words in by_hand if words[:2] == ("secret", "create")]
    assert f"{secrets_and_configs.NAME}=retrain_token" in created
    # One that lacks others is for `make secrets` to complete.
    by_hand.clear()
    monkeypatch.setattr(secrets_and_configs, "current_secrets", lambda stack: {})
    manage.make_brought("shop", tmp_path)
    assert not any("create" in words for words in by_hand)
