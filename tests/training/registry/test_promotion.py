"""A version that somebody rejected is challenger no more, and no build releases it unless it is asked to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.support.processes import Done
from tests.support.training import Workspace
from tests.training.conftest import Registered
from training.registry import promotion, tags, versions

# It trains a model.
pytestmark = pytest.mark.slow

BY = ("--by", "ann", "--why", "too slow")


class Shop(NamedTuple):
    workspace: Workspace
    spec: str

    def __call__(self, command: str, *arguments: str) -> Done:
        return self.workspace.training(command, self.spec, *arguments)

    def aliases(self, **wanted: str) -> dict[str, str]:
        """What they are; sets those that are given."""
        with self.workspace.client() as client:
            for name, number in wanted.items():
                client.set_registered_model_alias("fern", name, number)
            return versions.aliases(client, "fern")

    def outcome(self) -> Any:
        file = self.workspace.folder / "build/reports/fern/training.json"
        return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture
def shop(registered: Registered, tmp_path: Path) -> Shop:
    """Version 1 is champion and 2 challenger, whatever the tests before did."""
    shop = Shop(registered.workspace(tmp_path), str(registered.specs["fern"]))
    with shop.workspace.client() as client:
        promotion.clear_rejection(client, versions.find(client, "fern", "2"))
        client.delete_model_version_tag("fern", "2", tags.RELEASED)
    shop.aliases(champion="1", challenger="2")
    shop.workspace.bundles.mkdir(parents=True)
    return shop


def test_it_is_challenger_no_more_and_tells_who_and_why(shop: Shop) -> None:
    done = shop("reject", *BY)
    assert done.code == 0 and done.out.startswith("fern: version 2 rejected 20")
    assert done.out.endswith(" by ann: too slow\n")
    assert shop.aliases() == {"champion": "1"}


def test_a_training_that_finds_it_says_so_and_releases_nothing(shop: Shop) -> None:
    shop("reject", *BY)
    done = shop("train", "--gate", "later")
    assert done.code == 0 and "unchanged, version 2, rejected" in done.err
    assert "`make propose MODEL=fern VERSION=2` offers it again, FORCE=true trains anew" in done.err
    assert "by ann: too slow" in shop("gate").out
    shop("export", "--release")
    exported = json.loads((shop.workspace.bundles / "aliases.json").read_bytes())
    assert exported == {"fern": {"champion": "1"}}


def test_it_can_be_proposed_again(shop: Shop) -> None:
    shop("reject", *BY)
    assert shop("propose", "2").out == "fern: version 2 is challenger\n"
    assert shop.aliases() == {"champion": "1", "challenger": "2"}
    assert "rejected" not in shop("train", "--gate", "later").err


def test_a_champion_is_not_rejected_and_not_proposed(shop: Shop) -> None:
    assert "version 1 is the champion, and serves" in shop("reject", "--version", "1", *BY).err
    assert shop("propose", "1").err == "error: fern: version 1 is the champion already\n"


def test_who_promotes_it_takes_the_rejection_back(shop: Shop) -> None:
    shop("reject", *BY)
    shop("promote", "--version", "2", *BY)
    with shop.workspace.client() as client:
        assert tags.REJECTED not in versions.find(client, "fern", "2").tags


def export(shop: Shop, **arms: str) -> None:
    (shop.workspace.bundles / "aliases.json").write_text(
        json.dumps({"fern": arms}), encoding="utf-8"
    )


def test_what_a_build_would_have_released_is_rejected_in_its_report_too(shop: Shop) -> None:
    shop("train", "--gate", "later")
    export(shop, champion="2")
    assert "version 2 rejected" in shop("reject", "--exported", *BY).out
    assert shop.outcome()["rejected"].endswith(" by ann: too slow")


def test_a_release_without_a_new_version_leaves_nothing_to_reject(shop: Shop) -> None:
    export(shop, champion="1")
    assert shop("reject", "--exported", *BY).out == "nothing to reject\n"
    assert shop.aliases() == {"champion": "1", "challenger": "2"}


def test_a_challenger_that_serves_already_is_not_rejected_with_another_release(shop: Shop) -> None:
    export(shop, champion="1", challenger="2")
    shop("promote", "--exported", *BY)
    assert shop("reject", "--exported", *BY).out == "nothing to reject\n"


def test_a_challenger_that_serves_beside_stays_there_when_an_ordinary_build_finds_it_unchanged(
    shop: Shop,
) -> None:
    export(shop, champion="1", challenger="2")
    shop("promote", "--exported", *BY)
    shop("train", "--gate", "later")
    done = shop("export", "--release")
    exported = json.loads((shop.workspace.bundles / "aliases.json").read_bytes())
    assert exported == {"fern": {"champion": "1", "challenger": "2"}}
    assert "version 2 serves beside its champion, and stays there; `make promote" in done.err


def test_a_challenger_that_never_served_is(shop: Shop) -> None:
    export(shop, champion="1", challenger="2")
    assert "version 2 rejected" in shop("reject", "--exported", *BY).out


def test_without_any_champion_an_export_says_what_was_rejected(shop: Shop) -> None:
    shop("reject", *BY)
    with shop.workspace.client() as client:
        client.delete_registered_model_alias("fern", "champion")
    said = shop("export").err
    assert "fern: has no champion, and version 2 was rejected 20" in said
    assert "`make propose MODEL=fern VERSION=2` offers it again" in said


def test_nothing_is_rejected_where_there_is_no_challenger(shop: Shop) -> None:
    shop("reject", *BY)
    assert "given version 'challenger'" in shop("reject", *BY).err
