"""A version that somebody rejected is challenger no more, and no build releases it unless it is asked to."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from tests.training.house import Done, House, rows_of, write_spec
from training.registry import promotion, versions

# It trains a model.
pytestmark = pytest.mark.slow

BY = ("--by", "ann", "--why", "too slow")


class Shop(NamedTuple):
    house: House
    spec: str

    def __call__(self, command: str, *arguments: str) -> Done:
        return self.house.training(command, self.spec, *arguments)

    def aliases(self, **wanted: str) -> dict[str, str]:
        """What they are; sets those that are given."""
        with self.house.client() as client:
            for name, number in wanted.items():
                client.set_registered_model_alias("shop", name, number)
            return versions.aliases(client, "shop")

    def outcome(self) -> Any:
        kept = self.house.folder / "build/reports/shop/training.json"
        return json.loads(kept.read_text(encoding="utf-8"))


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Version 1 is champion, 2 was trained after it."""
    folder = tmp_path_factory.mktemp("shop")
    rows_of("wine").to_csv(folder / "wine.csv", index=False)
    house, spec = House(folder), write_spec(folder, "shop", str(folder / "wine.csv"))
    assert house.training("train", spec, "--promote", "the first").code == 0
    assert house.training("train", spec, "--force").code == 0
    return Shop(house, str(spec))


@pytest.fixture(name="shop")
def _shop(trained: Shop) -> Shop:
    """Version 1 is champion and 2 challenger, whatever the tests before did."""
    with trained.house.client() as client:
        versions.forgive(client, versions.version(client, "shop", "2"))
        client.delete_model_version_tag("shop", "2", promotion.RELEASED)
    trained.aliases(champion="1", challenger="2")
    return trained


def test_it_is_challenger_no_more_and_tells_who_and_why(shop: Shop) -> None:
    done = shop("reject", *BY)
    assert done.code == 0 and done.out.startswith("shop: version 2 rejected 20")
    assert done.out.endswith(" by ann: too slow\n")
    assert shop.aliases() == {"champion": "1"}


def test_a_training_that_finds_it_says_so_and_releases_nothing(shop: Shop) -> None:
    shop("reject", *BY)
    done = shop("train", "--gate", "later")
    assert done.code == 0 and "unchanged, version 2, rejected" in done.err
    assert "`make propose MODEL=shop VERSION=2` offers it again, FORCE=true trains anew" in done.err
    assert "by ann: too slow" in shop("gate").out
    shop("export", "--release")
    exported = json.loads((shop.house.bundles / "aliases.json").read_bytes())
    assert exported == {"shop": {"champion": "1"}}


def test_it_can_be_proposed_again(shop: Shop) -> None:
    shop("reject", *BY)
    assert shop("propose", "2").out == "shop: version 2 is challenger\n"
    assert shop.aliases() == {"champion": "1", "challenger": "2"}
    assert "rejected" not in shop("train", "--gate", "later").err


def test_a_champion_is_not_rejected_and_not_proposed(shop: Shop) -> None:
    assert "version 1 is the champion, and serves" in shop("reject", "--version", "1", *BY).err
    assert shop("propose", "1").err == "error: shop: version 1 is the champion already\n"


def test_who_promotes_it_takes_the_rejection_back(shop: Shop) -> None:
    shop("reject", *BY)
    shop("promote", "--version", "2", *BY)
    with shop.house.client() as client:
        assert versions.REJECTED not in versions.version(client, "shop", "2").tags


def export(shop: Shop, **arms: str) -> None:
    (shop.house.bundles / "aliases.json").write_text(json.dumps({"shop": arms}), encoding="utf-8")


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
    exported = json.loads((shop.house.bundles / "aliases.json").read_bytes())
    assert exported == {"shop": {"champion": "1", "challenger": "2"}}
    assert "version 2 serves beside its champion, and stays there; `make promote" in done.err


def test_a_challenger_that_never_served_is(shop: Shop) -> None:
    export(shop, champion="1", challenger="2")
    assert "version 2 rejected" in shop("reject", "--exported", *BY).out


def test_without_any_champion_an_export_says_what_was_rejected(shop: Shop) -> None:
    shop("reject", *BY)
    with shop.house.client() as client:
        client.delete_registered_model_alias("shop", "champion")
    told = shop("export").err
    assert "shop: has no champion, and version 2 was rejected 20" in told
    assert "`make propose MODEL=shop VERSION=2` offers it again" in told


def test_nothing_is_rejected_where_there_is_no_challenger(shop: Shop) -> None:
    shop("reject", *BY)
    assert "given version 'challenger'" in shop("reject", *BY).err
