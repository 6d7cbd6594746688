"""Addresses with a name and a password in them: MLflow's, a journal's."""

from __future__ import annotations

from outside.address import is_sound, public
from scripts.command.outcome import Refused


def sound(name: str, address: str) -> str:
    """The address, unless a part that is not percent-encoded makes it mean another host."""
    if not is_sound(address):
        raise Refused(
            f"{name} is {public(address)}, in which name, password, host and port cannot be told apart;"
            " percent-encode what is special (@ is %40)"
        )
    return address
