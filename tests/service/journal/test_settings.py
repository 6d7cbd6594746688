"""Settings from the environment; a bad one says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.journal import BadSettings, Settings, from_environment


def test_without_any_variable_the_defaults_hold() -> None:
    assert from_environment({}) == Settings()


def test_every_variable_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("0123456789abcdef\n")
    settings = from_environment(
        {
            "JOURNAL_URL": "postgresql://user:word@db/journal",
            "JOURNAL_SPOOL": "/spool",
            "JOURNAL_SPOOL_MB": "64",
            "JOURNAL_RETENTION_DAYS": "30",
            "JOURNAL_SENSITIVE": "hash",
            "JOURNAL_SUBJECT": "omit",
            "JOURNAL_KEY_FILE": str(tmp_path / "key"),
        }
    )
    assert settings == Settings(
        url="postgresql://user:word@db/journal",
        spool=Path("/spool"),
        spool_limit=64 << 20,
        retention_days=30,
        sensitive="hash",
        subject="omit",
        key=b"0123456789abcdef",
    )


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("JOURNAL_URL", "mysql://x", "allowed are sqlite:///FILE"),
        ("JOURNAL_URL", "postgresql://u:p@host:port/d", "percent-encode what is special"),
        ("JOURNAL_URL", "postgresql://u:pa@ss@host/d", "percent-encode what is special"),
        ("JOURNAL_URL", "postgresql://u:1/ss@host/d", "percent-encode what is special"),
        ("JOURNAL_RETENTION_DAYS", "9" * 11, "a number of days up to 36500"),
        ("JOURNAL_SPOOL_MB", "0", "allowed is 1 MB or more"),
        ("JOURNAL_SPOOL_MB", "many", "given 'many'; allowed is a whole number"),
        ("JOURNAL_RETENTION_DAYS", "-1", "allowed is a whole number"),
        ("JOURNAL_SENSITIVE", "keep", "given 'keep'; allowed: hash, omit"),
        ("JOURNAL_SENSITIVE", "hash", "hashing needs 16 to 64; make one"),
        ("JOURNAL_SUBJECT", "drop", "allowed: keep, hash, omit"),
        ("JOURNAL_KEY_FILE", "/nowhere", "name a readable text file"),
    ],
)
def test_a_bad_setting_says_what_to_do(name: str, value: str, message: str) -> None:
    with pytest.raises(BadSettings, match=message):
        from_environment({name: value})


def test_secrets_do_not_show() -> None:
    settings = Settings(url="postgresql://u:word@h/d", key=b"0123456789abcdef")
    assert "word" not in repr(settings) and "0123" not in repr(settings)
