"""What a command line leaves out the environment may say, of scripts and of the training alike."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

import pytest

from outside.values import FLAG, NotAllowed, Outside
from scripts.command.options import add_rollout, parsed, parser
from scripts.credentials.__main__ import command_line
from training.commands import arguments as training
from training.common.errors import TrainingError


@pytest.fixture(name="given")
def _given(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    for name, value in request.param.items():
        monkeypatch.setenv(name, value)


def deploying(*arguments: str) -> argparse.Namespace:
    line = add_rollout(parser("deploy", None, 600.0), 15.0)
    line.add_argument("--force", action="store_true", default=Outside("OLDER", FLAG))
    return parsed(line, arguments)


def training_of(*arguments: str) -> argparse.Namespace:
    options = training.parser().parse_args(arguments)
    training.complete(options)
    return options


def some(options: argparse.Namespace, wanted: Mapping[str, object]) -> dict[str, object]:
    return {name: getattr(options, name) for name in wanted}


VALUES = {"STACK": "staging", "BY": "ann", "WHY": "it's better", "WATCH": "2.5", "OLDER": "1"}


@pytest.mark.parametrize("given", [VALUES], indirect=True)
def test_the_environment_says_what_the_command_line_does_not(given: None) -> None:
    wanted = {"stack": "staging", "by": "ann", "why": "it's better", "watch": 2.5, "force": True}
    assert some(deploying(), wanted) == wanted
    assert deploying("--stack", "mine", "--watch", "7").watch == 7


@pytest.mark.parametrize("given", [{"OLDER": "0", "WATCH": "", "BY": " "}], indirect=True)
def test_a_flag_may_say_no_and_what_is_empty_is_not_given(given: None) -> None:
    wanted = {"stack": "swarmline", "force": False, "watch": 15.0}
    assert some(deploying(), wanted) == wanted and "@" in deploying().by


@pytest.mark.parametrize("given", [{"ARGS": "--stack 'my stack' --json"}], indirect=True)
def test_args_are_words_as_a_shell_divides_them(
    given: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["status"])
    options = parsed(parser("status", None), None)
    assert (options.stack, options.json) == ("my stack", True)


@pytest.mark.parametrize("given", [{"ARGS": "'", "WATCH": "soon"}], indirect=True)
def test_what_cannot_be_used_ends_with_1_and_a_sentence(
    given: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["deploy"])
    for arguments, said in ((None, "ARGS cannot be divided"), ([], "WATCH is 'soon'; allowed is")):
        with pytest.raises(SystemExit, match="1"):
            parsed(add_rollout(parser("deploy", None), 15.0), arguments)
        assert said in capsys.readouterr().err


def test_secrets_without_a_word_are_made() -> None:
    assert parsed(command_line(), []).verb == "make"
    assert parsed(command_line(), ["--json", "list"]).verb == "list"


@pytest.mark.parametrize(
    ("given", "arguments", "wanted"),
    [
        ({"MODEL": "a b", "FORCE": "true"}, ["train"], {"models": ["a", "b"], "force": True}),
        ({"MODEL": "a", "FORCE": "false"}, ["train", "c"], {"models": ["c"], "force": False}),
        ({"GATE": "later"}, ["train"], {"gate": "later", "models": []}),
        ({"MODEL": "a"}, ["export"], {"models": ["a"], "release": False}),
        ({"MODEL": "a", "ROLLOUT": "replace"}, ["export"], {"models": [], "release": True}),
        ({"MODEL": "a", "ROLLOUT": "beside"}, ["export"], {"models": [], "release": False}),
        ({"MODEL": "a"}, ["card"], {"model": "a", "version": "champion"}),
        ({"WHY": "x", "BY": "ann"}, ["reject"], {"why": "x", "by": "ann", "version": "challenger"}),
        ({}, ["promote", "--exported"], {"why": "released"}),
    ],
    indirect=["given"],
)
def test_a_training_takes_what_make_was_given(
    given: None, arguments: list[str], wanted: dict[str, object]
) -> None:
    assert some(training_of(*arguments), wanted) == wanted


@pytest.mark.parametrize(
    ("given", "arguments", "said"),
    [
        ({}, ["promote"], "WHY is missing"),
        ({}, ["card"], "MODEL is missing: MODEL=name"),
        ({"MODEL": "a b"}, ["card"], "MODEL is 'a b'; allowed is a name"),
        ({"NAME": "My Model"}, ["draft", "x.csv", "--target", "y"], "NAME is 'My Model'"),
        ({"GATE": "never"}, ["train"], "allowed is one of enforce, report, later"),
    ],
    indirect=["given"],
)
def test_a_training_says_what_is_missing_or_wrong(
    given: None, arguments: list[str], said: str
) -> None:
    with pytest.raises((NotAllowed, TrainingError), match=said):
        training_of(*arguments)
