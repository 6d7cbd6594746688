"""A stack as a ramp sees and changes it: what the ledger says serves, and a share, by the traffic command."""

from __future__ import annotations

import json
import os
import subprocess  # nosec B404 # the traffic command is a process of its own
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from scripts.command.outcome import Refused
from scripts.edge.client import EdgeClient, client_for
from scripts.engine import swarm
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import traffic_file
from scripts.stack_file import settings

#: Seconds between two looks at the traffic command, and at what might end it.
POLL = 1.0
#: Letters of a reason in the ledger.
LONGEST = 500


class Served(NamedTuple):
    """What serves of one model, as the ledger has it. `share` is the challenger's in per cent, 0 unless it is split."""

    record: Record
    champion: str
    challenger: str
    share: float

    @property
    def versions(self) -> tuple[str, str]:
        return self.champion, self.challenger


class Change(NamedTuple):
    """How the traffic command ended: its exit code, and its reason where that is not 0."""

    code: int
    reason: str


class Stack:
    """One stack, and one model of it; who changes it stands in the ledger."""

    def __init__(self, name: str, model: str, by: str):
        self.name, self.model, self.by = name, model, by

    def served(self) -> Served:
        """Refused where no challenger of the model is served, or what serves has no record."""
        history = records.history(self.name)
        unrecorded.refuse(swarm.look(self.name), self.name)
        serving = records.need_serving(self.name, history)
        arms = records.versions(serving.document).get(self.model)
        if arms is None:
            models = ", ".join(records.versions(serving.document))
            raise Refused(f"release {serving.release} has no model {self.model}; it has {models}")
        if "challenger" not in arms:
            raise Refused(
                f"{self.model} has no challenger in release {serving.release}; `make export image publish deploy`"
                " brings one in that was trained, beside its champion"
            )
        about = traffic_file.traffic_of(serving).get(self.model, {})
        share = 100 * about.get("share", 0.0) if about.get("mode") == "split" else 0.0
        return Served(serving, arms["champion"], arms["challenger"], round(share, 6))

    def edge(self) -> EdgeClient:
        inputs = records.last_inputs(self.name)
        around = settings.around(self.name, inputs)
        return client_for(swarm.look(self.name), self.name, around)

    def split(
        self, served: Served, percent: float, why: str, ended_by: Callable[[], bool]
    ) -> Change:
        """Gives the challenger a share. Once `ended_by` is true the command is told to go back."""
        return self._traffic(served, ["--mode", "split", "--share", f"{percent:g}"], why, ended_by)

    def take_back(self, served: Served, why: str) -> Change:
        """Gives the challenger nothing. It is not watched, as a rollback is not: it is wanted quickly."""
        words = ["--mode", "off", "--share", "0", "--watch", "0"]
        return self._traffic(served, words, why, lambda: False)

    def _traffic(
        self, served: Served, words: list[str], why: str, ended_by: Callable[[], bool]
    ) -> Change:
        command = [sys.executable, "-m", "scripts.release", "traffic", self.model, *words]
        command += ["--stack", self.name, "--only-for", ",".join(served.versions)]
        # After `=`, so that a reason which begins with a dash is no option.
        command += [f"--by={self.by}", f"--why={why[:LONGEST]}", "--json"]
        # What ARGS adds is for the ramp.
        environ = {name: text for name, text in os.environ.items() if name != "ARGS"}
        # In a session of its own a Ctrl-C at the terminal reaches the ramp alone, which hands it on where it should.
        with subprocess.Popen(  # nosec B603
            command, env=environ, stdout=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            return _change(process, _document_of(process, ended_by))


def _document_of(process: subprocess.Popen[str], ended_by: Callable[[], bool]) -> str:
    is_told = False
    while True:
        try:
            text, _ = process.communicate(timeout=POLL)
            return text
        except subprocess.TimeoutExpired:
            if not is_told and ended_by():
                process.terminate()
                is_told = True


def _change(process: subprocess.Popen[str], text: str) -> Change:
    try:
        document: dict[str, Any] = json.loads(text)
    except ValueError:
        document = {}
    return Change(
        process.returncode, document.get("reason", "it was ended before it could say how")
    )
