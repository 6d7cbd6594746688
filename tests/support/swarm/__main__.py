"""python -m tests.support.swarm up|down|env|status: a Swarm to try things on, beside those of the tests.

eval "$(python -m tests.support.swarm env)" makes the project's own commands act on it.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys

from tests.support.swarm import cluster
from tests.support.swarm.engine import unpacked
from tests.support.swarm.shell import SwarmError


def _tell(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def _up(asked: argparse.Namespace) -> None:
    swarm = cluster.up(asked.name, asked.nodes, ours=False, tell=_tell)
    _tell(swarm.docker("node", "ls"))
    _tell(f'eval "$(python -m tests.support.swarm env --name {swarm.name})" to act on it')


def _down(asked: argparse.Namespace) -> None:
    cluster.down(asked.name, _tell)


def _env(asked: argparse.Namespace) -> None:
    for name, value in cluster.find(asked.name).env.items():
        print(f"export {name}={shlex.quote(value)}")
    if not shutil.which("docker"):
        print(f"export PATH={unpacked() / 'usr/bin'}:$PATH")


def _status(asked: argparse.Namespace) -> None:
    swarm = cluster.find(asked.name)
    for node in swarm.nodes:
        print(f"{node.name}  {node.address}  {'up' if node.is_up else 'down'}  {node.socket}")
    print(f"registry  {swarm.registry.address}")
    for variable, image in swarm.images.items():
        print(f"{variable}  {image}")
    print(swarm.docker("node", "ls"), end="")


def main() -> int:
    acts = {"up": _up, "down": _down, "env": _env, "status": _status}
    parser = argparse.ArgumentParser(prog="python -m tests.support.swarm", description=__doc__)
    parser.add_argument("act", choices=acts)
    parser.add_argument("--name", default="shared")
    parser.add_argument("--nodes", type=int, default=3)
    asked = parser.parse_args()
    try:
        acts[asked.act](asked)
    except SwarmError as error:
        _tell(f"swarm: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
