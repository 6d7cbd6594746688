"""The monitor's rules beside a bundle: there, missing, or broken."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from service.bundle.manifest import DamagedBundle
from service.bundle.monitor_rules import (
    MONITOR_RULES,
    Bound,
    MonitorRules,
    read_monitor_rules,
)


def test_rules_come_back_as_they_were_written(tmp_path: Path) -> None:
    rules = MonitorRules(window="1h", floors={"light": 0.2}, bounds={"mae": Bound(max=0.3)})
    (tmp_path / MONITOR_RULES).write_bytes(msgspec.json.encode(rules))
    assert read_monitor_rules(tmp_path) == rules


def test_a_bundle_without_rules_has_the_defaults(tmp_path: Path) -> None:
    assert read_monitor_rules(tmp_path) == MonitorRules()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"floor": -1}', b'{"q": null}'])
def test_rules_that_cannot_be_used_are_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / MONITOR_RULES).write_bytes(content)
    with pytest.raises(DamagedBundle, match=r"monitor\.json: .*export the bundle again"):
        read_monitor_rules(tmp_path)
