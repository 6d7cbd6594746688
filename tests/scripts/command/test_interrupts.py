"""Ctrl-C and its like: what they do to a command depends on how far it is."""

from __future__ import annotations

import os
import signal

import pytest

from scripts.command import interrupts
from scripts.command.outcome import Refused


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def test_before_anything_was_changed_it_is_a_refusal():
    with pytest.raises(Refused, match="interrupted by SIGTERM, before anything was changed"):
        with interrupts.refusing():
            terminate()


class Careless:
    """Python drops every exception that comes up while an object goes away."""

    def __del__(self) -> None:
        terminate()


def test_while_the_swarm_is_changed_it_is_noted_wherever_it_comes_up():
    with interrupts.refusing(), interrupts.going_back():
        Careless()
        assert interrupts.reason() == "interrupted by SIGTERM"
        # What is being put right is not interrupted again.
        interrupts.no_more()
        terminate()
        assert interrupts.reason() == ""


def test_once_it_is_done_what_is_left_to_write_down_is_written():
    with interrupts.refusing():
        with interrupts.going_back():
            interrupts.no_more()
        terminate()
    assert interrupts.reason() == ""
