"""A password of one's own may be of any text: what is derived from it says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.platform_stack.credentials import FIXED, PASSWORDS, _default, _derived

WORD = r"""it's a:"b\c"@d"""


def test_a_database_password_of_any_text_is_quoted_for_sql_and_for_libpq():
    derived = _derived(dict.fromkeys((*PASSWORDS, *FIXED), WORD))
    assert r"""LOGIN PASSWORD 'it''s a:"b\c"@d';""" in derived["mlflow_role"]
    assert derived["mlflow_pgpass"] == r"""db:5432:mlflow:mlflow:it's a\:"b\\c"@d"""


def test_the_keys_of_a_stack_and_of_its_staging_are_taken_from_where_secrets_left_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "swarmline.env").write_text("STAGING=trial\n", encoding="utf-8")
    monkeypatch.setenv("SWARMLINE_SETTINGS", str(tmp_path))
    monkeypatch.delenv("STACK", raising=False)
    for place, key in (("deployer.key", "live"), ("trial/deployer.key", "tried")):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(f"{key}\n", encoding="ascii")
    names = ("api_key", "staging_api_key", "staging_edge_key")
    found = [_default(tmp_path / "platform", name, "none") for name in names]
    assert found == ["live", "tried", "none"]
    (tmp_path / "swarmline.env").write_text("", encoding="utf-8")
    assert _default(tmp_path / "platform", "staging_api_key", "none") == "none"
