"""A password of any text: it works, or is refused with what to do, and no part of it is shown. The three packages that
may import nothing of each other judge alike."""

from __future__ import annotations

import os
from collections.abc import Callable
from unittest.mock import patch

import pytest
import sqlalchemy
from hypothesis import example, given, settings
from hypothesis import strategies as st

from outside.address import public_text
from scripts.command import address
from scripts.command.outcome import Refused
from scripts.ledger import tracking
from scripts.operate import trace
from service.settings import BadSettings, read_settings
from tables.address import ENCODED, filled_in
from tables.errors import TableError
from training.common import state
from training.common.errors import RegistryError

#: Each with a password in it that means another host, path or port to whoever reads the address.
UNSOUND = [
    "postgresql://reader:hunter@two@db/shop",
    "postgresql://reader:hunter/two@db/shop",
    "postgresql://reader:1/hunter@db/shop",
    "postgresql://reader:1?hunter@db/shop",
    "postgresql://reader:1#hunter@db/shop",
    "postgresql://reader:hunter two@db/shop",
    "postgresql://reader@work:hunter@db/shop",
    "postgresql://reader:hunter@db:port/shop",
]
SOUND = [
    *("sqlite:///build/mlflow.db", "sqlite:////home/me@work/my file.db", "http://mlflow:5000"),
    *("postgresql://db/shop", "postgresql://reader@db/shop", "postgresql://a:b%40c:d@db:5432/shop"),
    "postgresql://reader:word@db/shop?options=-c%20a",
]


def through_scripts(url: str) -> None:
    address.sound("--journal", url)


def through_journal(url: str) -> None:
    read_settings({"JOURNAL_URL": url, "BUNDLES": "."})


def through_training(url: str) -> None:
    with patch.dict(os.environ, MLFLOW_TRACKING_URI=url):
        state.tracking_uri()


def through_source(url: str) -> None:
    with patch.dict(os.environ, SHOP=url.partition("://")[2]):
        filled_in(f"{url.partition('://')[0]}://${{SHOP}}")


WAYS: list[Callable[[str], None]] = [
    through_scripts,
    through_journal,
    through_training,
    through_source,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", UNSOUND)
def test_what_cannot_be_told_apart_is_refused_and_not_shown(url: str, way: Callable[[str], None]):
    with pytest.raises((Refused, BadSettings, RegistryError, TableError)) as caught:
        way(url)
    said = str(caught.value)
    assert "percent-encode" in said
    assert "hunter" not in said and "two@" not in said


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("url", SOUND)
def test_an_address_that_is_sound_is_taken(url: str, way: Callable[[str], None]):
    if way is not through_journal or url.startswith(("sqlite", "postgresql")):
        way(url)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
@example("p@ss")
@example("a/b:c?d#e[f]")
@example("100%sure")
@example("pa$word")
def test_a_password_from_the_environment_may_be_any_text(word: str):
    with patch.dict(os.environ, WORD=word):
        parts = sqlalchemy.make_url(filled_in("postgresql+psycopg://reader:${WORD}@db:5432/shop"))
    encoded = ENCODED.fullmatch(word) and "%" in word
    assert (parts.host, parts.port, parts.database) == ("db", 5432, "shop")
    assert encoded or parts.password == word


def test_a_password_that_is_percent_encoded_already_is_taken_as_it_is():
    with patch.dict(os.environ, WORD="p%40ss"):
        parts = sqlalchemy.make_url(filled_in("postgresql://reader:$WORD@db/shop"))
    assert parts.password == "p@ss"


def test_a_variable_that_is_not_set_is_named_beside_no_password():
    with pytest.raises(TableError, match="variable NOT_SET is not set") as caught:
        filled_in("postgresql://reader:hunter2@${NOT_SET}/shop")
    assert "hunter2" not in str(caught.value)


def test_an_mlflow_that_does_not_answer_is_named_without_its_password():
    with patch.dict(os.environ, MLFLOW_TRACKING_URI="http://me:hunter2@127.0.0.1:9"):
        with pytest.raises(
            Refused, match=r"no MLflow answers at http://me:\*\*\*@127.0.0.1:9"
        ) as caught:
            tracking.client()
    assert "hunter2" not in str(caught.value)


def test_a_journal_that_does_not_answer_is_named_without_its_password():
    with pytest.raises(Refused) as caught:
        trace.from_address("postgresql://me:hunter2@127.0.0.1:9/journal", "id")
    assert "127.0.0.1" in str(caught.value) and "hunter2" not in str(caught.value)


def test_what_is_no_database_s_address_is_refused():
    with pytest.raises(Refused, match="no address of a database"):
        trace.from_address("nonsense", "id")


def test_what_mlflow_says_of_a_failed_request_is_told_without_the_password():
    said = "API request to http://me:hunter2@mlflow:5000/api failed; models:/late@champion stays"
    assert public_text(said) == said.replace("hunter2", "***")
