"""Sensitive columns: what is kept of them, and that none touches the disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.journal.privacy import Scrubber, keyed_hash
from service.journal.shipper import ship_once
from service.settings import JournalSettings
from tests.support.service.journal import (
    KEY,
    QUALITY,
    ROW,
    SECRET,
    on_disk,
    open_journal,
    query,
    record_quality,
    settings_for,
)

#: float32 bytes that stand for the sensitive age, far from any other number here.
AGE = 1234.5678


@pytest.fixture
def hashing(tmp_path: Path) -> JournalSettings:
    return settings_for(tmp_path, sensitive="hash", key=KEY)


def features_of(settings: JournalSettings, **record: Any) -> dict[str, Any]:
    journal = open_journal(settings)
    record_quality(journal, **record)
    journal.close()
    ship_once(settings)
    [(features,)] = query(settings, "SELECT features FROM prediction")
    columns: dict[str, Any] = json.loads(features)
    return columns


def test_a_sensitive_value_becomes_its_keyed_hash(hashing: JournalSettings) -> None:
    features = features_of(hashing)
    assert features["medicine"] == keyed_hash(KEY, SECRET) != keyed_hash(b"another", SECRET)
    assert features["age"] == keyed_hash(KEY, 42.0) == keyed_hash(KEY, "42")
    assert features["crop"] == "mint"


def test_a_sensitive_null_stays_null(hashing: JournalSettings) -> None:
    features = features_of(hashing, row=[*ROW[:4], float("nan"), 1.0])
    assert features["medicine"] is None


def test_left_out_means_not_there(hashing: JournalSettings) -> None:
    features = features_of(replace(hashing, sensitive="omit"))
    assert set(features) == {"height", "leaves", "crop", "organic"}


@pytest.mark.parametrize("treatment", ["hash", "omit"])
def test_no_sensitive_value_touches_the_disk(tmp_path: Path, treatment: Any) -> None:
    settings = settings_for(tmp_path, sensitive=treatment, key=KEY)
    journal = open_journal(settings)
    record_quality(journal, row=[*ROW[:5], AGE])
    spooled = on_disk(tmp_path)
    journal.close()
    ship_once(settings)
    for data in (spooled, on_disk(tmp_path)):
        assert b"mint" in data
        assert SECRET.encode() not in data
        assert np.float32(AGE).tobytes() not in data
        assert b"1234.5" not in data
        assert KEY not in data


def test_a_sensitive_category_leaves_no_number_behind(hashing: JournalSettings) -> None:
    """Its number and the contract would give it away."""
    scrubber = Scrubber(QUALITY, hashing)
    cells = [
        scrubber.split(np.array([[*ROW[:4], medicine, 1.0]], np.float32))[0].tobytes()
        for medicine in (0.0, 1.0)
    ]
    assert cells[0] == cells[1]


@pytest.mark.parametrize(
    ("treatment", "kept"),
    [("keep", "someone"), ("hash", keyed_hash(KEY, "someone")), ("omit", None)],
)
def test_a_subject_is_kept_as_told(
    hashing: JournalSettings, treatment: Any, kept: str | None
) -> None:
    settings = replace(hashing, subject=treatment)
    features_of(settings)
    assert query(settings, "SELECT subject FROM prediction") == [(kept,)]
    assert treatment == "keep" or b"someone" not in on_disk(settings.spool.parent)
