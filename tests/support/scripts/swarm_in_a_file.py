"""A stack on a Swarm in a file: the docker command is a stand-in, the edge a small server of this process."""

from __future__ import annotations

import fcntl
import json
import os
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from werkzeug.wrappers import Request, Response

from scripts.engine import secrets_and_configs
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file.render import StackInputs
from tests.support.scripts import docker_stand_in
from tests.support.scripts.views import record
from tests.support.web import answering

NAME = "shop"
FILE = 'services: {model: {image: "${MODEL_IMAGE}", deploy: {replicas: ${MODEL_REPLICAS:-2}}}}\n'
ROW = {"rows": [{"light": 1.0}], "predictions": [1.0]}
GOLDEN = {"late": {"champion": {"version": "1", "golden": ROW}}}
EMPTY: dict[str, Any] = {
    **{"config": {}, "secret": {}, "service": {}, "node": {"node1": {}}, "image": {}},
    **{"bad": {}, "faults": [], "deploys": [], "answers": {}, "counts": {}},
}


class SwarmInAFile:
    """What the stand-in finds, has done, and is to do wrong."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.folder.mkdir()
        self.write(EMPTY)

    def read(self) -> dict[str, Any]:
        with self._held():
            return self._read()

    def write(self, swarm: dict[str, Any]) -> None:
        with self._held():
            self._write(swarm)

    def _read(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "swarm.json").read_bytes()))

    def _write(self, swarm: dict[str, Any]) -> None:
        (self.folder / "swarm.json").write_text(json.dumps(swarm), encoding="utf-8")

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        """Written when it ends; what a command does meanwhile would be lost, so none does anything."""
        with self._held():
            swarm = self._read()
            yield swarm
            self._write(swarm)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """After a command of the stand-in that is under way, also where whoever called it is dead."""
        with (self.folder / "lock").open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def change(self, part: str, **facts: Any) -> None:
        with self._changed() as swarm:
            swarm[part] |= facts

    def fault(self, call: str, times: int = 1, **facts: Any) -> None:
        with self._changed() as swarm:
            swarm["faults"].append({"call": call, "times": times, **facts})

    def calls(self, *words: str) -> list[dict[str, Any]]:
        """Those that begin so."""
        record = self.folder / "calls.jsonl"
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        return [call for call in map(json.loads, lines) if call["words"][: len(words)] == [*words]]

    @property
    def deploys(self) -> list[str]:
        """The image of each deploy, in order."""
        return list(self.read()["deploys"])

    @property
    def history(self) -> list[Record]:
        return sorted(
            (
                records.from_text(config["content"])
                for config in self.read()["config"].values()
                if config["labels"][secrets_and_configs.NAME] == records.NAME
            ),
            key=lambda record: -record.number,
        )

    @property
    def is_locked(self) -> bool:
        return f"{NAME}_deploying" in self.read()["config"]

    def remember(self, *past: Record) -> None:
        self.change("config", **configs(*past))

    def make_secrets(self, stack: str, folder: Path) -> None:
        """All of a stack's; the key of who deploys is in the folder."""
        for name in secrets_and_configs.NAMES:
            labels = {"swarmline.stack": stack, "swarmline.name": name}
            self.change("secret", **{f"{stack}_{name}_1": {"labels": labels, "content": ""}})
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "deployer.key").write_text("a-key\n", encoding="ascii")

    def publish(self, built: Record) -> str:
        """An image that a deploy can pull, by its name."""
        files = {
            "/app/release.json": {"release": built.release, **built.document},
            **{f"/app/bundles/late/{version}/golden.json": ROW for version in "12"},
        }
        config = {"Config": {"Labels": {"swarmline.release": built.release}, "Env": []}}
        self.change("image", **{built.image: {"config": config, "files": files}})
        return built.image


def locked(until: float, stack: str = NAME) -> dict[str, Any]:
    """The lock of a stack that bob works on, as the Swarm keeps it."""
    facts = {"by": "bob", "intended": "cccc", "since": "now", "until": until, "process": ""}
    labels = {"swarmline.stack": stack, "swarmline.name": "deploying"}
    return {f"{stack}_deploying": {"labels": labels, "content": json.dumps(facts)}}


def configs(*past: Record) -> dict[str, Any]:
    """Records as the Swarm keeps them."""
    return {
        f"{NAME}_release_{each.number}": {
            "labels": records.labels(NAME, each),
            "content": records.to_text(each),
        }
        for each in past
    }


def release(number: int, name: str, **facts: Any) -> Record:
    """A release whose stack is one service, as it was recorded."""
    usual = record(number, name, golden=GOLDEN)
    traffic = {"TRAFFIC_CONFIG": "", "EDGE_CONFIG": ""}
    inputs = StackInputs(
        {"stack.yml": FILE}, {"MODEL_IMAGE": usual.image, "EDGE_TLS": "off"}, traffic
    )
    return usual._replace(inputs=inputs, **facts)


def stand_in(folder: Path) -> None:
    folder.mkdir()
    code = Path(docker_stand_in.__file__).read_text(encoding="utf-8")
    # Without packages and settings it starts in a tenth of the time.
    (folder / "docker").write_text(f"#!{sys.executable} -IS\n{code}", encoding="utf-8")
    (folder / "docker").chmod(0o755)


def environ(folder: Path, url: str) -> dict[str, str]:
    return {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "STAND_IN": str(folder / "swarm"),
        "STAND_IN_PACKAGES": sysconfig.get_path("purelib"),
        "STACK": NAME,
        "SWARMLINE_BUILD": str(folder / "build"),
        "SWARMLINE_URL": url,
        "EDGE_TLS": "off",
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
    }


@contextmanager
def edge(swarm: SwarmInAFile, stack: str = NAME) -> Iterator[str]:
    """Answers as the release that was deployed last; `answers` says what it predicts, by release.

    With `lag`, seconds, it tells of a replica whose journal is so far behind.
    """

    def answer(request: Request) -> Response:
        state = swarm.read()
        service = state["service"].get(f"{stack}_model")
        serves = service["deploy"]["labels"]["swarmline.release"] if service else ""
        return Response(_said(state, serves, request), headers={"X-Release": serves})

    with answering(answer) as url:
        yield url


def _said(state: dict[str, Any], serves: str, request: Request) -> str:
    if request.method == "POST":
        predictions = state["answers"].get(serves, ROW["predictions"])
        version = "2" if request.headers.get("X-Arm") == "challenger" else "1"
        return json.dumps({"version": version, "predictions": predictions})
    lag = state.get("lag")
    if lag is None or not request.path.startswith("/edge/"):
        return json.dumps({"release": serves})
    if request.path == "/edge/stats":
        return "# pxname,svname,addr,type,status\nmodels,r1,10.0.1.5:8080,2,DOWN\n"
    return f"swarmline_journal_lag_seconds {lag}\n"
