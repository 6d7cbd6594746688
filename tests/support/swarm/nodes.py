"""One node: namespaces held by a process of their own, a cable to the bridge, and an engine inside.

Everything that a node runs lives in its process namespace, so the end of the holder is the end of all of it:
engine, shims, containers, and with them mounts and networks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.swarm.engine import docker_command, search_path
from tests.support.swarm.shell import Process, SwarmError, remove, run, start, succeeds
from tests.support.swarm.waiting import wait_until

#: A folder /run of its own hides the machine's sockets; the name server's file may live in there.
SETUP = """
set -e
hostname "$1"
mount --make-rprivate /
# As on a machine of its own: else a container could not have the root with what is mounted there later.
mount --make-rshared /
names=$(readlink -f /etc/resolv.conf)
mount -t tmpfs tmpfs /run
mkdir -p /run/docker "$(dirname "$names")"
[ -e "$names" ] || touch "$names"
mount --bind "$2/resolv.conf" "$names"
mount --bind "$2/hosts" /etc/hosts
ip link set lo up
touch "$2/ready"
exec tini-static -- sleep infinity
"""


@dataclass(frozen=True)
class Node:
    """`folder` is the node's own; `cable` the host's end of its network cable."""

    folder: Path
    engine: Path
    name: str
    address: str
    cable: str
    bridge: str
    gateway: str

    @property
    def socket(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def cgroup(self) -> str:
        return f"swarmline-{self.cable}"

    @property
    def is_up(self) -> bool:
        process = Process.read(self.folder / "holder.pid")
        return process is not None and process.is_alive

    def docker(self, *arguments: str, stdin: str | None = None, seconds: float = 300) -> str:
        """The docker command, acting on this node's engine."""
        command = docker_command(self.engine)
        return run(command, "-H", self.socket, *arguments, stdin=stdin, seconds=seconds)

    def logs(self, container: str) -> str:
        """What a container on this node has written. A service's logs wait for nodes that are lost, too."""
        command = docker_command(self.engine)
        return run(command, "-H", self.socket, "logs", container, seconds=60, both=True)

    def start(self) -> None:
        """Switched on; what it had on its disk is still there."""
        (self.folder / "ready").unlink(missing_ok=True)
        log = self.folder / "log"
        flags = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        words = ["unshare", *flags, "--mount-proc", "sh", "-c", SETUP, "sh", self.name, self.folder]
        path = search_path(self.engine)
        holder = start(self.folder / "holder.pid", log, *words, path=path)
        ready = self.folder / "ready"
        wait_until(lambda: ready.exists() or not holder.is_alive, f"{self.name} has namespaces")
        if not holder.is_alive:
            raise SwarmError(f"{self.name} has no namespaces: {log.read_text(encoding='utf-8')}")
        self._plug_in(holder.pid)
        self.start_engine()

    def _plug_in(self, pid: int) -> None:
        inside = ("nsenter", "-t", str(pid), "--net", "ip")
        pair = ("type", "veth", "peer", "name", "eth0", "netns", str(pid))
        run("ip", "link", "add", self.cable, *pair)
        run("ip", "link", "set", self.cable, "master", self.bridge, "up")
        run(*inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", "default", "via", self.gateway)

    def _inside(self) -> list[str]:
        holder = Process.read(self.folder / "holder.pid")
        if holder is None or not holder.is_alive:
            raise SwarmError(f"{self.name} is not running")
        # unshare itself has moved into all of them but the one of processes, where only its child is.
        spaces = ["--net", "--mount", "--uts", "--ipc"]
        processes = f"--pid=/proc/{holder.pid}/ns/pid_for_children"
        return ["nsenter", "-t", str(holder.pid), *spaces, processes]

    def start_engine(self) -> None:
        (self.folder / "docker.sock").unlink(missing_ok=True)
        # Also where every engine of a real Swarm listens, in a folder /run that is the node's own.
        usual = ("-H", "unix:///run/docker.sock")
        options = ["--config-file", self.folder / "daemon.json", "-H", self.socket, *usual]
        log, file = self.folder / "log", self.folder / "engine.pid"
        path = search_path(self.engine)
        process = start(file, log, *self._inside(), "dockerd", *options, path=path)
        self._wait_for_engine(process)

    def _wait_for_engine(self, process: Process) -> None:
        answers = (docker_command(self.engine), "-H", self.socket, "version")
        wait_until(
            lambda: not process.is_alive or succeeds(*answers), f"{self.name}'s engine answers"
        )
        if not process.is_alive:
            words = (self.folder / "log").read_text(encoding="utf-8")[-2000:]
            raise SwarmError(f"{self.name}'s engine ended at its start: {words}")

    def stop_engine(self, number: signal.Signals = signal.SIGTERM) -> None:
        """As `systemctl stop docker` does, or at once with SIGKILL."""
        process = Process.read(self.folder / "engine.pid")
        if process is not None and process.is_alive:
            end = f"kill -{number.value} $(cat /run/docker.pid)"
            run(*self._inside(), "sh", "-c", end)
            wait_until(lambda: not process.is_alive, f"{self.name}'s engine ends", 90)

    def restart_engine(self, number: signal.Signals = signal.SIGTERM) -> None:
        self.stop_engine(number)
        self.start_engine()

    def cut_off(self) -> None:
        """The cable is pulled: the node runs on, unreachable."""
        run("ip", "link", "set", self.cable, "down")

    def reconnect(self) -> None:
        run("ip", "link", "set", self.cable, "up")

    def kill(self) -> None:
        """Power off: engine and containers end at this moment."""
        holder = Process.read(self.folder / "holder.pid")
        if holder is not None:
            holder.end()
        engine = Process.read(self.folder / "engine.pid")
        if engine is not None:
            wait_until(lambda: not engine.is_alive, f"all of {self.name} ends")
        subprocess.run(["ip", "link", "del", self.cable], capture_output=True, check=False)
        _remove_cgroups(self.cgroup)

    def remove(self) -> None:
        self.kill()
        remove(self.folder)

    def prepare(self, registry: str, hosts: dict[str, str]) -> None:
        """Its disk: what the engine reads, and files that stand for the machine's own in there."""
        self.folder.mkdir(parents=True)
        options = {
            "data-root": str(self.folder / "data"),
            "exec-root": "/run/docker",
            "pidfile": "/run/docker.pid",
            "insecure-registries": [registry],
            "cgroup-parent": self.cgroup,
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "log-level": "warn",
        }
        (self.folder / "daemon.json").write_text(json.dumps(options), encoding="utf-8")
        names = Path("/etc/hosts").read_text(encoding="utf-8").rstrip("\n")
        more = "".join(f"\n{address} {name}" for name, address in hosts.items())
        (self.folder / "hosts").write_text(f"{names}{more}\n", encoding="utf-8")
        (self.folder / "resolv.conf").write_text(_name_servers(), encoding="utf-8")


def _name_servers() -> str:
    """A resolver on the machine's own loopback is out of a node's reach: then those that it asks."""
    for file in ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"):
        if not Path(file).exists():
            continue
        text = Path(file).read_text(encoding="utf-8")
        if "nameserver" in text and "nameserver 127." not in text:
            return text
    raise SwarmError("/etc/resolv.conf names no name server that a node could reach")


def _remove_cgroups(name: str) -> None:
    """Empty by now; of version 1 there is one tree a controller, of version 2 one for all."""
    tops = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").glob("*")]
    for top in {place.resolve() for place in tops if (place / name).is_dir()}:
        for folder in [Path(path) for path, _, _ in os.walk(top / name, topdown=False)]:
            wait_until(partial(_gone, folder), f"cgroup {folder} is empty", 20)


def _gone(folder: Path) -> bool:
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
