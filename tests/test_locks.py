"""The lock: one resolution, a file a group, each file by hash and from no place in particular."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.support import ROOT

GROUPS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
TOOLS = ("uv", "openapi-python-client", "nannyml")
PIN = re.compile(r"^([a-z0-9.-]+)==(\S+)", re.M)


def lock(group: str) -> str:
    return (ROOT / f"requirements/{group}.txt").read_text(encoding="utf-8")


def pins(group: str) -> set[tuple[str, str]]:
    return set(PIN.findall(lock(group)))


@pytest.mark.parametrize("group", [*GROUPS, *TOOLS])
def test_a_lock_names_no_index_and_no_address(group: str):
    assert not re.search(
        r"^\s*-|://|@ ", re.sub(r"^ +--hash=.*", "", lock(group), flags=re.M), re.M
    )


@pytest.mark.parametrize("group", [*GROUPS, *TOOLS])
def test_each_pin_has_its_hashes(group: str):
    pinned = [part for part in re.split(r"\n(?=\S)", lock(group)) if PIN.match(part)]
    assert pinned
    assert not [part for part in pinned if "--hash=sha256:" not in part]


@pytest.mark.parametrize("group", GROUPS)
def test_every_group_is_a_part_of_one_resolution(group: str):
    assert pins(group) <= pins("dev")


@pytest.mark.parametrize("group", GROUPS)
def test_a_lock_has_what_its_group_asks_for(group: str):
    texts = [wanted for wanted in GROUPS[group] if isinstance(wanted, str)]
    asked = {re.split(r"[\[<>=]", text)[0].lower() for text in texts}
    assert asked <= {name for name, _ in pins(group)}


def test_the_service_gets_nothing_that_it_does_not_serve_with():
    heavy = {"pandas", "mlflow", "scikit-learn", "scipy", "matplotlib", "boto3", "evidently"}
    assert not heavy & {name for name, _ in pins("serve")}
